"""Redirects of files that are fetched: followed as far as five, and nothing is carried along."""

from collections.abc import Callable

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connector.hooks.egress import Failed
from tests.security.fetching import CSV, fetched
from tests.security.talking import dripping, saying, talking


def chain(server: HTTPServer, length: int) -> str:
    """The address from which this many redirects lead to the file: by whole addresses, paths, and names alone."""
    for number in range(length, 0, -1):
        onward = [server.url_for(f"/d/{number - 1}"), f"/d/{number - 1}", f"{number - 1}"][number % 3]
        server.expect_request(f"/d/{number}").respond_with_handler(_redirect(onward))
    server.expect_request("/d/0").respond_with_data(CSV)
    return server.url_for(f"/d/{length}")


def _redirect(onward: str) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        assert "Cookie" not in request.headers
        response = Response(b"a" * 1_000, 302, {"Location": onward, "Set-Cookie": "seen=1; Path=/"})
        response.autocorrect_location_header = False
        return response

    return respond


def test_five_redirects_are_followed_without_cookies(httpserver: HTTPServer) -> None:
    found, body = fetched(chain(httpserver, 5))
    httpserver.check()
    assert (found.final_url, body) == (httpserver.url_for("/d/0"), CSV)


def test_six_redirects_are_too_many(httpserver: HTTPServer) -> None:
    with pytest.raises(Failed, match="more than 5 times"):
        fetched(chain(httpserver, 6))
    assert len(httpserver.log) == 6


def test_the_body_of_a_redirect_is_not_waited_for(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    head = f"HTTP/1.1 302 Found\r\nLocation: {httpserver.url_for('/')}\r\n\r\n".encode()
    with talking(dripping(head, b"a" * 10_000)) as port:
        assert fetched(f"http://127.0.0.1:{port}/")[1] == CSV


def test_a_redirect_in_utf8_is_understood(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/süd.csv").respond_with_data(CSV)
    head = f"HTTP/1.1 302 Found\r\nLocation: {httpserver.url_for('/')}süd.csv\r\n\r\n".encode()
    with talking(saying(head)) as port:
        assert fetched(f"http://127.0.0.1:{port}/")[1] == CSV
