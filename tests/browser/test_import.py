"""Import, as it is used: looked at, tried, sent, and come back to. What is corrected: `test_journey.py`."""

import re
from pathlib import Path

from playwright.sync_api import Browser, Route, expect

from tests.browser.looking import Window, window
from tests.process.running import Crisp, Service

ROOT = Path(__file__).resolve().parents[2]
HUBSPOT = ROOT / "manifests" / "samples" / "csv" / "hubspot.csv"


def test_first_two_then_the_rest_and_back_again(here: Window, crisp: Crisp, tmp_path: Path) -> None:
    broken = tmp_path / "hubspot.csv"
    lines = HUBSPOT.read_text(encoding="utf-8").splitlines(keepends=True)
    emails = lines[0].count(",")
    broken.write_text("".join(lines) + f"x,{',' * (emails - 1)}\n", encoding="utf-8")
    page = here.open("/import")
    page.get_by_label("Drop a file here").set_input_files(broken)
    expect(page.get_by_text("export of HubSpot", exact=True)).to_be_visible()
    here.accessible()
    page.get_by_role("button", name="First try 2 contacts").click()
    expect(page.get_by_text("paused")).to_be_visible()
    assert len(crisp.people()) == 2
    page.reload()
    page.get_by_role("button", name="Go on with the rest").click()
    expect(page.get_by_text("done, some failed")).to_be_visible()
    here.accessible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download what failed").click()
    failures = tmp_path / "failures.csv"
    download.value.save_as(failures)
    told = failures.read_text(encoding="utf-8-sig").splitlines()
    assert ("error_message" in told[0], len(told)) == (True, 1 + 3), (
        "two rows of the sample, and the one that was added"
    )
    page.get_by_role("link", name="All imports").click()
    expect(page.locator("section[aria-labelledby=earlier] tr", has_text="hubspot.csv")).to_contain_text(
        "done, some failed"
    )
    page.go_back()
    expect(page.get_by_role("heading", name="hubspot.csv")).to_be_visible()


def test_a_column_is_left_out_and_taken_again(here: Window, crisp: Crisp, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Email,Phone,City\nada@example.com,+33639981234,Nantes\n")
    page = here.open("/import")
    page.get_by_label("Drop a file here").set_input_files(file)
    city = page.get_by_label("Contact field for City")
    for choice, shown in (("leave it out", 0), ("as proposed", 1), ("leave it out", 0)):
        with page.expect_response("**/import/preview"):
            city.select_option(label=choice)
        expect(page.locator("section", has_text="as they will be").get_by_text("City: Nantes")).to_have_count(shown)
        expect(city.locator("option:checked")).to_have_text("City" if shown else choice)
    page.get_by_role("button", name="Import 1 row").click()
    expect(page.locator("#progress").get_by_text("done", exact=True)).to_be_visible()
    card = crisp.people()["ada@example.com"]
    assert card["person"]["phone"] == "+33639981234"
    assert "Nantes" not in str(card)


def test_a_file_that_is_chosen_before_the_page_is_lively_is_looked_at(here: Window, tmp_path: Path) -> None:
    """On a slow line scripts come later than what they act on."""
    file = tmp_path / "people.csv"
    file.write_text("Email,City\nada@example.com,Nantes\n")
    page = here.open("/import")
    held: list[Route] = []
    page.route("**/vendor/htmx*", lambda route: held.append(route))
    page.goto(page.url, wait_until="commit")
    page.get_by_label("Drop a file here").set_input_files(file)
    [script] = held
    script.continue_()
    expect(page.get_by_label("Contact field for City")).to_be_visible()


def test_without_javascript(browser: Browser, service: Service, crisp: Crisp, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("Email,Name\nada@example.com,Ada\n")
    with window(browser, service.url, java_script_enabled=False) as opened:
        page = opened.sign_in(service.key, "/import")
        page.get_by_label("Drop a file here").set_input_files(file)
        page.get_by_role("button", name="Look at it").click()
        expect(page.get_by_text("as they will be")).to_be_visible()
        page.get_by_label("Drop a file here").set_input_files(file)
        page.get_by_role("button", name="Import 1 row").click()
        page.wait_for_url(re.compile(r"/import/[0-9a-f]{32}$"))
        page.reload()
        expect(page.get_by_role("heading", name="people.csv")).to_be_visible()
        assert page.url.startswith(f"{service.url}/import/")
