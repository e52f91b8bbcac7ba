"""A browser, a local Crisp, and a service that speaks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.looking import Window, window
from tests.platforms.browser import QUIET, chromium
from tests.process.conftest import crisp, folder, sandbox  # noqa: F401 - fixtures
from tests.process.running import Crisp, Service, running

# Milliseconds that something may take to be seen. Playwright's own five seconds are too few where many tests share few
# cores: a click does not wait for the page that it leads to, so what is looked for next waits for that as well.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One for all; each test has windows of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def service(sandbox: Crisp, folder: Path) -> Iterator[Service]:  # noqa: F811
    """A service for a module, with a website and a key."""
    env = {**sandbox.env, "CONNECTOR_DATA_DIR": str(folder / "data"), "CONNECTOR_EGRESS_ALLOW": "127.0.0.1"}
    with running("serve", "--port", "0", "--json", env=env, folder=folder) as process:
        yield Service(process.url)


@pytest.fixture
def here(browser: Browser, service: Service) -> Iterator[Window]:
    """A window in which somebody is signed in."""
    with window(browser, service.url) as opened:
        opened.sign_in(service.key)
        yield opened
