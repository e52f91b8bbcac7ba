"""Activity, as it is watched: it follows what comes in, the charts are drawn, and focus stays where it is."""

from playwright.sync_api import expect

from tests.browser.looking import Window
from tests.process.running import Crisp, Service


def test_it_follows_what_comes_in(here: Window, service: Service, crisp: Crisp) -> None:
    page = here.open("/activity")
    service.post("/v1/contacts", json={"email": "first@example.com"})
    row = page.locator("#rows tr", has_text="first@example.com")
    expect(row).to_be_visible(timeout=10_000)
    expect(page.locator("#chart-outcomes canvas")).to_be_visible()
    row.get_by_role("link").focus()
    service.post("/v1/contacts", json={"email": "second@example.com"})
    expect(page.locator("#rows tr", has_text="second@example.com")).to_be_visible(timeout=10_000)
    expect(row.get_by_role("link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="first@example.com")).to_be_visible()
    here.accessible()
    page.go_back()
    expect(page.locator("#rows tr", has_text="first@example.com")).to_be_visible()


def test_two_windows_see_the_same(here: Window, service: Service) -> None:
    other = here.page.context.new_page()
    other.goto(f"{service.url}/activity")
    here.open("/activity")
    service.post("/v1/contacts", json={"email": "both@example.com"})
    for page in (here.page, other):
        expect(page.locator("#rows tr", has_text="both@example.com")).to_be_visible(timeout=10_000)
