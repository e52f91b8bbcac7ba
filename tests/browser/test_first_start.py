"""The first start on a phone; the whole way from there is in `test_journey.py`."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.looking import PHONE, window
from tests.process.running import running


def test_on_a_phone_nothing_is_wider_than_it(browser: Browser, folder: Path, tmp_path: Path) -> None:
    with (
        running("serve", "--port", "0", "--json", env={"CONNECTOR_DATA_DIR": str(tmp_path)}, folder=folder) as process,
        window(browser, process.url, PHONE) as opened,
    ):
        page = opened.open()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
