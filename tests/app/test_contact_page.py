"""The page Contact: who is in Crisp, what came here, and erasing."""

from html import unescape

import pytest

from tests.app.browsing import Browser, signed_in
from tests.app.stack import Stack

XSS = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def admin(stack: Stack) -> Browser:
    """Signed in; Ada is in Crisp."""
    browser = signed_in(stack)
    told = {"email": "ada@example.com", "nickname": XSS, "data": {"plan": XSS}, "segments": ["vip"]}
    stack.client().post("/v1/contacts", json=told)
    return browser


def test_somebody_is_shown_with_data_and_history_and_nothing_is_run(admin: Browser) -> None:
    page = admin.text("/contacts?who=ada@example.com")
    assert "vip" in page
    assert XSS in unescape(page)
    assert "<img" not in page
    assert "/activity/" in page


@pytest.mark.parametrize("who", ["nobody@example.com", "zebra", XSS, "a/b", "\u202e"])
def test_nobody_is_told_in_words(admin: Browser, who: str) -> None:
    answer = admin.get("/contacts", query_string={"who": who})
    assert answer.status_code in (404, 422)
    assert 'role="alert"' in answer.get_data(as_text=True)
    assert "<img" not in answer.get_data(as_text=True)


def test_erasing_is_done_in_crisp_and_here(admin: Browser, stack: Stack) -> None:
    assert admin.post("/contacts/erase", who="ada@example.com").status_code == 303
    assert stack.crisp.people() == {}
    assert stack.client().get("/v1/outcomes?email=ada@example.com").get_json() == []


def test_who_may_only_read_erases_nobody(admin: Browser, stack: Stack) -> None:
    reader = Browser(stack.app)
    reader.sign_in(stack.key("read"))
    assert "Erase this person" not in reader.text("/contacts?who=ada@example.com")
    assert reader.post("/contacts/erase", who="ada@example.com").status_code == 403
    assert "ada@example.com" in stack.crisp.people()
