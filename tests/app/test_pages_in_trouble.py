"""Pages when something is wrong: the database is away, a link came from elsewhere, a stranger sends a lot."""

from typing import NoReturn

import pytest
from sqlalchemy.exc import OperationalError

from connector.ledger.database import Ledger
from tests.app.browsing import HTML, Browser, signed_in
from tests.app.stack import Stack


@pytest.fixture
def browser(stack: Stack) -> Browser:
    return signed_in(stack)


def _away(_ledger: Ledger) -> NoReturn:
    raise OperationalError("SELECT 1", {}, Exception("the database is away"))


@pytest.mark.parametrize("path", ["/", "/activity", "/docs", "/import/x/progress", "/contacts?who=a@example.com"])
def test_a_database_that_is_away_is_told_on_a_page(
    browser: Browser, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "read", _away)
    answer = browser.get(path)
    assert (answer.status_code, answer.mimetype, answer.headers["Retry-After"]) == (503, "text/html", "5")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_a_link_from_elsewhere_ends_no_session(browser: Browser, stack: Stack) -> None:
    """The browser sends no cookie along then (SameSite=Strict); one that is set would take the session's place."""
    elsewhere = {**HTML, "Sec-Fetch-Site": "cross-site"}
    for path in ("/activity?status=dead", "/sign-in"):
        answer = stack.app.test_client().get(path, headers=elsewhere)
        assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (200, [])
        assert f'content="0; url={path}"' in answer.get_data(as_text=True)
    assert browser.get("/activity", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200
    assert browser.inside()


@pytest.mark.parametrize("path", ["/sign-in", "/import/preview"])
def test_a_stranger_sends_no_large_file(stack: Stack, path: str) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    sent = head + b"x" * 3_000_000 + b"\r\n--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    answer = stack.app.test_client().post(path, data=sent, headers=HTML, content_type=kind)
    assert answer.status_code == 413


def test_a_part_that_cannot_be_shown_is_no_whole_page(browser: Browser) -> None:
    part = browser.get("/activity?since=zzz", headers={"HX-Request": "true"})
    assert (part.status_code, "<html" in part.get_data(as_text=True)) == (422, False)
    whole = browser.get("/activity?since=zzz")
    assert (whole.status_code, "<html" in whole.get_data(as_text=True)) == (422, True)


def test_who_is_signed_in_is_so_where_nothing_is(browser: Browser) -> None:
    assert "Sign out" in browser.get("/nowhere").get_data(as_text=True)
