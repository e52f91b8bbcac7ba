"""The page Activity: what the API says of outcomes, filtered, followed and sent again."""

import json
import re
from html import unescape

import pytest
from sqlalchemy import update

from connector.ledger.tables import records
from tests.app.browsing import Browser, signed_in
from tests.app.stack import Stack, finished

XSS = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@pytest.fixture
def admin(stack: Stack) -> Browser:
    """Signed in, with one created and one rejected."""
    browser = signed_in(stack)
    for body in ({"email": "ada@example.com", "nickname": "Ada"}, {"email": "nobody", "nickname": "Nobody"}):
        stack.client().post("/v1/contacts", json=body)
    return browser


def test_it_lists_what_the_api_lists(admin: Browser) -> None:
    page = unescape(admin.text("/activity"))
    assert "ada@example.com" in page
    assert "not a valid email address" in page
    assert "ada@example.com" not in admin.text("/activity?status=rejected")
    assert "ada@example.com" in admin.text("/activity?email=ADA@example.com&since=2020-01-01T00:00")
    assert "Nothing here" in admin.text("/activity?until=2020-01-01T00:00")


@pytest.mark.parametrize("query", ["status=zebra", "email=zebra", "since=zebra", "cursor=zebra", f"code={XSS}"])
def test_a_filter_that_makes_no_sense_is_told_in_words(admin: Browser, query: str) -> None:
    answer = admin.get(f"/activity?{query}")
    page, known = answer.get_data(as_text=True), query.startswith("code")
    assert (answer.status_code, 'role="alert"' in page) == ((200, False) if known else (422, True))
    assert "<img" not in page


def test_numbers_are_those_of_the_api(admin: Browser, stack: Stack) -> None:
    told = json.loads(admin.get("/activity/numbers?period=month").get_data())
    assert told == stack.client().get("/v1/activity?period=month").get_json()


def test_one_record_is_told_whole(admin: Browser, stack: Stack) -> None:
    for row in stack.client().get("/v1/outcomes").get_json():
        page = unescape(admin.text(f"/activity/{row['outcome_id']}"))
        for each in stack.client().get(f"/v1/outcomes/{row['outcome_id']}").get_json()["trail"]:
            assert each["call"] in page
        assert "Nobody" in page or "ada@example.com" in page


def test_what_gave_up_is_sent_again_by_its_kind_or_alone(admin: Browser, stack: Stack) -> None:
    for form in ({"code": "crisp_gave_up"}, {}):
        with stack.services.ledger.write() as connection:
            changed = {"status": "dead", "code": "crisp_gave_up"}
            connection.execute(update(records).where(records.c.email == "ada@example.com").values(**changed))
        assert "crisp_gave_up" in admin.text("/activity/kinds")
        row = stack.client().get("/v1/outcomes?status=dead").get_json()[0]
        assert "Send it again" in admin.text(f"/activity/{row['outcome_id']}")
        sent = form or {"id": row["outcome_id"]}
        assert admin.post("/activity/replay", **sent).status_code == 303
        assert "1 record is sent again." in admin.text("/activity")
        assert stack.client().get("/v1/outcomes?status=dead").get_json() == []


def test_pages_lead_to_the_end_and_show_everybody_once(admin: Browser, stack: Stack) -> None:
    people = [{"email": f"p{number}@example.com"} for number in range(130)]
    finished(stack.client(), stack.client().post("/v1/contacts/batch", json=people).get_json()["import_id"])
    wanted = {each["outcome_id"] for each in stack.client().get("/v1/outcomes?limit=500").get_json()}
    shown, pages, older = [], 0, "/activity"
    while older:
        page = unescape(admin.text(older))
        shown += re.findall(r'id="row-(\w+)"', page)
        # What comes in meanwhile is newer than all that is still to be shown.
        stack.client().post("/v1/contacts", json={"email": f"late{pages}@example.com"})
        found = re.search(r'href="(/activity\?[^"]*cursor=[^"]+)"', page)
        older, pages = found[1] if found else "", pages + 1
    assert (len(shown), set(shown)) == (132, wanted)
    assert pages == 3


def test_nothing_that_came_in_is_run(admin: Browser, stack: Stack) -> None:
    stack.client().post("/v1/contacts", json={"email": "x@example.com", "nickname": XSS, XSS: XSS, "data": {"a": XSS}})
    row = stack.client().get("/v1/outcomes").get_json()[0]
    for path in ("/activity", f"/activity/{row['outcome_id']}", "/activity/kinds", f"/activity/{XSS}"):
        assert "<img" not in admin.get(path).get_data(as_text=True)


def test_who_may_only_read_sends_nothing_again(stack: Stack) -> None:
    browser = Browser(stack.app)
    browser.sign_in(stack.key("read"))
    assert browser.post("/activity/replay", code="crisp_gave_up").status_code == 403
