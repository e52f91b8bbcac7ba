"""What the page Connect gives to be pasted into other tools is pasted, and does what it says. (n8n's: in n8n itself, by
`tests/platforms/test_n8n.py`.)"""

import json
import re
import subprocess
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser

from tests.browser.journey import shell
from tests.browser.looking import window
from tests.platforms import tools
from tests.platforms.spreadsheets import Spreadsheet
from tests.process.running import Crisp, Service

# What each of these tools puts in the place of what stands in its box.
FILLED = {"make": "{{2.json}}", "power_automate": "@{triggerBody()}", "zapier": None}
_CHATBOX = """
const code = require('node:fs').readFileSync(0, 'utf8');
const context = require('node:vm').createContext({});
context.window = context;
require('node:vm').runInContext(code, context);
console.log(JSON.stringify(context.$crisp));
"""


@pytest.fixture(scope="module")
def boxes(browser: Browser, service: Service) -> dict[str, str]:
    """Tool → text, with the key that was just made."""
    with window(browser, service.url) as opened:
        page = opened.sign_in(service.key)
        page.get_by_label("For which tool").fill("Boxes")
        page.get_by_role("button", name="Make a key").click()
        key = page.locator("#new-key").inner_text()
        for summary in page.locator("#paste details:not([open]) summary").all():
            summary.click()
        texts = {each.get_attribute("id") or "": each.text_content() or "" for each in page.locator("#paste pre").all()}
    assert all(key in text for name, text in texts.items() if name != "box-crisp"), "the key is filled in"
    return {name.removeprefix("box-"): text for name, text in texts.items()}


def test_every_tool_is_tried(boxes: dict[str, str]) -> None:
    assert boxes.keys() == {"curl", "n8n", "apps_script", "crisp", *FILLED}
    assert [each["name"] for each in json.loads(boxes["n8n"])["nodes"]] == ["Send to Crisp"]


def test_curl(boxes: dict[str, str], crisp: Crisp) -> None:
    assert json.loads(shell(boxes["curl"]))["email"] == "ada@example.com"
    assert crisp.people()["ada@example.com"]["data"] == {"plan": "pro"}


@pytest.mark.parametrize("tool", FILLED)
def test_fields_of_a_form(tool: str, boxes: dict[str, str], crisp: Crisp) -> None:
    method, url, header, kind, body = described(boxes[tool])
    email = f"{tool}@example.com"
    if FILLED[tool] is None:
        body = body.replace("ada@example.com", email)
    else:
        assert body == FILLED[tool]
        body = json.dumps({"email": email, "first_name": "Ada"})
    headers = dict(each.split(": ", 1) for each in (header, kind))
    answer = requests.request(method, url, headers=headers, data=body, timeout=40)
    assert (answer.status_code, answer.json()["status"]) == (200, "created"), answer.text
    assert crisp.people().keys() == {email}


def described(box: str) -> tuple[str, ...]:
    """Method, address, the two headers and the body, as they stand in a box."""
    found = re.fullmatch(r"Method: +(\w+)\nURL: +(\S+)\nHeaders: +(\S+: .+)\n +(\S+: .+)\nBody: +(.+)", box)
    assert found is not None, box
    return found.groups()


def test_apps_script_sends_the_row_with_the_cursor(boxes: dict[str, str], crisp: Crisp) -> None:
    sheet = Spreadsheet(
        boxes["apps_script"], [["Email", "Full name"], ["a@example.com", "A"], ["row@example.com", "Row"]]
    )
    [told] = sheet.run("sendThisRow", 3).toasts
    assert json.loads(told)["status"] == "created"
    assert {email: card["person"]["nickname"] for email, card in crisp.people().items()} == {"row@example.com": "Row"}


def test_the_chatbox_is_told(boxes: dict[str, str]) -> None:
    node = str(tools.node() / "node")
    done = subprocess.run([node, "-e", _CHATBOX], input=boxes["crisp"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    assert told == [["set", "user:email", ["ada@example.com"]], ["set", "session:data", [[["plan", "pro"]]]]]
