"""Hostile text in everything that a page can show: nothing of it is run, and the browser reports nothing."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.looking import Window
from tests.process.running import Service

# What would run, load, or turn the direction of writing, if it were taken for more than text.
NASTY = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}<svg/onload=alert(3)>\u202eabc\u200b"


@pytest.fixture
def poisoned(service: Service) -> Service:
    """With such text in every name, value, note, file and error that there can be."""
    service.post("/v1/keys", json={"label": NASTY.replace("\u202e", "")})
    service.post("/v1/inbound", json={"source": "dynamics", "label": NASTY.replace("\u202e", "")})
    service.post("/v1/mappings", json={"name": NASTY.replace("/", ""), "mapping": {"email": NASTY}})
    service.post("/v1/contacts", json={"email": "x@example.com", "nickname": NASTY, NASTY: NASTY, "phone": NASTY})
    service.post("/v1/contacts", json={"email": NASTY, "segments": [NASTY], "data": {NASTY: NASTY}})
    quoted = NASTY.replace('"', '""')
    content = f'Email,"{quoted}"\n"{quoted}","{quoted}"\ny@example.com,"{quoted}"\n'.encode()
    service.post("/v1/imports", files={"file": (f"{NASTY}.csv", content)})
    return service


def test_it_is_text_everywhere(here: Window, poisoned: Service) -> None:
    imports = poisoned.get("/v1/imports").json()
    outcomes = poisoned.get("/v1/outcomes").json()
    paths = ["/", "/import", "/activity", "/triggers", "/contacts?who=x@example.com", "/contacts?who=<script>"]
    paths += [f"/import/{each['id']}" for each in imports] + [f"/activity/{each['outcome_id']}" for each in outcomes]
    for path in paths:
        page = here.open(path)
        page.wait_for_load_state()
        assert page.locator("main img, main script, main svg[onload]").count() == 0, path
    page = here.open("/try")
    page.get_by_label("What your tool sends").fill(json.dumps({NASTY: NASTY, "email": "z@example.com"}))
    expect(page.get_by_text("would be created")).to_be_visible()
    assert page.locator("#seen img, #seen script").count() == 0
