"""Files that do not arrive: forms without one, uploads that are cut off or too large, and disks that are full."""

import json
import socket
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from connector.api import uploads
from connector.intake import sorting
from connector.uploads import store
from tests.app.files import (
    BOUNDARY,
    IMPORTS,
    PREVIEW,
    empty_store,
    form,
    imported,
    kept,
    nothing_left,
    send,
)
from tests.app.stack import API_KEY, Stack, _Quiet, problem, until

FILE = "email,city\n" + "".join(f"p{number}@example.com,Rome\n" for number in range(300))
BOTH = pytest.mark.parametrize("to", [PREVIEW, IMPORTS], ids=["preview", "import"])


def part(about: str, content: str = "email\nada@example.com\n") -> str:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {about}\r\n\r\n{content}\r\n"


END = f"--{BOUNDARY}--\r\n"
A_FILE = 'name="file"; filename="a.csv"'
FORMS: list[tuple[str, str, int, str, str]] = [
    ("no file", part('name="options"', "{}") + END, 422, "file_missing", "multipart field named file"),
    ("a file by another name", part('name="upload"; filename="a.csv"') + END, 422, "file_missing", "named file"),
    ("a field in its place", part('name="file"') + END, 422, "file_missing", "named file"),
    ("nothing", END, 422, "file_missing", "named file"),
    ("two files", part(A_FILE) * 2 + END, 422, "parameter_invalid", "one file at a time"),
    (
        "two files by two names",
        part(A_FILE) + part('name="b"; filename="b.csv"') + END,
        422,
        "parameter_invalid",
        "one file at a time",
    ),
    ("unknown field", part(A_FILE) + part('name="colour"', "red") + END, 422, "parameter_invalid", "colour"),
    ("a file and a url", part(A_FILE) + part('name="url"', "x") + END, 422, "parameter_invalid", "not both"),
    ("nameless fields", part(A_FILE) + part("x=y") + part('name="z"') + END, 422, "parameter_invalid", "no such field"),
    ("no end", part(A_FILE), 400, "request_invalid", "Check its boundary"),
    ("another boundary", "--other\r\n\r\n", 400, "request_invalid", "Check its boundary"),
    ("very much beside it", part('name="options"', "x" * 1_100_000) + END, 413, "body_too_large", "options and"),
    ("very many fields", part('name="x"', "y") * 200 + END, 413, "body_too_large", "options and a mapping"),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize(
    ("body", "status", "code", "says"), [each[1:] for each in FORMS], ids=[each[0] for each in FORMS]
)
def test_a_bad_form_is_told(
    api: FlaskClient, stack: Stack, body: str, status: int, code: str, says: str, to: str
) -> None:
    answer = api.post(to, data=body.encode(), content_type=f"multipart/form-data; boundary={BOUNDARY}")
    assert says in problem(answer, status, code)["message"]
    assert nothing_left(stack)


@BOTH
@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=ä"], ids=["none", "not ASCII"])
def test_a_form_needs_a_boundary(api: FlaskClient, kind: str, to: str) -> None:
    problem(api.post(to, data=form(FILE)[0], content_type=kind), 400, "request_invalid")


@BOTH
def test_a_file_that_is_too_large_is_not_read_to_its_end(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    monkeypatch.setattr(store.Incoming.__init__, "__defaults__", (1_000_000,))
    told = problem(send(api, "email\n" + "x" * 1_500_000, to=to), 413, "file_too_large")
    assert "larger than 1 MB" in told["message"]
    assert nothing_left(stack)


@BOTH
def test_a_file_that_says_it_is_too_large_is_not_read_at_all(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    monkeypatch.setattr(uploads, "LARGEST", 1_000_000)
    monkeypatch.setattr(store.Incoming, "write", _unasked)
    problem(send(api, "email\n" + "x" * 2_500_000, to=to), 413, "file_too_large")
    assert nothing_left(stack)


def _unasked(*_: Any) -> int:
    raise AssertionError("it was read")


class Served:
    """The application behind a socket."""

    def __init__(self, port: int) -> None:
        self._port = port

    def sent(self, headers: str, body: bytes, *, hears: bool) -> bytes:
        """What is answered to these bytes, after which the sender ends; nothing when it does not listen any more."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=10) as link:
            head = f"POST {IMPORTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n{headers}\r\n"
            link.sendall(head.encode() + body)
            if not hears:
                return b""
            link.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: link.recv(65_536), b""))


@pytest.fixture
def served(stack: Stack) -> Iterator[Served]:
    """The application on a port of its own."""
    server = make_server("127.0.0.1", 0, stack.app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Served(server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("how", ["announced", "in chunks"])
@pytest.mark.parametrize("hears", [True, False], ids=["listens", "is gone"])
def test_an_upload_that_is_cut_off_leaves_nothing(stack: Stack, served: Served, how: str, hears: bool) -> None:
    body, kind = form(FILE)
    half = body[: len(body) // 2]
    if how == "announced":
        answer = served.sent(f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n", half, hears=hears)
    else:
        chunk = f"{len(body):x}\r\n".encode() + half
        answer = served.sent(f"Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n", chunk, hears=hears)
    if hears:
        head, _, told = answer.partition(b"\r\n\r\n")
        assert b" 400 " in head.splitlines()[0]
        assert json.loads(told[told.index(b"{") :])["code"] == "file_cut"
    assert until(lambda: nothing_left(stack), 5)


def test_an_upload_in_chunks_arrives(stack: Stack, served: Served) -> None:
    body, kind = form(FILE)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:5_000], body[5_000:], b""))
    answer = served.sent(f"Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n", chunks, hears=True)
    assert b" 202 " in answer.splitlines()[0]
    assert kept(stack) == [FILE.encode()]


class TestFullDisk:
    """What the disk refuses is told, nothing is left, and the same file may be sent again."""

    @pytest.fixture
    def full(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        """What comes in is written to a device that has no room; the call gives it some."""
        begin = store.Incoming.__init__

        def instead(coming: store.Incoming, *args: Any) -> None:
            begin(coming, *args)
            coming._file.close()
            coming._file = open("/dev/full", "wb")  # noqa: SIM115 - `coming` closes it

        monkeypatch.setattr(store.Incoming, "__init__", instead)
        return lambda: monkeypatch.setattr(store.Incoming, "__init__", begin)

    @BOTH
    @pytest.mark.parametrize("content", ["email\nada@example.com\n", FILE * 20], ids=["at the end", "in the middle"])
    def test_while_a_file_comes_in(
        self, api: FlaskClient, stack: Stack, full: Callable[[], None], to: str, content: str
    ) -> None:
        answer = send(api, content, to=to)
        assert "no space left on device" in problem(answer, 503, "files_unavailable")["message"]
        assert answer.headers["Retry-After"] == "60"
        assert nothing_left(stack)
        full()
        imported(api, FILE)

    def test_while_it_is_kept(self, api: FlaskClient, stack: Stack) -> None:
        """Where the folder of the connection should be, there is a file."""
        folder = stack.services.settings.data_dir / "files" / f"website-{stack.tenant.id}"
        imported(api, FILE)
        empty_store(stack)
        stack.reset()
        folder.rmdir()
        folder.touch()
        problem(send(api, FILE), 503, "files_unavailable")
        folder.unlink()
        assert nothing_left(stack)
        imported(api, FILE)

    def test_while_a_preview_sorts(self, api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sorting, "TemporaryDirectory", _no_room)
        problem(send(api, FILE, to=PREVIEW), 503, "files_unavailable")


def _no_room(**_: Any) -> Any:
    raise OSError(28, "No space left on device")
