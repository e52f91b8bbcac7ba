"""The first start: from the code in the log to a contact in Crisp, and out again."""

import re
import subprocess
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.looking import PHONE, window
from tests.process.running import Crisp, running


def test_a_new_user_connects_makes_a_key_sends_and_signs_out(
    browser: Browser, crisp: Crisp, folder: Path, tmp_path: Path
) -> None:
    env = {"CONNECTOR_DATA_DIR": str(tmp_path), "CRISP_API_URL": f"{crisp.running.url}/v1"}
    with (
        running("serve", "--port", "0", "--json", env=env, folder=folder) as process,
        window(browser, process.url) as opened,
    ):
        found = re.search(r"one-time code: ([A-Z0-9-]+)", process.messages())
        assert found is not None
        page = opened.open()
        opened.accessible()
        page.get_by_label("One-time code").fill(found[1].lower())
        page.get_by_label("Website ID").fill(crisp.running.said["website_id"])
        page.get_by_label("Identifier of the token").fill(crisp.running.said["identifier"])
        page.get_by_label("Key of the token").fill("wrong")
        page.get_by_label("What you call it").fill("My shop")
        page.get_by_role("button", name="Connect and test").click()
        expect(page.get_by_role("alert")).to_contain_text("Crisp does not take this credential")
        page.get_by_label("Key of the token").fill(crisp.running.said["key"])
        page.get_by_role("button", name="Connect and test").click()
        expect(page.get_by_role("heading", name="My shop is connected")).to_be_visible()
        opened.accessible()
        first = page.locator("#first-key").inner_text()
        page.get_by_role("link", name="I have kept it").click()

        page.get_by_label("For which tool").fill("A shell")
        page.get_by_role("button", name="Make a key").click()
        command = page.locator("#box-curl").inner_text()
        assert page.locator("#new-key").inner_text() in command
        sent = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
        assert '"status":"created"' in sent.stdout, sent.stdout + sent.stderr
        assert crisp.people().keys() == {"ada@example.com"}
        page.goto(process.url)
        expect(page.locator("#keys tr", has_text="A shell").locator("time")).to_be_visible()
        opened.accessible()

        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("You are signed out.")).to_be_visible()
        page.go_back()
        expect(page.get_by_label("API key")).to_be_visible()
        opened.sign_in(first)


def test_on_a_phone_nothing_is_wider_than_it(browser: Browser, folder: Path, tmp_path: Path) -> None:
    with (
        running("serve", "--port", "0", "--json", env={"CONNECTOR_DATA_DIR": str(tmp_path)}, folder=folder) as process,
        window(browser, process.url, PHONE) as opened,
    ):
        page = opened.open()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
