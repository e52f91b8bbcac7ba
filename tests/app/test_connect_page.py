"""The page Connect: it does what `/v1` does, shows secrets once, and never more than the key may see."""

import json
import re
from collections.abc import Iterator
from html import unescape

import pytest

from connector.manifest import shipped
from connector.web.boxes import boxes, curl
from tests.app.browsing import Browser, signed_in
from tests.app.inbound import cleared
from tests.app.stack import CRISP_KEY, IDENTIFIER, WEBSITE, Stack

XSS = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>"


@pytest.fixture
def admin(stack: Stack) -> Iterator[Browser]:
    """Signed in."""
    browser = signed_in(stack)
    yield browser
    cleared(stack)


def test_it_tells_of_the_website_and_its_quota(admin: Browser, stack: Stack) -> None:
    stack.use(1234)
    page = admin.text("/")
    assert f"{WEBSITE}</dd>" in page
    assert "1,234 of 10,000 used" in page


def test_a_halted_connection_says_why(admin: Browser, stack: Stack) -> None:
    stack.save(halted="crisp_credential_refused")
    assert "Crisp refuses its credential (401)." in admin.text("/")


def test_a_key_is_shown_once_filled_in_and_works(admin: Browser, stack: Stack) -> None:
    page = unescape(admin.post("/connect/keys", label="n8n", scope="write").get_data(as_text=True))
    secret = re.search(r"ck_[\w-]{43}", page)
    assert secret is not None
    assert f"Authorization: Bearer {secret[0]}" in page
    assert stack.client(secret[0]).get("/v1/me").get_json()["scopes"] == ["write"]
    again = admin.text("/")
    assert "n8n" in again
    assert secret[0] not in again
    key_id = next(each["id"] for each in stack.client().get("/v1/keys").get_json() if each["label"] == "n8n")
    assert admin.post(f"/connect/keys/{key_id}/revoke").status_code == 303
    assert stack.client(secret[0]).get("/v1/me").status_code == 401


def test_a_mistake_is_told_on_the_page(admin: Browser) -> None:
    answer = admin.post("/connect/keys", label="a\nb", scope="all")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)


def test_an_address_has_its_steps_its_secret_once_and_a_light(admin: Browser, stack: Stack) -> None:
    page = unescape(admin.post("/connect/inbound", source="dynamics").get_data(as_text=True))
    address = stack.client().get("/v1/inbound").get_json()[0]
    for step in address["steps"]:
        assert step in page
    assert "whsec" in page or "secret-" in page
    assert f'id="secret-{address["id"]}"' not in admin.text("/")
    assert "waiting for the first call" in admin.text(f"/connect/inbound/{address['id']}/light")
    secret = re.search(rf'id="secret-{address["id"]}"[^>]*>([^<]+)<', page)
    assert secret is not None
    sent = {"contactid": "0f3a", "emailaddress1": "ada@example.com"}
    stack.client(None).post(f"/in/dynamics/{address['id']}?secret={secret[1]}", json=sent)
    light = admin.text(f"/connect/inbound/{address['id']}/light")
    assert ("received" in light) == bool(stack.client().get(f"/v1/inbound/{address['id']}/arrivals").get_json())
    assert admin.post(f"/connect/inbound/{address['id']}/delete").status_code == 303
    assert stack.client().get("/v1/inbound").get_json() == []


def test_the_doctors_findings_come_as_a_part_or_on_the_page(admin: Browser, stack: Stack) -> None:
    whole = admin.post("/connect/doctor").get_data(as_text=True)
    assert "Crisp accepts it" in whole
    assert "<nav" in whole
    stack.crisp.switch(key="another")
    admin.headers["HX-Request"] = "true"
    part = admin.client.post("/connect/doctor", data={"csrf_token": admin.token()}, headers=admin.headers)
    assert "crisp_credential_refused" in part.get_data(as_text=True)
    assert "<nav" not in part.get_data(as_text=True)


def test_the_probe_says_how_crisp_behaves(admin: Browser, stack: Stack) -> None:
    page = admin.post("/connect/probe").get_data(as_text=True)
    assert f"Found out with {stack.crisp.calls} calls" in page


def test_the_name_is_changed_and_a_refused_token_is_not_stored(admin: Browser, stack: Stack) -> None:
    assert admin.post("/connect/website", label="My <shop>", tier="website").status_code == 303
    assert "My &lt;shop&gt;" in admin.text("/")
    refused = admin.post("/connect/website", label="My shop", identifier=IDENTIFIER, key="zebra-wrong", tier="website")
    assert refused.status_code == 422
    assert "zebra-wrong" not in refused.get_data(as_text=True)


def test_nothing_that_somebody_named_is_run(admin: Browser) -> None:
    for path in ("/connect/keys", "/connect/inbound"):
        answer = admin.post(path, label=XSS, source="dynamics", scope="read")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        assert "<img" not in answer.get_data(as_text=True)
        assert "alert(2)</script>" not in answer.get_data(as_text=True)
    assert "<img" not in admin.text("/")


def test_every_box_has_address_and_key() -> None:
    found = {each.key: each.text for each in boxes("https://c.example", "ck_a")}
    for key, text in found.items():
        assert ("https://c.example/v1/contacts" in text and "Bearer ck_a" in text) or key == "crisp", key
    nodes = json.loads(found["n8n"])["nodes"]
    assert [each["type"] for each in nodes] == ["n8n-nodes-base.httpRequest"]


def test_a_shell_reads_quotes_as_they_are() -> None:
    assert curl("http://x", "k", '{"a": "it\'s"}').endswith("""--data-binary '{"a": "it'\\''s"}'""")


def test_every_source_with_steps_can_be_chosen(admin: Browser) -> None:
    page = admin.text("/")
    for key, source in shipped().sources.items():
        assert (f'<option value="{key}">' in page) == bool(source.steps)


@pytest.fixture
def second_crisp(stack: Stack) -> Iterator[dict[str, str]]:
    """A second website, which is the one that Crisp has now, as a form says it."""
    stack.crisp.switch(website_id="second-website")
    yield {"website_id": "second-website", "label": "The other shop", "identifier": IDENTIFIER, "key": CRISP_KEY}
    stack.crisp.switch(website_id=WEBSITE)


def test_one_more_website_is_connected_and_its_key_is_shown_once(
    admin: Browser, stack: Stack, second_crisp: dict[str, str]
) -> None:
    page = unescape(admin.post("/connect/websites", **second_crisp).get_data(as_text=True))
    found = re.search(r'id="website-key"[^>]*>(ck_[\w-]{43})<', page)
    assert found is not None
    assert stack.client(found[1]).get("/v1/me").get_json()["website_id"] == "second-website"
    again = admin.text("/")
    assert "The other shop" in again
    assert not {found[1], CRISP_KEY} & set(re.split(r"[\s<>\"']", again))
    other = Browser(stack.app)
    assert other.sign_in(found[1]).status_code == 303
    assert "The other shop" not in other.text("/").partition('id="websites"')[2].partition("<details")[0], "its own"
    assert admin.post("/connect/websites/second-website/remove").status_code == 303
    assert "The other shop" not in admin.text("/")
    assert stack.client(found[1]).get("/v1/me").status_code == 401


def test_a_website_that_crisp_does_not_take_is_told_and_what_was_typed_stays_but_for_the_secret(
    admin: Browser, second_crisp: dict[str, str]
) -> None:
    answer = admin.post("/connect/websites", **{**second_crisp, "key": "another-secret"})
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert 'role="alert"' in page
    assert 'value="second-website"' in page
    assert "another-secret" not in page
    assert admin.post("/connect/websites", **{**second_crisp, "website_id": WEBSITE}).status_code in (409, 422)


@pytest.mark.parametrize("scope", ["read", "write"])
def test_who_may_not_do_everything_neither_sees_nor_changes_websites(
    stack: Stack, scope: str, second_crisp: dict[str, str]
) -> None:
    browser = Browser(stack.app)
    browser.sign_in(stack.key(scope))
    assert 'id="websites"' not in browser.text("/")
    assert browser.post("/connect/websites", **second_crisp).status_code == 403
    assert browser.post(f"/connect/websites/{WEBSITE}/remove").status_code == 403
    assert stack.client().get("/v1/connections").get_json()[1:] == []


def test_the_website_that_one_is_in_is_not_removed_by_the_page(admin: Browser, stack: Stack) -> None:
    assert admin.post(f"/connect/websites/{WEBSITE}/remove").status_code == 409
    assert stack.client().get("/v1/me").status_code == 200


@pytest.mark.parametrize("key", [key for key, each in shipped().sources.items() if each.steps])
def test_an_address_says_what_its_source_does_not_carry_and_why(admin: Browser, key: str) -> None:
    more = {"hubspot": {"secret": "a-secret-of-theirs"}, "shopify": {"secret": "a-secret-of-theirs"}}
    more |= {"salesforce": {"sender": "00D000000000062EAA"}}
    assert admin.post("/connect/inbound", source=key, **more.get(key, {})).status_code == 200
    page = admin.text("/")
    left_out = shipped().sources[key].about.get("left_out", [])
    assert ("What is not carried over, and why" in page) == bool(left_out)
    said = unescape(re.sub("</?code>", "`", page))
    for each in left_out:
        assert f"<dt>{each['what']}</dt><dd>{each['why']}</dd>" in said


def test_what_is_not_carried_is_told_in_french(stack: Stack, admin: Browser) -> None:
    stack.client().post("/v1/inbound", json={"source": "notion"})
    french = signed_in(stack)
    french.headers["Accept-Language"] = "fr"
    assert "Seules les propriétés d’une base de données sont lues." in french.text("/")
    assert admin.inside()
