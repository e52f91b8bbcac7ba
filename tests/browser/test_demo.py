"""What `make demo` prints leads into the pages, once, and its data are there."""

import os
import re
import signal
import subprocess
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.looking import window
from tests.process.running import PROGRAM, clean


def test_its_link_signs_in_once_and_its_data_are_on_the_pages(browser: Browser, tmp_path: Path) -> None:
    started = [*PROGRAM, "demo"]
    env = {**clean({}), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        started,
        env=env,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as demo:
        try:
            assert demo.stdout is not None
            found = next(filter(None, (re.search(r"Pages: +(http\S+?)(/sign-in/\S+)", line) for line in demo.stdout)))
            with window(browser, found[1]) as opened:
                page = opened.open(found[2])
                page.get_by_role("button", name="Sign in").click()
                page.get_by_role("link", name="Activity").click()
                expect(page.locator("#rows tr").nth(10)).to_be_visible()
                page.get_by_role("link", name="Triggers").click()
                expect(page.locator("#deliveries tr").nth(1)).to_be_visible()
            with window(browser, found[1]) as again:
                page = again.open(found[2])
                page.get_by_role("button", name="Sign in").click()
                expect(page.get_by_role("alert")).to_contain_text("This link signs in once")
        finally:
            os.killpg(demo.pid, signal.SIGINT)
            demo.wait(30)
