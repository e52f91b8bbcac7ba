"""Every page, on a desk and on a phone, in both themes and languages: accessible, not too wide, and seen.

With PICTURES=docs/images the pictures of the documentation are taken again.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looking import DESK, PHONE, picture, window
from tests.process.running import Service

HUBSPOT = Path(__file__).resolve().parents[2] / "manifests" / "samples" / "csv" / "hubspot.csv"
_PICTURES = os.environ.get("PICTURES")


def _still(_page: Page) -> None:
    """As it comes."""


def _try(page: Page) -> None:
    """With a sample that is seen."""
    page.locator(".map").wait_for()


def _import(page: Page) -> None:
    """With a file that is looked at."""
    page.locator("#file").set_input_files(HUBSPOT)
    page.locator("#columns").wait_for()


def _activity(page: Page) -> None:
    """With its charts."""
    page.locator("#chart-calls canvas").wait_for()
    page.locator("#kinds-title").wait_for()


# Page → address, and what is done there before it is looked at.
PAGES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "connect": ("/", _still),
    "triggers": ("/triggers", _still),
    "contacts": ("/contacts?who=ada@example.com", _still),
    "activity": ("/activity", _activity),
    "import": ("/import", _import),
    "try": ("/try?sample=notion/automation_webhook", _try),
}


@pytest.fixture(scope="module")
def shown(service: Service) -> Service:
    """With something on every page."""
    service.post("/v1/inbound", json={"source": "notion", "label": "Notion, our customers"})
    service.post("/v1/keys", json={"label": "n8n"})
    for body in ({"email": "ada@example.com", "full_name": "Ada Lovelace"}, {"email": "nobody"}, {"phone": "12"}):
        service.post("/v1/contacts", json=body)
    service.post("/v1/subscriptions", json={"event": "contact_created", "target_url": "http://127.0.0.1:9/hook"})
    with HUBSPOT.open("rb") as file:
        service.post("/v1/imports", files={"file": ("hubspot.csv", file)})
    return service


@pytest.mark.parametrize("name", PAGES)
def test_on_a_desk(browser: Browser, shown: Service, name: str, tmp_path: Path) -> None:
    path, act = PAGES[name]
    with window(browser, shown.url, DESK, color_scheme="light") as opened:
        page = opened.sign_in(shown.key, path)
        act(page)
        picture(page, Path(_PICTURES or tmp_path) / f"{name}.png", whole=not _PICTURES)
        opened.accessible()


@pytest.mark.parametrize("name", PAGES)
def test_on_a_phone_in_the_dark(browser: Browser, shown: Service, name: str, tmp_path: Path) -> None:
    path, act = PAGES[name]
    with window(browser, shown.url, PHONE, color_scheme="dark", is_mobile=True, has_touch=True) as opened:
        page = opened.sign_in(shown.key, path)
        act(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        picture(page, Path(_PICTURES or tmp_path) / f"{name}-phone.png", whole=not _PICTURES)


@pytest.mark.parametrize("name", PAGES)
def test_in_french(browser: Browser, shown: Service, name: str, tmp_path: Path) -> None:
    path, act = PAGES[name]
    with window(browser, shown.url, DESK, locale="fr-FR") as opened:
        page = opened.sign_in(shown.key, path)
        act(page)
        assert page.evaluate("document.documentElement.lang") == "fr"
        picture(page, tmp_path / f"{name}-fr.png", whole=True)
        opened.accessible()
