"""A window of a browser that notices what must not happen: dialogs, forbidden scripts and styles, errors."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

from tests.platforms.tools import installed

PHONE, DESK = (390, 844), (1280, 860)
# Tells of whatever the policy of a page forbids, as it happens and as the browser reports it.
_WATCH = """
const tell = each => notAllowed(`${each.effectiveDirective} ${each.blockedURI || each.blockedURL}`);
addEventListener("securitypolicyviolation", tell);
const reports = {types: ["csp-violation"], buffered: true};
new ReportingObserver(found => found.forEach(each => tell(each.body)), reports).observe();
"""


class Window:
    """One window with cookies of its own. `trouble`: what went wrong in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.trouble: list[str] = []
        self.questions: list[str] = []
        page.on("dialog", self._asked)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        page.expose_function("notAllowed", lambda told: self.trouble.append(f"policy: {told}"))
        page.add_init_script(_WATCH)

    def _asked(self, dialog: Dialog) -> None:
        """A page asks before it takes something away, and says nothing else so."""
        if dialog.type != "confirm":
            self.trouble.append(f"dialog: {dialog.message}")
        self.questions.append(dialog.message)
        dialog.accept()

    def _said(self, message: ConsoleMessage) -> None:
        # What the server refuses, that it is away, and that one request took the place of another, the browser and
        # htmx call an error.
        expected = message.text.startswith(("Failed to load resource", "htmx:send", "htmx:afterRequest"))
        if message.type == "error" and not expected:
            self.trouble.append(f"console: {message.text}")

    def open(self, path: str = "/") -> Page:
        """A page of the service."""
        self.page.goto(f"{self.url}{path}")
        return self.page

    def sign_in(self, key: str, path: str = "/") -> Page:
        """Signs in, and is where it wanted to."""
        self.open(f"/sign-in?next={quote(path)}")
        self.page.locator("#key").fill(key)
        self.page.locator("main button.primary").click()
        self.page.wait_for_url(f"{self.url}{path}")
        return self.page

    def accessible(self) -> None:
        """Fails when axe finds something, in either theme."""
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme)
            found = self.page.evaluate(_axe() + "; axe.run().then(found => JSON.stringify(found.violations))")
            told = [(each["id"], [node["html"] for node in each["nodes"]]) for each in json.loads(found)]
            assert not told, f"{self.page.url} in {theme}: {told}"
        self.page.emulate_media(color_scheme="light")


def _axe() -> str:
    return (installed("axe") / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@contextmanager
def window(browser: Browser, url: str, size: tuple[int, int] = DESK, **more: Any) -> Iterator[Window]:
    """A window; fails at its end when there was trouble in it."""
    told = {"viewport": {"width": size[0], "height": size[1]}, "locale": "en-GB", "timezone_id": "Europe/Paris", **more}
    context = browser.new_context(**told)
    try:
        opened = Window(context.new_page(), url)
        yield opened
        assert opened.trouble == [], opened.trouble
    finally:
        context.close()


def picture(page: Page, place: Path, *, whole: bool = False) -> None:
    """Keeps what is seen."""
    place.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=place, full_page=whole)
