"""Hooks that are posted to addresses that users name."""

from collections.abc import Mapping

import pytest
from pytest_httpserver import HTTPServer

from connector.hooks.egress import Answer, Egress, Failed
from tests.security.fetching import OK
from tests.security.talking import Talk, dripping, saying, talking


def posted(
    url: str, body: bytes = b"{}", headers: Mapping[str, str] | None = None, *, most: int = 1_000, seconds: float = 5
) -> Answer:
    return Egress(frozenset({"127.0.0.1"})).post(url, body, headers or {}, seconds=seconds, most=most)


def told(answer: Answer) -> tuple[int, str | None, bytes]:
    return answer.status, answer.retry_after, answer.body


def test_a_hook_is_posted_as_it_is(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/hook", method="POST").respond_with_data("busy", 503, {"Retry-After": "Tue"})
    answer = posted(httpserver.url_for("/hook"), b'{"id":1}', {"Content-Type": "application/json", "webhook-id": "1"})
    (asked, _) = httpserver.log[0]
    assert told(answer) == (503, "Tue", b"busy")
    assert (asked.get_data(), asked.headers["webhook-id"]) == (b'{"id":1}', "1")
    assert asked.headers["Content-Type"] == "application/json"


def test_a_hook_cannot_be_sent_to_another_host_by_its_headers(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("")
    posted(httpserver.url_for("/"), headers={"host": "inside.example"})
    assert httpserver.log[0][0].headers.getlist("Host") == [f"localhost:{httpserver.port}"]


def test_a_header_that_would_be_two_is_not_sent(httpserver: HTTPServer) -> None:
    with pytest.raises(Failed, match="written as HTTP"):
        posted(httpserver.url_for("/"), headers={"X-Name": "Ada\r\nX-Admin: 1"})
    assert httpserver.log == []


def test_an_answer_to_a_hook_is_kept_up_to_its_limit(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(b"a" * 1_000_000)
    assert told(posted(httpserver.url_for("/"), most=10)) == (200, None, b"a" * 10)


@pytest.mark.parametrize(
    ("talk", "body"),
    [
        pytest.param(dripping(OK + b"\r\nab", b""), b"ab", id="falls silent"),
        pytest.param(saying(OK + b"Content-Length: 9\r\n\r\nab"), b"ab", id="breaks off"),
        pytest.param(saying(OK + b"Content-Encoding: gzip\r\n\r\nab"), b"", id="cannot be decompressed"),
    ],
)
def test_a_status_counts_whatever_becomes_of_the_answers_body(talk: Talk, body: bytes) -> None:
    with talking(talk) as port:
        assert told(posted(f"http://127.0.0.1:{port}/", seconds=0.4)) == (200, None, body)


def test_a_hook_that_is_not_answered_in_time_failed() -> None:
    with talking(dripping(OK, b"X")) as port, pytest.raises(Failed, match=r"longer than 0\.4 seconds"):
        posted(f"http://127.0.0.1:{port}/", seconds=0.4)
