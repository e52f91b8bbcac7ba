"""From nothing to everything: a new user's whole way through the pages, in English and, shorter, in French."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect
from pytest_httpserver import HTTPServer

from connector.manifest import shipped
from tests.browser.journey import Journey, Receiver
from tests.browser.looking import window
from tests.process.running import Crisp, Running, running

HUBSPOT = Path(__file__).resolve().parents[2] / "manifests" / "samples" / "csv" / "hubspot.csv"
# In the file: a row without an address, one whose address is none, and the first of those that are well.
NONE, NO_ADDRESS, WELL = "Walter,Fillin,,", "not-an-email", "ada.placeholder@example.com"


@contextmanager
def started(crisp: Crisp, folder: Path) -> Iterator[Running]:
    """A service that nobody has set up."""
    env = {"CONNECTOR_DATA_DIR": str(folder), "CRISP_API_URL": f"{crisp.running.url}/v1"}
    env["CONNECTOR_EGRESS_ALLOW"] = "127.0.0.1"
    with running("serve", "--port", "0", "--json", env=env, folder=folder) as process:
        yield process


def corrected(failures: Path, place: Path) -> Path:
    """The file of what failed, as somebody sends it back."""
    text = failures.read_text(encoding="utf-8-sig")
    assert "error_message" in text
    assert len(text.splitlines()) == 3, "the two that failed, and no other"
    text = text.replace(NONE, "Walter,Fillin,walter@example.com,").replace(NO_ADDRESS, "anais@example.com")
    place.write_text(text, encoding="utf-8")
    return place


def test_the_whole_way(browser: Browser, crisp: Crisp, httpserver: HTTPServer, tmp_path: Path) -> None:
    with started(crisp, tmp_path) as service, window(browser, service.url) as opened:
        user, receiver = Journey(opened), Receiver(httpserver)
        user.set_up(service, crisp)
        user.make_a_key()
        assert json.loads(user.run_the_curl())["status"] == "created"
        user.go("Connect")
        expect(opened.page.locator("#keys tr", has_text="A shell").locator("time")).to_be_visible()

        user.try_each_source(shipped().sources)
        assert crisp.people().keys() == {"ada@example.com"}, "looking writes nothing"
        user.fail_to_update(WELL)
        user.import_a_file(HUBSPOT, "done, some failed")
        user.download_what_failed(tmp_path / "failures.csv")
        user.import_a_file(corrected(tmp_path / "failures.csv", tmp_path / "corrected.csv"), "done")
        assert {WELL, "walter@example.com", "anais@example.com"} < crisp.people().keys()

        user.send_again(WELL)
        assert crisp.people()[WELL]["data"] == {"plan": "pro"}
        user.be_told(receiver)
        user.sign_out()
        opened.sign_in(user.keys[0])


def test_in_french(browser: Browser, crisp: Crisp, httpserver: HTTPServer, tmp_path: Path) -> None:
    with started(crisp, tmp_path) as service, window(browser, service.url, locale="fr-FR") as opened:
        user = Journey(opened, "fr")
        user.set_up(service, crisp)
        user.make_a_key()
        assert json.loads(user.run_the_curl())["status"] == "created"
        user.try_each_source(["notion", "shopify"])
        user.import_a_file(HUBSPOT, "done, some failed")
        user.be_told(Receiver(httpserver))
        user.sign_out()
