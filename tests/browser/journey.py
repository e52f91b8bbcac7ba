"""What a new user does, step by step, in the language of the browser: each step is one page's work, seen to be done."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path

from playwright.sync_api import Page, expect
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Request, Response

from connector.manifest import shipped
from connector.samples import of_source
from connector.web.words import LOCALE
from tests.browser.looking import Window
from tests.process.running import Crisp, Running, until


@cache
def _texts(language: str) -> NullTranslations:
    return translation("messages", LOCALE, [language], fallback=language == "en")


@dataclass
class Journey:
    """A window, and the language in which it is read. `keys`: the API keys that were shown, the first one first."""

    window: Window
    language: str = "en"
    keys: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        """Where the user is."""
        return self.window.page

    def _(self, text: str, many: str = "", count: int = 1, **facts: object) -> str:
        """This text as the page says it."""
        texts = _texts(self.language)
        told = texts.ngettext(text, many, count) if many else texts.gettext(text)
        return told % {"num": count, **facts} if "%(" in told else told

    def press(self, text: str, **more: object) -> None:
        """A button."""
        self.page.get_by_role("button", name=self._(text, **more), exact=True).click()  # type: ignore[arg-type]

    def fill(self, label: str, text: str) -> None:
        """A field of a form."""
        self.page.get_by_label(self._(label), exact=True).fill(text)

    def go(self, name: str) -> None:
        """To another page, by the menu."""
        self.page.get_by_role("navigation").get_by_role("link", name=self._(name), exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self._(name))

    def sees(self, text: str, **facts: object) -> None:
        """This text is somewhere."""
        expect(self.page.get_by_text(self._(text, **facts)).first).to_be_visible(timeout=15_000)  # type: ignore[arg-type]

    def set_up(self, service: Running, crisp: Crisp) -> None:
        """The code of the log, the website, and a wrong token first."""
        code = re.search(r"one-time code: ([A-Z0-9-]+)", service.messages())
        assert code is not None
        self.window.open()
        self.window.accessible()
        self.fill("One-time code", code[1].lower())
        self.fill("Website ID", crisp.running.said["website_id"])
        self.fill("Identifier of the token", crisp.running.said["identifier"])
        self.fill("Key of the token", "wrong")
        self.fill("What you call it (optional)", "My shop")
        self.press("Connect and test")
        expect(self.page.get_by_role("alert")).to_contain_text("Crisp")
        self.fill("Key of the token", crisp.running.said["key"])
        self.press("Connect and test")
        self.sees("%(label)s is connected", label="My shop")
        self.window.accessible()
        self.keys.append(self.page.locator("#first-key").inner_text())
        self.page.get_by_role("link", name=self._("I have kept it. Go on")).click()

    def make_a_key(self) -> None:
        """For a tool; the boxes have it."""
        self.fill("For which tool", "A shell")
        self.press("Make a key")
        self.keys.append(self.page.locator("#new-key").inner_text())

    def run_the_curl(self) -> str:
        """What the box of cURL answers in a shell."""
        command = self.page.locator("#box-curl").inner_text()
        assert self.keys[-1] in command
        return shell(command)

    def try_each_source(self, sources: Iterable[str]) -> None:
        """The sample of each source: it is recognised, and it is told what would become of it."""
        for key in sources:
            self.go("Try")
            self.page.locator("#sample").select_option(f"{key}/{sample_of(key)}")
            self.press("Take it")
            told = shipped().sources[key].label
            self.sees("Recognised as %(source)s", source=told)
            expect(self.page.locator("#seen .state").first, key).to_have_text(self._("would be created"))

    def fail_to_update(self, email: str) -> None:
        """Tries to update somebody who is not there: nothing is made, and the record is rejected."""
        self.go("Try")
        self.page.locator("#payload").fill(f'{{"email": "{email}", "data": {{"plan": "pro"}}}}')
        self.page.locator("#how summary").click()
        self.page.locator("#try-mode").select_option("update")
        self.sees("would be rejected")
        self.press("Send it for real")
        expect(self.page.get_by_role("alert")).to_be_visible()

    def import_a_file(self, file: Path, told: str) -> None:
        """To its end; `told`: how it stands then."""
        self.go("Import")
        self.page.locator("#file").set_input_files(file)
        self.page.locator("#columns").wait_for()
        self.page.locator("#seen button.primary").click()
        expect(self.page.locator("#progress .state").first).to_have_text(self._(told), timeout=20_000)

    def download_what_failed(self, place: Path) -> None:
        """The file of it."""
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name=self._("Download what failed")).click()
        download.value.save_as(place)

    def send_again(self, email: str) -> None:
        """A rejected record, from Activity."""
        self.go("Activity")
        self.page.locator("#f-status").select_option("rejected")
        self.page.locator("#f-email").fill(email)
        self.press("Show")
        self.page.locator("#rows tr", has_text=email).get_by_role("link").click()
        self.press("Send it again")
        expect(self.page.locator("#outcome .state").first).to_have_text(self._("updated"), timeout=15_000)

    def be_told(self, receiver: "Receiver") -> None:
        """A subscription, and a test that arrives and is signed with the secret that was shown."""
        self.go("Triggers")
        self.fill("Address that is told", receiver.url)
        self.press("Subscribe")
        receiver.secret = self.page.locator("#new-secret").inner_text()
        self.press("Send a test")
        self.sees("The sample was taken: %(answer)s.", answer=204)
        assert until(lambda: receiver.told, what="the test")

    def sign_out(self) -> None:
        """And nothing is shown any more, by going back either."""
        self.press("Sign out")
        self.sees("You are signed out.")
        self.page.go_back()
        expect(self.page.locator("#key")).to_be_visible()


class Receiver:
    """A server on this machine that keeps what it is told, and takes nothing that is not signed."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/hook").replace("localhost", "127.0.0.1")
        self.secret, self.told = "", list[object]()
        server.expect_request("/hook").respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        self.told.append(Webhook(self.secret).verify(request.get_data(), dict(request.headers)))
        return Response(status=204)


def sample_of(source: str) -> str:
    """The sample that shows best what this source sends; of plain fields the plainest."""
    return shipped().sources[source].sample or next(each.name for each in of_source(source) if "flat" in each.name)


def shell(command: str) -> str:
    """What a command that was pasted into a shell printed."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
