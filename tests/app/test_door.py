"""Who comes in to the pages, how it ends, and that nobody else gets anything done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from connector import first_start
from connector.app import create_app
from connector.ledger.tables import tickets
from connector.services import open_services
from connector.settings import Settings
from tests.app.browsing import HTML, Browser
from tests.app.stack import API_KEY, CRISP_KEY, IDENTIFIER, WEBSITE, Crisp, Stack


@pytest.fixture
def anybody(stack: Stack) -> Iterator[Browser]:
    """Not signed in."""
    yield Browser(stack.app)
    with stack.services.ledger.write() as connection:
        connection.execute(delete(tickets))


@pytest.fixture
def admin(anybody: Browser) -> Browser:
    """Signed in with the admin's key."""
    assert anybody.sign_in(API_KEY).status_code == 303
    return anybody


def cookie(browser: Browser) -> str:
    found = browser.client.get_cookie("crisp_connector")
    assert found is not None
    return found.value


class TestComingIn:
    """With a key."""

    def test_a_key_opens_and_leads_where_one_wanted_to(self, anybody: Browser) -> None:
        assert anybody.get("/").headers["Location"] == "/sign-in?next=/"
        assert anybody.sign_in(API_KEY, next="/docs").headers["Location"] == "/docs"
        assert WEBSITE in anybody.text("/")

    @pytest.mark.parametrize("where", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb"])
    def test_it_leads_nowhere_else(self, anybody: Browser, where: str) -> None:
        assert anybody.sign_in(API_KEY, next=where).headers["Location"] == "/"

    @pytest.mark.parametrize("key", ["", "ck_wrong", "é\u202e", "x" * 100_000])
    def test_a_wrong_key_does_not(self, anybody: Browser, key: str) -> None:
        answer = anybody.sign_in(key)
        assert (answer.status_code, anybody.inside()) == (401, False)
        assert "This API key is not known here" in answer.get_data(as_text=True)

    def test_ten_wrong_ones_a_minute_slow_down(self, anybody: Browser) -> None:
        token = anybody.token()
        for _ in range(10):
            assert anybody.post("/sign-in", token, key="wrong").status_code == 401
        answer = anybody.post("/sign-in", token, key=API_KEY)
        assert answer.status_code == 429
        assert "Wait for" in answer.get_data(as_text=True)

    def test_the_cookie_is_out_of_reach(self, anybody: Browser) -> None:
        plain = anybody.sign_in(API_KEY).headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(plain.split("; "))
        assert "Secure" not in plain
        anybody.headers["X-Forwarded-Proto"] = "https"
        assert "Secure" in anybody.sign_in(API_KEY).headers["Set-Cookie"].split("; ")

    def test_a_link_is_good_once(self, anybody: Browser, stack: Stack) -> None:
        path = f"/sign-in/{first_start.new_link(stack.services, WEBSITE)}"
        assert anybody.get(path).status_code == anybody.get(path).status_code == 200, "looking uses nothing up"
        assert anybody.post(path).status_code == 303
        assert anybody.inside()
        other = Browser(stack.app)
        assert other.post(path).status_code == 401
        assert not other.inside()


class TestGoingOut:
    """By oneself, or because the key is gone."""

    def test_a_cookie_that_was_stolen_is_worth_nothing_after_signing_out(self, admin: Browser, stack: Stack) -> None:
        thief = Browser(stack.app)
        thief.client.set_cookie("crisp_connector", cookie(admin))
        assert thief.inside()
        assert admin.post("/sign-out").status_code == 303
        assert not thief.inside()
        assert not admin.inside()

    def test_signing_in_makes_a_new_session(self, anybody: Browser, stack: Stack) -> None:
        anybody.token()
        fixed = cookie(anybody)
        anybody.sign_in(API_KEY)
        victim = Browser(stack.app)
        victim.client.set_cookie("crisp_connector", fixed)
        assert not victim.inside()

    def test_signing_in_ends_the_session_before(self, admin: Browser, stack: Stack) -> None:
        before = Browser(stack.app)
        before.client.set_cookie("crisp_connector", cookie(admin))
        assert before.inside()
        assert admin.sign_in(API_KEY).status_code == 303
        assert admin.inside()
        assert not before.inside()

    def test_a_cookie_from_before_somebody_signed_in_is_not_good_for_a_link_either(
        self, anybody: Browser, stack: Stack
    ) -> None:
        anybody.token()
        fixed = cookie(anybody)
        assert anybody.post(f"/sign-in/{first_start.new_link(stack.services, WEBSITE)}").status_code == 303
        thief = Browser(stack.app)
        thief.client.set_cookie("crisp_connector", fixed)
        assert not thief.inside()

    def test_it_ends_with_the_key(self, anybody: Browser, stack: Stack) -> None:
        made = stack.client().post("/v1/keys", json={"scopes": ["read"]}).get_json()
        anybody.sign_in(made["key"])
        assert anybody.inside()
        stack.client().delete(f"/v1/keys/{made['id']}")
        assert not anybody.inside()

    def test_a_forged_cookie_is_none(self, anybody: Browser) -> None:
        anybody.client.set_cookie("crisp_connector", "eyJ0aWNrZXQiOiJhIn0.aaaa.bbbb")
        assert not anybody.inside()


def test_who_may_only_read_sees_and_cannot_do(anybody: Browser, stack: Stack) -> None:
    anybody.sign_in(stack.key("read"))
    page = anybody.text("/")
    assert WEBSITE in page
    assert "read only" in page
    assert "connect/keys" not in page
    answer = anybody.post("/connect/keys", label="mine", scope="admin")
    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "lacks the scope admin" in answer.get_data(as_text=True)


def test_a_part_of_a_page_leads_to_the_door_too(anybody: Browser) -> None:
    answer = anybody.client.post("/connect/doctor", headers={**HTML, "HX-Request": "true"})
    assert answer.status_code == 403
    answer = anybody.client.get("/connect/inbound/x/light", headers={**HTML, "HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in")


def test_the_first_start_is_done_on_the_page(tmp_path: Path, sandboxed: Crisp) -> None:
    sandboxed.reset()
    services = open_services(Settings(data_dir=tmp_path, crisp_api_url=f"{sandboxed.url}/v1"))
    browser, code = Browser(create_app(services)), first_start.new_code(services)
    assert "one-time code" in browser.text("/sign-in")
    token = {"website_id": WEBSITE, "identifier": IDENTIFIER, "key": CRISP_KEY, "tier": "website", "label": "My shop"}
    wrong = browser.post("/setup", code="AAAA-AAAA-AAAA", **token)
    assert (wrong.status_code, browser.inside()) == (401, False)
    assert CRISP_KEY not in wrong.get_data(as_text=True)
    done = browser.post("/setup", code=code, **token)
    assert "ck_" in done.get_data(as_text=True)
    assert "My shop" in browser.text("/")
    assert browser.post("/setup", code=code, **token).status_code == 409
    services.close()
