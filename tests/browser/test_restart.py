"""The service goes away and comes back while a page is open, and an import goes on."""

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests import postgres
from tests.browser.looking import window
from tests.process.running import KEY, Crisp, running


def test_a_page_says_so_and_goes_on(browser: Browser, crisp: Crisp, folder: Path, tmp_path: Path) -> None:
    port = str(postgres.free_port())
    env = {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path / "data")}
    serve = ("serve", "--port", port, "--json")
    crisp.set(latency_ms=200)
    people = tmp_path / "people.csv"
    people.write_text("Email\n" + "".join(f"p{number}@example.com\n" for number in range(400)))
    with running(*serve, env=env, folder=folder) as first, window(browser, first.url) as opened:
        page = opened.sign_in(KEY, "/import")
        page.get_by_label("Drop a file here").set_input_files(people)
        page.get_by_role("button", name="Import all 400 rows").click()
        expect(page.get_by_text("running")).to_be_visible()
        page.reload()
        expect(page.get_by_text("running")).to_be_visible()
        first.kill()
        expect(page.get_by_text("The service does not answer.")).to_be_visible(timeout=15_000)
        crisp.set(latency_ms=0)
        with running(*serve, env=env, folder=folder):
            expect(page.get_by_text("400 of 400 records done")).to_be_visible(timeout=60_000)
            expect(page.locator("#progress").get_by_text("done", exact=True)).to_be_visible()
    assert len(crisp.people()) == 400
