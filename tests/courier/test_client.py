"""What the client makes of every kind of answer, and of none."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Thread

import pytest
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
def raw_server(talk: Talk) -> Iterator[str]:
    """A server that speaks to one client as `talk` says, after it has read the request."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(5)
                received = b""
                while b'"Ada"}}' not in received:
                    received += connection.recv(65_536)
                talk(connection)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            thread.join()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def say_nothing(connection: socket.socket) -> None:
    connection.recv(1)  # until the client goes away


def half_a_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")


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
    ],
)
@pytest.mark.usefixtures("short")
def test_a_lost_answer_may_have_been_applied(talk: Talk, failure: Failure) -> None:
    with raw_server(talk) as url:
        assert send(url) == failure


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


def test_retry_after_as_a_date(httpserver: HTTPServer) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    answer = answered(httpserver, Response("", 429, headers={"Retry-After": moment}))
    assert isinstance(answer, Reply)
    assert answer.retry_after == pytest.approx(89, abs=2)


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
    assert send("https://crisp.invalid/v1") == Failure("crisp_unreachable", sent=True)
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
