"""Debian's Chromium, headless. Where it is not installed, it is, if the tests may."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.platforms.tools import one_installs, ran

# It asks nothing of the world by itself; without a sandbox, for the tests may be root.
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@cache
def chromium() -> str:
    """The program. Fails where there is none and it cannot be installed."""
    found = shutil.which("chromium")
    if found is None:
        with one_installs("chromium"):
            found = shutil.which("chromium") or _install()
    return found


def _install() -> str:
    assert os.geteuid() == 0, "chromium is missing, and only root installs it: apt-get install chromium"
    ran("apt-get", "update", "-qq", cwd=Path("/"))
    ran("apt-get", "install", "-qq", "--yes", "--no-install-recommends", "chromium", cwd=Path("/"))
    found = shutil.which("chromium")
    assert found, "apt-get installed chromium, and there is no such program"
    return found


@contextmanager
def page(width: int = 1440, height: int = 900) -> Iterator[Page]:
    """A page of a browser of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        try:
            yield browser.new_page(viewport={"width": width, "height": height})
        finally:
            browser.close()
