"""Every page says in French what it says in English: no sentence of it is the same in both."""

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from connector import samples
from connector.app import create_app
from connector.crisp.calls import MODES, STATUSES
from connector.hooks.conditions import HELP as CONDITIONS
from connector.ledger.connections import SCOPES
from connector.manifest import shipped
from connector.services import open_services
from connector.settings import Settings
from connector.web.kept import TEMPLATES
from tests.app.browsing import Browser
from tests.app.inbound import cleared
from tests.app.reading import clauses, sentences, values
from tests.app.stack import API_KEY, Stack, finished, until

ROOT = Path(__file__).resolve().parents[2]
CODE, FILES = ROOT / "connector", ROOT / "manifests" / "samples" / "csv"
PEOPLE = b"Email,Name,Phone,Notes on it\nada@example.com,Ada,12,a\nnobody,Nobody,,b\nbo@example.com,Bo,,c\n"
# Names of products, commands and standards; what a vendor calls things; words of the API; the samples' names.
NAMES = {
    *("Salesforce Data Loader", "Google Apps Script", "crisp-connector connect add", "crisp-connector connect remove"),
    *("HTTP Auth username", "HTTP Auth password", "URL to Notify", "WP REST API Integration v3"),
    *(*STATUSES, *SCOPES, *CONDITIONS, *MODES, *shipped().sources),
    "id, Email, First_Name, Last_Name, Phone, Account_Name, Modified_Time",
    *(each.name.replace("_", " ") for source in shipped().sources for each in samples.of_source(source)),
}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """A subscriber on this machine may be told."""
    return {"egress_allow": "127.0.0.1,localhost"}


class Both:
    """Somebody who reads English and somebody who reads French, both signed in."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.api = stack, stack.client()
        self.readers = [Browser(stack.app, language) for language in ("en", "fr")]
        for reader in self.readers:
            reader.sign_in(API_KEY)

    def get(self, path: str, data: Iterable[str] = ()) -> None:
        """Nothing of this page is in English for who reads French."""
        self._compare(path, [reader.get(path).get_data(as_text=True) for reader in self.readers], data)

    def post(self, path: str, data: Iterable[str] = (), **form: Any) -> None:
        """Nothing of what answers this form. A file is its content and its name."""
        pages = []
        for reader in self.readers:
            file = {"file": (io.BytesIO(form["file"][0]), form["file"][1])} if "file" in form else {}
            pages.append(reader.post(path, **form | file).get_data(as_text=True))
        self._compare(path, pages, data)

    def _compare(self, path: str, pages: list[str], data: Iterable[str]) -> None:
        english, french = (sentences(page.replace("<wbr>", "")) for page in pages)
        assert english, path
        known = clauses(data) | NAMES
        assert {each for each in english & french if not _is_data(each, known)} == set(), path


def _is_data(text: str, known: set[str]) -> bool:
    return text in known or all(part.strip() in known for part in text.split(", "))


@pytest.fixture
def both(stack: Stack) -> Iterator[Both]:
    """With nothing there yet."""
    yield Both(stack)
    cleared(stack)
    for each in stack.client().get("/v1/sinks").get_json():
        stack.client().delete(f"/v1/sinks/{each['id']}")


def test_addresses_with_the_steps_of_each_source(both: Both) -> None:
    for source in shipped().sources:
        both.api.post("/v1/inbound", json={"source": source})
    both.get("/")


def test_a_halted_connection(both: Both) -> None:
    both.stack.save(halted="crisp_credential_refused")
    both.get("/")


@pytest.mark.parametrize("halted", [None, "crisp_not_allowed"])
def test_a_doctors_findings(both: Both, halted: str | None) -> None:
    both.stack.save(halted=halted)
    both.post("/connect/doctor")


def test_a_doctor_without_quota(both: Both) -> None:
    both.stack.use(10_000)
    both.post("/connect/doctor")


def test_a_doctor_whose_credential_is_refused(both: Both) -> None:
    both.stack.crisp.switch(key="another-key")
    both.post("/connect/doctor")


def test_what_the_probe_finds(both: Both) -> None:
    both.post("/connect/probe", values(both.api.post("/v1/probe").get_json()))


@pytest.mark.parametrize("source", shipped().sources)
def test_what_becomes_of_each_sample(both: Both, source: str) -> None:
    for each in samples.of_source(source):
        body = each.body.decode()
        query = {"source": source, **dict(each.options)}
        told = both.api.post("/v1/preview", query_string=query, data=body, content_type=each.content_type).get_json()
        both.post("/try", values(told), payload=body, **query)


WRONG = [
    "{",
    "[1,",
    '{"a": 1}\n{"b": 2}}',
    "<a><b></a>",
    "{]",
    "3",
    '{"email": "nobody"}',
    '{"a": NaN}',
    '{"phone": "12"}',
]


@pytest.mark.parametrize("payload", [*WRONG, '{"mapping": {"zebra": "a"}, "payload": {"a": 1}}', "[" * 60 + "]" * 60])
def test_what_cannot_be_read(both: Both, payload: str) -> None:
    both.post("/try", payload=payload)


@pytest.mark.parametrize(
    "option", [{"timezone": "Mars/Base"}, {"country": "Mars"}, {"source": "zebra"}, {"mode": "zebra"}]
)
def test_an_option_that_makes_no_sense(both: Both, option: dict[str, str]) -> None:
    both.post("/try", payload='{"email": "ada@example.com"}', **option)


def test_what_was_sent(both: Both) -> None:
    for payload in (
        '{"email": "ada@example.com", "nickname": "Ada"}',
        '{"email": "nobody"}',
        '[{"email": "a@example.com"}, {}]',
    ):
        both.post("/try/send", payload=payload)


@pytest.mark.parametrize(
    "name", sorted(each.name for each in FILES.iterdir() if each.is_file() and each.suffix != ".md")
)
def test_why_each_column_is_matched(both: Both, name: str) -> None:
    content = (FILES / name).read_bytes()
    told = both.api.post("/v1/imports/preview", data={"file": (io.BytesIO(content), name)}).get_json()
    both.post("/import/preview", _shown(told), file=(content, name))


def _shown(told: Any) -> set[str]:
    """What a file holds, also as the page shows it: two samples of a column together, and shortened."""
    found = set(values(told))
    for column in told.get("columns", ()):
        both = " · ".join(column["samples"][:2])
        found |= {" ".join(both.split()), " ".join((both[:77].rpartition(" ")[0] + "...").split())}
    return found


UNREADABLE = [
    (b"", "a.csv"),
    (b"%PDF-1.7", "a.pdf"),
    (b"a,b\n", "a.csv"),
    (b"a,b\n1,2\n", "a.csv"),
    (b"Email\nnobody\n", "a.csv"),
]
OPTIONS = [
    {"encoding": "zebra"},
    {"header": "99"},
    {"header": "7777"},
    {"sheet": "x"},
    {"country": "x"},
    {"url": "http://10.0.0.1/"},
]


@pytest.mark.parametrize(("content", "name"), UNREADABLE)
def test_a_file_that_cannot_be_taken(both: Both, content: bytes, name: str) -> None:
    both.post("/import/preview", file=(content, name))
    both.post("/import/start", file=(content, name))


@pytest.mark.parametrize("option", OPTIONS)
def test_a_file_that_is_read_in_a_wrong_way(both: Both, option: dict[str, str]) -> None:
    both.post("/import/preview", file=(PEOPLE, "people.csv"), **option)


def test_an_import_and_its_records(both: Both) -> None:
    for limit in ("1", ""):
        both.readers[0].post("/import/start", file=(io.BytesIO(PEOPLE), "people.csv"), limit=limit)
    for shown in both.api.get("/v1/imports").get_json():
        finished(both.api, shown["id"])
        both.get(f"/import/{shown['id']}")
    both.get("/import")
    for path in ("/activity", "/activity/kinds", "/contacts", "/contacts?who=ada@example.com", "/contacts?who=zebra"):
        both.get(path, {"Ada"})
    for row in both.api.get("/v1/outcomes").get_json():
        both.get(f"/activity/{row['outcome_id']}")


@pytest.mark.parametrize("query", ["status=zebra", "email=zebra", "since=zebra", "cursor=zebra"])
def test_a_filter_that_makes_no_sense(both: Both, query: str) -> None:
    both.get(f"/activity?{query}")


def test_triggers_deliveries_and_sheets(both: Both, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook").respond_with_data("", status=500)
    for url in (httpserver.url_for("/hook"), "http://127.0.0.1:9/hook"):
        both.api.post("/v1/subscriptions", json={"event": "record_rejected", "target_url": url})
    both.api.post("/v1/contacts", json={"email": "nobody"})
    until(lambda: all(each["attempts"] for each in both.api.get("/v1/deliveries").get_json()))
    both.get("/triggers")
    for each in both.api.get("/v1/deliveries").get_json():
        both.get(f"/triggers/deliveries/{each['id']}")
    for target in ("http://169.254.169.254/", "nonsense", "https://example.com/#a", "ftp://example.com"):
        both.post("/triggers/subscriptions", event="contact_created", target_url=target)
    both.post("/triggers/sinks", kind="google_sheets", spreadsheet="zebra", events="contact_created", credential="{}")


def test_what_is_refused_on_the_first_page(both: Both) -> None:
    both.post("/connect/keys", label="a\nb", scope="all")
    both.post("/connect/inbound", source="salesforce", credential="a b", timezone="Mars")
    both.post("/connect/website", identifier="a b", key="c d")
    both.post("/connect/keys/nobody/revoke")


@pytest.mark.parametrize("path", ["/docs", "/sign-in/code", "/nowhere", "/import/nowhere", "/activity/nowhere"])
def test_pages_that_everybody_knows(both: Both, path: str) -> None:
    examples = (json.dumps(field.example) for field in shipped().fields.values())
    both.get(path, examples)


def test_the_first_start(tmp_path: Path) -> None:
    services = open_services(Settings(data_dir=tmp_path))
    try:
        pages = [Browser(create_app(services), language).text("/sign-in") for language in ("en", "fr")]
    finally:
        services.close()
    english, french = (sentences(page.replace("<wbr>", "")) for page in pages)
    assert english & french == set()


def test_reasons_that_are_kept_are_said_somewhere() -> None:
    code = "".join(each.read_text() for each in (CODE / "hooks").rglob("*.py"))
    code += "".join(each.read_text() for each in (CODE / "sinks").rglob("*.py"))
    assert [each for each in TEMPLATES if each not in code] == []
