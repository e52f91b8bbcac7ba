"""Files that are fetched from an address."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connector.file_imports import fetching
from connector.uploads import store
from tests.app.files import IMPORTS, PREVIEW, count_imports, deliver, kept, outcomes
from tests.app.stack import Crisp, Stack, problem

FILE = "email,city\nada@example.com,Rome\nnobody,Bern\n"
BOTH = pytest.mark.parametrize("to", [PREVIEW, IMPORTS], ids=["preview", "import"])


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The files are on this machine."""
    return {"egress_allow": "127.0.0.1"}


@pytest.fixture
def files(stack: Stack, httpserver: HTTPServer) -> HTTPServer:
    """A server that has files."""
    httpserver.expect_request("/people.csv").respond_with_data(FILE, content_type="text/csv")
    return httpserver


def url(files: HTTPServer, path: str = "/people.csv") -> str:
    return files.url_for(path).replace("localhost", "127.0.0.1")


def test_a_file_is_fetched_and_imported(api: FlaskClient, stack: Stack, crisp: Crisp, files: HTTPServer) -> None:
    told = api.post(IMPORTS, json={"url": url(files), "options": {"mode": "upsert"}}).get_json()
    deliver(stack)
    assert outcomes(api, told["import_id"]) == [(1, "created", None), (2, "rejected", "email_invalid")]
    assert kept(stack) == [FILE.encode()]
    assert set(crisp.people()) == {"ada@example.com"}


def test_a_preview_fetches_and_keeps_nothing(api: FlaskClient, stack: Stack, files: HTTPServer) -> None:
    shown = api.post(PREVIEW, json={"url": url(files), "mapping": {"email": "email"}}).get_json()
    assert (shown["totals"]["created"], shown["totals"]["rejected"]) == (1, 1)
    assert (count_imports(stack), kept(stack)) == (0, [])


def test_an_address_may_stand_in_a_form(api: FlaskClient, files: HTTPServer) -> None:
    data = {"url": url(files), "options": '{"mode": "update"}'}
    told = api.post(IMPORTS, data=data, content_type="multipart/form-data").get_json()
    assert (told["mode"], told["totals"]["records"]) == ("update", 2)


def test_the_name_is_what_the_other_side_calls_it(api: FlaskClient, files: HTTPServer) -> None:
    named = {"Content-Disposition": 'attachment; filename="clients d\'été.csv"'.encode().decode("latin-1")}
    files.expect_request("/named").respond_with_data(FILE, headers=named)
    assert api.post(IMPORTS, json={"url": url(files, "/named")}).get_json()["file_name"] == "clients d'été.csv"


class TestOnce:
    """The same request again, whose answer may be another file by now, or nothing."""

    ONCE = (("Idempotency-Key", "fetch-1"),)

    def test_what_has_changed_meanwhile_is_the_same_request(self, api: FlaskClient, files: HTTPServer) -> None:
        first = api.post(IMPORTS, json={"url": url(files)}, headers=self.ONCE).get_json()["import_id"]
        files.clear()
        files.expect_request("/people.csv").respond_with_data(f"{FILE}bob@example.com,Oslo\n")
        assert api.post(IMPORTS, json={"url": url(files)}, headers=self.ONCE).get_json()["import_id"] == first

    def test_a_link_that_has_run_out_is_not_fetched_again(
        self, api: FlaskClient, stack: Stack, files: HTTPServer
    ) -> None:
        first = api.post(IMPORTS, json={"url": url(files)}, headers=self.ONCE).get_json()["import_id"]
        files.clear()
        files.expect_request("/people.csv").respond_with_data("", status=403)
        assert api.post(IMPORTS, json={"url": url(files)}, headers=self.ONCE).get_json()["import_id"] == first
        assert count_imports(stack) == 1

    def test_another_address_is_another_request(self, api: FlaskClient, files: HTTPServer) -> None:
        api.post(IMPORTS, json={"url": url(files)}, headers=self.ONCE)
        again = api.post(IMPORTS, json={"url": url(files, "/people.csv?v=2")}, headers=self.ONCE)
        problem(again, 409, "idempotency_mismatch")


PLACES = [
    ("private network", "https://10.0.0.1/people.csv", "private or reserved"),
    ("metadata", "https://169.254.169.254/latest", "private or reserved"),
    ("other scheme", "file:///etc/passwd", "https://"),
    ("no address", "people.csv", "https://"),
    ("nothing", "", "https://"),
    ("user name", "https://ada:secret@example.com/x", "user name"),
]


@BOTH
@pytest.mark.parametrize(("place", "said"), [each[1:] for each in PLACES], ids=[each[0] for each in PLACES])
def test_an_address_that_nobody_may_ask_is_refused(
    api: FlaskClient, stack: Stack, files: HTTPServer, place: str, said: str, to: str
) -> None:
    told = problem(api.post(to, json={"url": place}), 422, "url_refused")
    assert said in told["message"]
    assert "secret" not in told["message"]
    assert (count_imports(stack), kept(stack)) == (0, [])


ANSWERS: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("nothing there", {"status": 404}, 422, "url_failed", "it answers 404"),
    ("no longer", {"status": 403}, 422, "url_failed", "private browser window"),
    ("web page", {"response_data": "<html>Sign in", "content_type": "text/html"}, 422, "url_not_file", "a web page"),
    (
        "web page that says nothing",
        {"response_data": "<!doctype html><p>Sign in", "content_type": "text/csv"},
        422,
        "file_kind_unknown",
        "a web page (HTML)",
    ),
    ("JSON", {"response_data": '[{"email": "a@b.co"}]', "content_type": "text/csv"}, 422, "file_kind_unknown", "JSON"),
    ("empty", {"response_data": ""}, 422, "file_empty", "Export it again"),
    ("elsewhere", {"status": 302, "headers": {"Location": "http://10.0.0.1/"}}, 422, "url_refused", "https://"),
]


@BOTH
@pytest.mark.parametrize(
    ("answer", "status", "code", "said"), [each[1:] for each in ANSWERS], ids=[each[0] for each in ANSWERS]
)
def test_an_answer_that_is_no_file_leaves_nothing(
    api: FlaskClient,
    stack: Stack,
    files: HTTPServer,
    answer: dict[str, Any],
    status: int,
    code: str,
    said: str,
    to: str,
) -> None:
    files.expect_request("/other").respond_with_data(**{"response_data": "no", **answer})
    assert said in problem(api.post(to, json={"url": url(files, "/other")}), status, code)["message"]
    assert (count_imports(stack), kept(stack)) == (0, [])


@BOTH
@pytest.mark.parametrize("tells", [True, False], ids=["told", "not told"])
def test_a_file_that_is_too_large_is_not_taken(
    api: FlaskClient, stack: Stack, files: HTTPServer, monkeypatch: pytest.MonkeyPatch, to: str, tells: bool
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 1_000_000)
    large = [b"email\n" + b"x" * 1_500_000]
    headers = {"Content-Length": str(len(large[0]))} if tells else {}
    files.expect_request("/large").respond_with_response(_response(large, headers))
    problem(api.post(to, json={"url": url(files, "/large")}), 413, "file_too_large")
    assert (count_imports(stack), kept(stack)) == (0, [])


def _response(chunks: list[bytes], headers: dict[str, str]) -> Response:
    return Response(iter(chunks), headers=headers, content_type="text/csv")


def test_what_is_asked_for_is_checked_before_anything_is_fetched(api: FlaskClient, files: HTTPServer) -> None:
    problem(api.post(IMPORTS, json={"url": url(files), "options": {"mode": "delete"}}), 422, "parameter_invalid")
    problem(api.post(IMPORTS, json={"url": url(files), "mapping": {"emial": "x"}}), 422, "mapping_field_unknown")
    assert files.log == []


BODIES: list[tuple[str, Any, str]] = [
    ("list", [{"email": "ada@example.com"}], "file_missing"),
    ("no address", {"options": {}}, "file_missing"),
    ("a number", {"url": 7}, "file_missing"),
    ("unknown field", {"url": "https://example.com/x", "colour": "red"}, "parameter_invalid"),
    ("options that are none", {"url": "https://example.com/x", "options": "upsert"}, "parameter_invalid"),
    ("a mapping that is none", {"url": "https://example.com/x", "mapping": ["email"]}, "mapping_invalid"),
]


@BOTH
@pytest.mark.parametrize(("body", "code"), [each[1:] for each in BODIES], ids=[each[0] for each in BODIES])
def test_a_body_that_names_no_file_is_refused(api: FlaskClient, body: Any, code: str, to: str) -> None:
    problem(api.post(to, json=body), 422, code)


@BOTH
def test_bytes_without_a_form_are_told_how(api: FlaskClient, to: str) -> None:
    told = problem(api.post(to, data=FILE, content_type="text/csv"), 422, "file_missing")
    assert "multipart field named file" in told["message"]


def test_a_full_disk_is_told(
    api: FlaskClient, stack: Stack, files: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.Incoming, "write", _no_room)
    told = problem(api.post(IMPORTS, json={"url": url(files)}), 503, "files_unavailable")
    assert "no space left" in told["message"]
    assert (count_imports(stack), kept(stack)) == (0, [])


def _no_room(*_: Any) -> int:
    with store.told():
        raise OSError(28, "No space left on device")
