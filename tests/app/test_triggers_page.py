"""The page Triggers: who is told, how it went, and the sheets."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from tests.app.browsing import Browser, signed_in
from tests.app.stack import Stack

CREDENTIAL = '{"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key": "zebra"}'


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """A subscriber on this machine may be told."""
    return {"egress_allow": "127.0.0.1,localhost"}


@pytest.fixture
def admin(stack: Stack) -> Iterator[Browser]:
    """Signed in."""
    browser = signed_in(stack)
    yield browser
    for each in stack.client().get("/v1/sinks").get_json():
        stack.client().delete(f"/v1/sinks/{each['id']}")


def subscribed(browser: Browser, stack: Stack, url: str) -> str:
    """The id of a new subscription, whose secret the page shows once."""
    page = browser.post("/triggers/subscriptions", event="contact_created", target_url=url).get_data(as_text=True)
    assert re.search(r"whsec_[\w+/=]+", unescape(page)), page
    assert "whsec_" not in browser.text("/triggers")
    found: str = stack.client().get("/v1/subscriptions").get_json()[0]["id"]
    return found


def test_a_subscriber_is_added_tested_rotated_and_taken_away(
    admin: Browser, stack: Stack, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/hook").respond_with_data("", status=200)
    path = f"/triggers/subscriptions/{subscribed(admin, stack, httpserver.url_for('/hook'))}"
    assert admin.post(f"{path}/test").status_code == 303
    assert "The sample was taken: 200." in admin.text("/triggers")
    assert len(httpserver.log) == 1
    assert "whsec_" in admin.post(f"{path}/rotate").get_data(as_text=True)
    assert admin.post(f"{path}/delete").status_code == 303
    assert stack.client().get("/v1/subscriptions").get_json() == []


def test_a_test_that_fails_says_so(admin: Browser, stack: Stack, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook").respond_with_data("", status=500)
    admin.post(f"/triggers/subscriptions/{subscribed(admin, stack, httpserver.url_for('/hook'))}/test")
    assert "The sample was not taken: 500." in admin.text("/triggers")


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "nonsense", '"><img src=x>'])
def test_an_address_that_is_not_told_is_refused_in_words(admin: Browser, stack: Stack, url: str) -> None:
    answer = admin.post("/triggers/subscriptions", event="contact_created", target_url=url)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.get_data(as_text=True)
    assert "<img" not in answer.get_data(as_text=True)
    assert stack.client().get("/v1/subscriptions").get_json() == []


def test_a_sheet_is_added_without_showing_its_key(admin: Browser, stack: Stack) -> None:
    said = {"kind": "google_sheets", "spreadsheet": "1aBcD3fGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG", "sheet": "Contacts"}
    answer = admin.post("/triggers/sinks", **said, mode="upsert", events="contact_created", credential=CREDENTIAL)
    assert "zebra" not in answer.get_data(as_text=True)
    for each in stack.client().get("/v1/sinks").get_json():
        assert "Contacts" in admin.text("/triggers")
        assert admin.post(f"/triggers/sinks/{each['id']}/delete").status_code == 303


def test_there_is_nothing_of_another(admin: Browser) -> None:
    assert admin.get("/triggers/deliveries/nothing").status_code == 404
    assert admin.post("/triggers/subscriptions/nothing/test").status_code == 404


def test_who_may_only_read_tells_nobody(stack: Stack) -> None:
    reader = Browser(stack.app)
    reader.sign_in(stack.key("read"))
    assert "Subscribe</button>" not in reader.text("/triggers")
    answer = reader.post("/triggers/subscriptions", event="contact_created", target_url="https://example.com/")
    assert answer.status_code == 403
