"""Hostile text in everything that a page can show: it is there as text, nothing of it is run, nothing tries what the
policy of the pages forbids, and what is written beside it keeps its direction."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_httpserver import HTTPServer

from tests.browser.hostile import CRISP, FILE, NASTY, SEEN, Poisoned, poisoned
from tests.browser.looking import Window, window
from tests.process.running import Crisp, Service, running
from tests.process.test_events import SECRET

# Texts whose letters stand in the wrong order on their line, and those with what turns the direction of writing.
_TURNED = """
() => {
  const turned = [], turning = [], turns = /[\\u202a-\\u202e\\u2066-\\u2069]/;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const place = (node, at) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect();
  };
  while (walker.nextNode()) {
    const node = walker.currentNode, text = node.data;
    if (node.parentElement.closest("pre, textarea, script, option") || !node.parentElement.checkVisibility()) continue;
    if (turns.test(text)) {
      turning.push(text);
      continue;
    }
    for (const pair of [...text.slice(0, 2000).matchAll(/[a-z](?=[a-z])/gi)].slice(0, 20)) {
      const one = place(node, pair.index), next = place(node, pair.index + 1);
      if (one.width && next.width && Math.abs(one.top - next.top) < 2 && next.left < one.left) {
        turned.push(text.slice(0, 80));
        break;
      }
    }
  }
  return [turned, turning];
}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    """A subscriber, and the system that is asked."""
    with HTTPServer() as server:
        yield server


@pytest.fixture(scope="module")
def hostile(sandbox: Crisp, folder: Path, server: HTTPServer) -> Iterator[Poisoned]:
    """A service that hears of Crisp, and may reach this machine."""
    env = {**sandbox.env, "CONNECTOR_DATA_DIR": str(folder / "hostile"), "CONNECTOR_EVENT_WINDOW": "0"}
    env |= {"CRISP_HOOK_SECRET": SECRET, "CONNECTOR_EGRESS_ALLOW": "127.0.0.1"}
    env |= {"CONNECTOR_SOURCE_URLS": f"hubspot={server.url_for('').replace('localhost', '127.0.0.1')}"}
    with running("serve", "--port", "0", "--json", env=env, folder=folder) as process:
        sandbox.set(hook_url=f"{process.url}/crisp/{env['CRISP_WEBSITE_ID']}", hook_secret=SECRET)
        yield poisoned(Service(process.url), sandbox, server)
        sandbox.set(hook_url=None)


@pytest.fixture
def there(browser: Browser, hostile: Poisoned) -> Iterator[Window]:
    """Somebody who looks at it."""
    with window(browser, hostile.service.url) as opened:
        opened.sign_in(hostile.service.key)
        yield opened


def foreign(text: str) -> bool:
    """Whether no word of ours is in one piece with it."""
    given = NASTY.replace("\u200b", "").rstrip()
    return text.strip().removesuffix(".csv").rstrip("\u200b\u2028").replace("|", "/") in given


def harmless(page: Page, times: int = 1) -> None:
    """The text is on the page at least so often, and is nothing but text."""
    page.wait_for_load_state()
    assert page.locator("main :is(img, script, svg:not(.bars, .dot), [onerror], [onload])").count() == 0, page.url
    shown = page.locator("body").inner_text()
    assert shown.count(SEEN) >= times, (page.url, shown.count(SEEN), shown)
    turned, turning = page.evaluate(_TURNED)
    assert turned == [], page.url
    assert all(map(foreign, turning)), (page.url, turning)


def test_on_every_page(there: Window, hostile: Poisoned) -> None:
    for path, times in hostile.paths.items():
        page = there.open(path)
        for each in page.locator("details").all():
            each.evaluate("each => { each.open = true }")
        harmless(page, times)


def test_of_every_record(there: Window, hostile: Poisoned) -> None:
    outcomes = hostile.service.get("/v1/outcomes").json()
    assert len(outcomes) >= 6
    for each in outcomes:
        harmless(there.open(f"/activity/{each['outcome_id']}"), 0)


def test_what_is_pasted(there: Window) -> None:
    page = there.open("/try")
    told = {NASTY: NASTY, "email": "z@example.com", "full_name": NASTY, "segments": [NASTY], "data": {"plan": NASTY}}
    page.get_by_label("What your tool sends").fill(json.dumps(told))
    expect(page.get_by_text("would be created")).to_be_visible()
    page.get_by_text("The calls to Crisp").click()
    harmless(page, 6)
    with page.expect_response("**/try"):
        page.locator("#to-2").select_option(index=3)
    page.get_by_label("Its name").fill(f"{NASTY.replace('/', '|')} of Try")
    page.get_by_role("button", name="Save it").click()
    expect(page.get_by_text("of Try is saved")).to_be_visible()
    harmless(page, 6)


def test_a_file(there: Window, tmp_path: Path) -> None:
    file = tmp_path / f"{NASTY.replace('/', '|')[:60]}.csv"
    file.write_text(FILE, encoding="utf-8")
    page = there.open("/import")
    page.locator("#file").set_input_files(file)
    page.locator("#columns").wait_for()
    harmless(page, 4)
    assert page.evaluate("document.documentElement.scrollWidth") <= there.page.viewport_size["width"]  # type: ignore[index]


def test_what_crisp_says(there: Window, hostile: Poisoned) -> None:
    hostile.crisp.set(refusal=NASTY)
    try:
        harmless(there.open(f"/contacts?who={CRISP}"))
        page = there.open("/")
        page.get_by_role("button", name="Check everything").click()
        expect(page.locator("#findings li").first).to_be_visible()
        harmless(page)
        page.get_by_text("Find out how this Crisp behaves").click()
        page.get_by_role("button", name="Probe, with").click()
        expect(page.locator("#probed > *").first).to_be_visible()
        harmless(page)
        page = there.open("/try")
        page.get_by_label("What your tool sends").fill('{"email": "refused@example.com"}')
        page.get_by_role("button", name="Send it for real").click()
        expect(page.get_by_role("alert")).to_be_visible()
        harmless(page)
    finally:
        hostile.crisp.set(refusal=None)


def test_where_nobody_is_signed_in(browser: Browser, hostile: Poisoned) -> None:
    with window(browser, hostile.service.url) as opened:
        wanted = "/sign-in?next=/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E"
        for path in (wanted, "/sign-in/%3Cscript%3Ealert(1)", "/%3Cb%3E"):
            page = opened.open(path)
            assert page.locator("main :is(img, b, script)").count() == 0
            assert urlsplit(page.url).netloc in hostile.service.url
