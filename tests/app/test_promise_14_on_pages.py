"""Promise 14 on the pages: whatever somebody sends who is signed in, the answer is no 5xx, and a page."""

import random
from typing import Any

import pytest

from tests.app.browsing import Browser, signed_in
from tests.app.odd import ODD, TYPES, filled, fine
from tests.app.openapi import path_of
from tests.app.stack import DATABASES, Stack

on_both = pytest.mark.parametrize("database", DATABASES, indirect=True)

# Whatever a form of a page has, and what may be typed into it.
NAMES = (
    *("payload", "path", "to", "source", "mode", "timezone", "country", "unmapped", "sample", "name", "next", "key"),
    *("code", "website_id", "identifier", "tier", "label", "scope", "secret", "credential", "who", "id", "cursor"),
    *("status", "email", "since", "until", "period", "url", "header", "limit", "separator", "encoding", "sheet"),
    *("forget", "event", "kind_of_event", "target_url", "include_own", "kind", "events", "spreadsheet"),
)
FORMS = [
    "",
    "\0",
    "\u202e\u2028\ufeff",
    "a" * 3_000,
    "-1",
    "9" * 400,
    '{"a": [',
    "[[]]",
    "<a/>",
    "a=b&c=%00",
    "/..//",
    "é",
]


@pytest.fixture
def member(stack: Stack) -> Browser:
    """Somebody who is signed in."""
    browser = signed_in(stack)
    browser.headers["X-CSRFToken"] = browser.token()
    return browser


@pytest.fixture
def pages(stack: Stack) -> list[tuple[str, bool]]:
    """Every path of the pages, and whether it takes forms; that one does not stay signed in at one is no mistake."""
    rules = [rule for rule in stack.app.url_map.iter_rules() if rule.endpoint.startswith("web.")]
    return [(path_of(each.rule), "POST" in (each.methods or ())) for each in rules if each.endpoint != "web.sign_out"]


@on_both
@pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
def test_odd_forms_on_every_page(member: Browser, pages: list[tuple[str, bool]], part: bool) -> None:
    dice = random.Random(14)
    asked: dict[str, Any] = {"headers": {**member.headers, **({"HX-Request": "true"} if part else {})}}
    for page, takes_forms in pages:
        for odd in FORMS:
            said, path = dict.fromkeys(NAMES, odd), filled(page, dice)
            fine(member.client.get(path, query_string=said, buffered=True, **asked), page=True)
            if takes_forms:
                fine(member.client.post(path, data=said, buffered=True, **asked), page=True)
    assert member.inside(), "all of it was asked by somebody who is signed in"


@on_both
def test_odd_bodies_on_every_page(member: Browser, pages: list[tuple[str, bool]]) -> None:
    dice = random.Random(14)
    for page in (path for path, takes_forms in pages if takes_forms):
        for body in ODD[:-1]:
            sent = {"data": body, "content_type": dice.choice(TYPES[2:5]), "headers": member.headers}
            fine(member.client.post(filled(page, dice), buffered=True, **sent), page=True)
    assert member.inside(), "all of it was asked by somebody who is signed in"
