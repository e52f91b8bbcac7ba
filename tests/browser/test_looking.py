"""A window notices what must not happen: without this, tests that count nothing would prove nothing."""

import pytest
from playwright.sync_api import Browser

from tests.browser.looking import window
from tests.process.running import Service

# What happens on a page → how it is called.
BAD = {
    "alert(1)": "dialog: 1",
    "document.querySelector('main').innerHTML = '<img src=x onerror=alert(1)>'": "policy: script-src-attr inline",
    "document.querySelector('main').append(Object.assign(document.createElement('style'), {textContent: 'a {}'}))": (
        "policy: style-src-elem inline"
    ),
    "fetch('http://127.0.0.1:9/')": "policy: connect-src http://127.0.0.1:9/",
    "setTimeout(() => { throw new Error('broken') })": "error: broken",
    "console.error('wrong')": "console: wrong",
}


@pytest.mark.parametrize("script", BAD)
def test_what_is_bad_is_noticed(browser: Browser, service: Service, script: str) -> None:
    with window(browser, service.url) as opened:
        page = opened.open("/sign-in")
        page.evaluate(f"() => {{ {script} }}")
        page.wait_for_timeout(300)
        assert BAD[script] in opened.trouble
        opened.trouble.clear()


def test_a_page_as_it_comes_is_not(browser: Browser, service: Service) -> None:
    with window(browser, service.url) as opened:
        opened.sign_in(service.key, "/activity").wait_for_timeout(300)
