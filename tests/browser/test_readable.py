"""What people read: numbers that are those of what they point at, times as they write them, addresses in one piece, and
every page within reach of a thumb."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import DESK, PHONE, Window, window
from tests.process.running import Crisp, Service

NAMES = ("Connect", "Try", "Import", "Activity", "Triggers", "Contacts", "Documentation")
# How many lines the piece of an element's text before its @ takes, and the piece after it.
LINES = """element => {
  const range = document.createRange(), lines = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    range.selectNodeContents(node);
    lines.push(new Set(Array.from(range.getClientRects(), each => Math.round(each.top))).size);
  }
  return lines;
}"""


@pytest.fixture
def ended(service: Service, crisp: Crisp) -> None:
    """Three written, one of them nothing new then, two rejected: all in this hour."""
    for name in ("one", "two", "three", "three", "", ""):
        service.post("/v1/contacts", json={"email": f"{name}@example.com" if name else "nobody", "nickname": name})


def legend(page: Page) -> dict[str, str]:
    rows = page.locator("#chart-outcomes .u-series").all()
    return {row.locator(".u-label").inner_text(): row.locator(".u-value").inner_text() for row in rows}


@pytest.mark.usefixtures("ended")
def test_a_chart_tells_the_number_of_each_series_and_not_how_high_its_bar_is(here: Window) -> None:
    page = here.open("/activity")
    over = page.locator("#chart-outcomes .u-over")
    expect(over).to_be_visible()
    told = page.request.get(f"{here.url}/activity/numbers?period=day").json()["spans"]
    place, now = next((at, each) for at, each in enumerate(told) if each["rejected"])
    assert min(now["created"], now["unchanged"]) > 0, "there is something of each to be told"
    whole = {
        "nothing new": sum(each["unchanged"] + each["superseded"] for each in told),
        "written": sum(each["created"] + each["updated"] for each in told),
        "failed": sum(each["rejected"] + each["dead"] for each in told),
    }
    assert legend(page) == {"Time": "24 hours", **{name: str(count) for name, count in whole.items()}}
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * (place + 0.4) / 24, box["y"] + 20)
    pointed = legend(page)
    began = datetime.fromisoformat(now["at"]).astimezone(ZoneInfo("Europe/Paris"))
    assert pointed.pop("Time").startswith(f"{began.day} ")
    assert pointed == {
        "nothing new": str(now["unchanged"] + now["superseded"]),
        "written": str(now["created"] + now["updated"]),
        "failed": str(now["rejected"] + now["dead"]),
    }


@pytest.mark.usefixtures("ended")
def test_what_failed_says_why_in_words(here: Window) -> None:
    page = here.open("/activity")
    row = page.locator(".findings li", has_text="email_invalid")
    expect(row.locator(".fine")).to_contain_text("not a valid email address")


@pytest.mark.parametrize("path", ["/", "/try", "/contacts", "/docs"])
@pytest.mark.parametrize("language", ["en-GB", "fr-FR"])
def test_on_a_phone_every_page_is_within_reach(browser: Browser, service: Service, path: str, language: str) -> None:
    with window(browser, service.url, PHONE, locale=language, is_mobile=True, has_touch=True) as opened:
        page = opened.sign_in(service.key, path)
        links = page.locator("header nav a")
        assert links.count() == len(NAMES)
        for each in links.all():
            box = each.bounding_box()
            assert box is not None
            assert 0 <= box["x"] <= PHONE[0] - box["width"], each.inner_text()
        expect(page.locator("header nav a[aria-current]")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_addresses_are_broken_after_their_at_and_not_amid_a_word(
    browser: Browser, service: Service, size: tuple[int, int]
) -> None:
    email = "ines.maquette.de.la.presse@maquettepresse.example"
    with window(browser, service.url, size) as opened:
        page = opened.sign_in(service.key, "/try")
        page.locator("#payload").fill(f'{{"email": "{email}", "created_at": "2024-03-12T09:14:00Z"}}')
        row = page.locator(".map tbody tr", has=page.locator("code", has_text="email"))
        expect(row).to_be_visible()
        for cell in (row.locator("td").nth(1), row.locator("td").nth(3)):
            assert cell.inner_text().replace("\n", "").endswith(email)
            assert set(cell.evaluate(LINES)) == {1}
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_times_are_those_of_the_browser_with_the_exact_one_beside(here: Window) -> None:
    page = here.open("/try")
    page.locator("#payload").fill('{"email": "ada@example.com", "last_active": "2024-03-12T09:14:00Z"}')
    shown = page.locator(".map time")
    expect(shown).to_have_text("12 Mar 2024, 10:14")
    expect(shown).to_have_attribute("title", "Tuesday, 12 March 2024 at 10:14:00 CET · 2024-03-12T09:14:00Z")


def test_a_file_says_what_would_be_written_and_beneath_what_that_costs(here: Window, crisp: Crisp) -> None:
    page = here.open("/import")
    content = b"Email,Last Activity Date\nnew.one@example.com,2024-05-01 10:24\nnobody,\n"
    page.locator("#file").set_input_files({"name": "p.csv", "mimeType": "text/csv", "buffer": content})
    numbers = page.locator(".numbers li")
    expect(numbers).to_have_text(["1would be written to Crisp", "1would be rejected"])
    expect(page.locator(".numbers + p")).to_contain_text("This takes 1 call to Crisp · Done by about")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_connect_with_all_that_opens_opened(browser: Browser, service: Service, size: tuple[int, int]) -> None:
    service.post("/v1/inbound", json={"source": "shopify", "secret": "a-secret-of-theirs"})
    with window(browser, service.url, size) as opened:
        page = opened.sign_in(service.key)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.name = ''; each.open = true; })")
        expect(page.get_by_text("Segments are added, never removed.").first).to_be_visible()
        expect(page.get_by_role("button", name="Connect and test")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        opened.accessible()
