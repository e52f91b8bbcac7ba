"""What the client makes of every kind of answer, and of none."""

import gzip
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients, Credential

CREDENTIAL = Credential("W", "website", "identifier", "the-key")
CALL = Call("PATCH", "people/profile/{who}", "ada+1@example.com", {"person": {"nickname": "Ada"}})
PATH = "/v1/website/W/people/profile/ada+1@example.com"
Talk = Callable[[socket.socket], None]


def send(base_url: str, call: Call = CALL) -> Reply | Failure:
    """The answer, without the moment that the server's own header says."""
    client = Client(CREDENTIAL, base_url, 4)
    try:
        answer = client.send(call)
    finally:
        client.close()
    return replace(answer, date=None) if isinstance(answer, Reply) else answer


def answered(server: HTTPServer, response: Response) -> Reply | Failure:
    """The answer to CALL when the server gives this response."""
    server.expect_request(PATH).respond_with_response(response)
    return send(server.url_for("/v1"))


@contextmanager
def raw_server(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that speaks to one client as `talk` says, after it has read the request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            accepted, _ = listening.accept()
            accepted.settimeout(5)
            with tls.wrap_socket(accepted, server_side=True) if tls else accepted as connection:
                received = b""
                while b'"Ada"}}' not in received:
                    received += connection.recv(65_536)
                talk(connection)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            thread.join()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def say_nothing(connection: socket.socket) -> None:
    connection.recv(1)  # until the client goes away


def half_a_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")


def dripping(head: bytes, drop: bytes) -> Talk:
    """Says the head, and then a drop now and then, until the client goes away: never silent for long, never done."""

    def talk(connection: socket.socket) -> None:
        until = monotonic() + 5
        with suppress(OSError):
            connection.sendall(head)
            while monotonic() < until:
                connection.sendall(drop)
                sleep(0.05)

    return talk


def large(head: bytes, *, piece: bytes = b" " * 1_000_000, pieces: int = 12) -> Talk:
    """Says the head and 12 MB, or less if the client goes away before."""

    def talk(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(head)
            for _ in range(pieces):
                connection.sendall(piece)

    return talk


def head(status: int, *lines: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status} Whatever", *lines, "", "")).encode()


LENGTH, CHUNKED = "Content-Length: 12000002", "Transfer-Encoding: chunked"
CHUNK = b"f4240\r\n" + b" " * 1_000_000 + b"\r\n"
BOMB = gzip.compress(b"{}" + b" " * 12_000_000)


def broken_chunk(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{")


def not_http(connection: socket.socket) -> None:
    connection.sendall(b"220 smtp.example.com ESMTP\r\n\r\n")


@pytest.mark.parametrize(
    ("talk", "failure"),
    [
        pytest.param(say_nothing, Failure("crisp_timeout", sent=True), id="no answer in time"),
        pytest.param(reset, Failure("crisp_unreachable", sent=True), id="reset"),
        pytest.param(lambda _: None, Failure("crisp_unreachable", sent=True), id="closed without an answer"),
        pytest.param(half_a_body, Failure("crisp_unreachable", sent=True), id="half a body"),
        pytest.param(broken_chunk, Failure("crisp_unreachable", sent=True), id="a broken chunk"),
        pytest.param(not_http, Failure("crisp_unreachable", sent=True), id="not HTTP"),
        pytest.param(dripping(head(200, LENGTH), b" "), Failure("crisp_timeout", sent=True), id="a dripping body"),
        pytest.param(
            dripping(head(200, CHUNKED), b"1\r\n \r\n"), Failure("crisp_timeout", sent=True), id="dripping chunks"
        ),
        pytest.param(dripping(b"", b"H"), Failure("crisp_timeout", sent=True), id="a dripping status"),
        pytest.param(dripping(head(200)[:-2], b"X: y\r\n"), Failure("crisp_timeout", sent=True), id="dripping headers"),
        pytest.param(dripping(b"", head(100)), Failure("crisp_timeout", sent=True), id="interim answers without end"),
        pytest.param(large(head(200, LENGTH) + b"{}"), Failure("crisp_garbled", sent=True), id="a large body"),
        pytest.param(large(head(200) + b"{}"), Failure("crisp_garbled", sent=True), id="a large body of no length"),
        pytest.param(
            large(head(200, CHUNKED), piece=CHUNK), Failure("crisp_garbled", sent=True), id="a large body in chunks"
        ),
        pytest.param(
            large(head(200, f"Content-Length: {len(BOMB)}", "Content-Encoding: gzip"), piece=BOMB, pieces=1),
            Failure("crisp_garbled", sent=True),
            id="a bomb",
        ),
        pytest.param(
            large(head(200, CHUNKED) + b"-1\r\n", pieces=40),
            Failure("crisp_unreachable", sent=True),
            id="a chunk without end",
        ),
    ],
)
@pytest.mark.usefixtures("short")
def test_a_lost_answer_may_have_been_applied(talk: Talk, failure: Failure) -> None:
    with raw_server(talk) as url:
        assert send(url) == failure


@pytest.mark.parametrize("status", [302, 404, 429, 503])
@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(lambda status: dripping(head(status, LENGTH, "Retry-After: 7"), b" "), id="dripping"),
        pytest.param(lambda status: large(head(status, LENGTH, "Retry-After: 7")), id="large"),
        pytest.param(
            lambda status: large(head(status, LENGTH, "Retry-After: 7", "Location: /"), pieces=1), id="half of it"
        ),
    ],
)
@pytest.mark.usefixtures("short")
def test_a_status_that_is_known_counts_without_its_body(talk: Callable[[int], Talk], status: int) -> None:
    with raw_server(talk(status)) as url:
        assert send(url) == Reply(status, retry_after=7.0)


@pytest.mark.alone
@pytest.mark.usefixtures("short")
def test_a_call_ends_in_time_whatever_the_other_side_does() -> None:
    with raw_server(dripping(head(200, LENGTH), b" ")) as url:
        began = monotonic()
        send(url)
        assert 2 < monotonic() - began < 3


@pytest.mark.parametrize("talk", [dripping(b"", b"H"), dripping(head(200, CHUNKED), b"1\r\n \r\n")])
@pytest.mark.usefixtures("short")
def test_it_ends_in_time_through_a_proxy(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(talk) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("NO_PROXY", "")
        assert send("http://crisp.invalid/v1") == Failure("crisp_timeout", sent=True)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """What a server needs whom the client trusts."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    return context


@pytest.mark.parametrize("talk", [dripping(b"", b"H"), dripping(head(200, CHUNKED), b"1\r\n \r\n")])
@pytest.mark.usefixtures("short")
def test_it_ends_in_time_over_tls(talk: Talk, tls: ssl.SSLContext) -> None:
    with raw_server(talk, tls) as url:
        assert send(url) == Failure("crisp_timeout", sent=True)


@pytest.mark.parametrize("secured", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        pytest.param(head(200, "Content-Length: 2") + b"{}", id="a length"),
        pytest.param(head(200, CHUNKED) + b"2\r\n{}\r\n0\r\n\r\n", id="chunks"),
        pytest.param(head(204), id="no body"),
        pytest.param(head(503, "Content-Length: 4") + b"busy", id="an error"),
    ],
)
@pytest.mark.usefixtures("short")
def test_a_connection_is_used_again(said: bytes, tls: ssl.SSLContext, *, secured: bool) -> None:
    """The server takes one connection only. That an answer takes longer than a wait for it is no harm to the next."""

    def talk(connection: socket.socket) -> None:
        for piece in (said[:9], said[9:12]):
            connection.sendall(piece)
            sleep(0.15)
        connection.sendall(said[12:])
        received = b""
        while b'"Ada"}}' not in received:
            received += connection.recv(65_536)
        connection.sendall(said)

    with raw_server(talk, tls if secured else None) as url, closing(Client(CREDENTIAL, url, 4)) as client:
        first = client.send(CALL)
        assert isinstance(first, Reply)
        assert client.send(CALL) == first


def test_a_refused_connection_sent_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert send(f"http://127.0.0.1:{unused.getsockname()[1]}/v1") == Failure("crisp_unreachable", sent=False)


def test_a_name_that_is_not_known_sent_nothing() -> None:
    assert send("http://crisp.invalid/v1") == Failure("crisp_unreachable", sent=False)


@pytest.mark.usefixtures("short")
def test_a_connection_that_is_not_taken_sent_nothing() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        assert send(f"http://127.0.0.1:{address[1]}/v1") == Failure("crisp_unreachable", sent=False)
        for each in waiting:
            each.close()


PAGE = "<html>Bad Gateway</html>"
JSON = "application/json"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param(
            Response('{"error":false,"reason":"added","data":{"people_id":"p"}}', 201, content_type=JSON),
            Reply(201, "added", {"people_id": "p"}),
            id="done",
        ),
        pytest.param(
            Response('{"error":true,"reason":"invalid_data","data":{"message":"bad email"}}', 400, content_type=JSON),
            Reply(400, "invalid_data: bad email", {"message": "bad email"}),
            id="refused",
        ),
        pytest.param(Response(PAGE, 200), Failure("crisp_garbled", sent=True), id="a page with 200"),
        pytest.param(Response(PAGE, 502), Reply(502), id="a page with 502"),
        pytest.param(Response(b"\xff\xfe{", 500), Reply(500), id="no text"),
        pytest.param(Response("", 200), Reply(200), id="nothing with 200"),
        pytest.param(Response("", 503), Reply(503), id="nothing with 503"),
        pytest.param(Response("[1]", 200, content_type=JSON), Reply(200), id="not Crisp's envelope"),
    ],
)
def test_an_answer(httpserver: HTTPServer, response: Response, expected: Reply | Failure) -> None:
    assert answered(httpserver, response) == expected


def test_a_redirect_is_not_followed(httpserver: HTTPServer) -> None:
    elsewhere = {"Location": httpserver.url_for("/elsewhere")}
    httpserver.expect_request("/elsewhere").respond_with_data("followed")
    assert answered(httpserver, Response("", 302, headers=elsewhere)) == Reply(302)
    assert [request.path for request, _ in httpserver.log] == [PATH]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("0.5", 0.5, id="part of a second"),
        pytest.param("-3", 0.0, id="the past"),
        pytest.param("999999999", 86_400.0, id="longer than a day"),
        pytest.param("1e400", None, id="infinite"),
        pytest.param("nan", None, id="not a number"),
        pytest.param("soon", None, id="nonsense"),
        pytest.param("", None, id="empty"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", 0.0, id="a date that was"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0, id="a date far away"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 -1400", None, id="a date after all dates"),
        pytest.param("Fri, 99 Zzz 2999 99:99:99 GMT", None, id="no date"),
    ],
)
def test_retry_after(httpserver: HTTPServer, header: str, seconds: float | None) -> None:
    assert answered(httpserver, Response("", 429, headers={"Retry-After": header})) == Reply(429, retry_after=seconds)


# This machine's clock is wrong, by a good deal more than a quarter of an hour.
THERE = datetime(2023, 11, 15, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "retry_after", "seconds"),
    [
        pytest.param(THERE, THERE + timedelta(seconds=30), 30, id="by the clock of who answers"),
        pytest.param(None, THERE + timedelta(seconds=30), 35, id="by the clock that all go by"),
        pytest.param("yesterday", THERE + timedelta(seconds=30), 35, id="by that, too, when the date is nonsense"),
        pytest.param(THERE, "Wed Nov 15 12:00:30 2023", 30, id="in the form that says no zone"),
        pytest.param(THERE, "Wed, 15 Nov 2023 12:00:30 -0000", 30, id="in a zone that is not known"),
        pytest.param(THERE, THERE - timedelta(seconds=30), 0, id="before"),
    ],
)
def test_retry_after_as_a_date(date: datetime | str | None, retry_after: datetime | str, seconds: float) -> None:
    """RFC 9110, 10.2.3: a moment by the clock of who answers, which the header `Date` tells."""
    named = {"Retry-After": retry_after, "Date": date, "Content-Length": "0"}
    told = {
        key: each if isinstance(each, str) else format_datetime(each, usegmt=True)
        for key, each in named.items()
        if each
    }
    said = head(429, *(f"{key}: {each}" for key, each in told.items()))
    with raw_server(lambda connection: connection.sendall(said)) as url, closing(Client(CREDENTIAL, url, 1)) as client:
        client.clock = lambda: int(THERE.timestamp() * 1000) - 5_000
        answer = client.send(CALL)
    assert isinstance(answer, Reply)
    assert answer.retry_after == seconds


def test_every_client_goes_by_the_clock_that_is_given() -> None:
    clients = Clients("http://127.0.0.1/v1", 1, clock=lambda: 7)
    assert clients.get("W", CREDENTIAL).clock() == 7
    assert clients.hasty().get("W", CREDENTIAL).clock() == 7


def test_what_is_sent(httpserver: HTTPServer) -> None:
    answered(httpserver, Response("{}"))
    [(request, _)] = httpserver.log
    assert request.authorization is not None
    assert (request.authorization.username, request.authorization.password) == ("identifier", "the-key")
    assert request.headers["X-Crisp-Tier"] == "website"
    assert request.headers["User-Agent"].startswith("crisp-connector/")
    assert request.json == {"person": {"nickname": "Ada"}}


@pytest.mark.parametrize("who", ["a/../b@example.com", "a?x=1@example.com", "a#b@example.com", "zoë@example.com"])
def test_a_person_cannot_change_the_route(httpserver: HTTPServer, who: str) -> None:
    httpserver.expect_request("").respond_with_data("{}")
    send(httpserver.url_for("/v1"), Call("GET", "people/profile/{who}", who))
    [(request, _)] = httpserver.log
    assert request.path == f"/v1/website/W/people/profile/{who}"
    assert request.query_string == b""


def test_certificates_and_proxies_of_the_environment_are_used(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/certificates.pem")
    assert send("https://crisp.invalid/v1") == Failure("crisp_unreachable", sent=False)
    monkeypatch.setenv("HTTP_PROXY", httpserver.url_for(""))
    monkeypatch.setenv("NO_PROXY", "")
    httpserver.expect_request("").respond_with_data("", 418)
    assert send("http://crisp.invalid/v1") == Reply(418)


def test_promise_19_the_key_is_not_shown() -> None:
    client = Client(CREDENTIAL, "http://127.0.0.1/v1", 1)
    assert "the-key" not in f"{CREDENTIAL!r} {client!r} {vars(client)['credential']}"
    client.close()


def test_promise_21_a_new_credential_gets_a_new_client() -> None:
    clients = Clients("http://127.0.0.1/v1", 1)
    first = clients.get("W", CREDENTIAL)
    assert clients.get("W", CREDENTIAL) is first
    second = clients.get("W", Credential("W", "website", "identifier", "new"))
    assert second is not first
    assert clients.get("V", CREDENTIAL) not in (first, second)
    clients.close()


def test_text_is_whole_characters_that_every_database_takes(httpserver: HTTPServer) -> None:
    """JSON may escape half of a character, or a NUL: neither can be stored."""
    said = r'{"data": {"nickname": "Ada \ud83d", "both": "\ud83d\ude00", "\udc00": ["a\u0000b", 1]}}'
    answer = answered(httpserver, Response(said, mimetype="application/json"))
    assert isinstance(answer, Reply)
    assert answer.data == {"nickname": "Ada \ufffd", "both": "\U0001f600", "\ufffd": ["ab", 1]}


def test_json_that_is_nested_for_ever_is_garbled(httpserver: HTTPServer) -> None:
    answer = answered(httpserver, Response("[" * 100_000, mimetype="application/json"))
    assert answer == Failure("crisp_garbled", sent=True)
