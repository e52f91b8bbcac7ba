"""Try, as it is used: it follows what is typed, a mapping is chosen, and it is sent; with and without JavaScript."""

import json
import subprocess

from playwright.sync_api import Browser, expect

from tests.browser.looking import Window, window
from tests.process.running import KEY, Crisp, Service

XSS = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def test_it_follows_what_is_typed_and_sends_it(here: Window, crisp: Crisp) -> None:
    page = here.open("/try")
    page.get_by_label("What your tool sends").press_sequentially('{"Courriel pro": "ada@example.com", "Plan": "pro"}')
    expect(page.get_by_text("There is no email address")).to_be_visible()
    page.get_by_label("Contact field for Courriel pro").select_option("email")
    expect(page.get_by_text("would be created")).to_be_visible()
    page.get_by_text("The cURL for exactly this").click()
    command = page.locator("#try-curl").inner_text().replace("YOUR_KEY", KEY)
    page.get_by_role("button", name="Send it for real").click()
    expect(page.get_by_text("It is in Crisp now.")).to_be_visible()
    assert crisp.people().keys() == {"ada@example.com"}
    sent = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert json.loads(sent.stdout)["status"] == "unchanged", "the cURL sends the very same"


def test_a_name_is_left_out(here: Window, crisp: Crisp) -> None:
    page = here.open("/try")
    page.get_by_label("What your tool sends").fill('{"email": "lea@example.com", "city": "Nantes", "Shoe size": 38}')
    for name in ("city", "Shoe size"):
        with page.expect_response("**/try"):
            page.get_by_label(f"Contact field for {name}").select_option(label="leave it out")
    expect(page.locator("#seen .map tr", has_text="Shoe size")).not_to_contain_text("goes nowhere")
    page.get_by_role("button", name="Send it for real").click()
    expect(page.get_by_text("It is in Crisp now.")).to_be_visible()
    assert "Nantes" not in str(crisp.people()["lea@example.com"])


def test_nothing_that_is_pasted_is_run(here: Window) -> None:
    page = here.open("/try")
    for text in (json.dumps({XSS: XSS, "email": f"{XSS}@example.com"}), f"<a>{XSS}</a>", XSS):
        with page.expect_response("**/try"):
            page.get_by_label("What your tool sends").fill(text)
        expect(page.locator("#seen *").first).to_be_visible()
    assert page.locator("#seen img").count() == 0


def test_without_javascript(browser: Browser, service: Service, crisp: Crisp) -> None:
    with window(browser, service.url, java_script_enabled=False) as opened:
        page = opened.sign_in(service.key, "/try")
        page.get_by_label("What your tool sends").fill('{"email": "bo@example.com"}')
        page.get_by_role("button", name="Look at it").click()
        expect(page.get_by_text("would be created")).to_be_visible()
        page.get_by_role("button", name="Send it for real").click()
        expect(page.get_by_text("It is in Crisp now.")).to_be_visible()
        assert "bo@example.com" in crisp.people()


def test_the_server_is_away_and_back(here: Window) -> None:
    page = here.open("/try")
    page.route("**/try", lambda route: route.abort())
    page.route("**/healthz", lambda route: route.abort())
    page.get_by_label("What your tool sends").fill("{}")
    expect(page.get_by_text("The service does not answer.")).to_be_visible()
    page.unroute("**/try")
    page.unroute("**/healthz")
    expect(page.get_by_text("The service answers again.")).to_be_visible()
