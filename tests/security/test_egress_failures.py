"""What does not work with addresses that users name: it ends in time, and is told in words."""

import socket
import struct
import traceback
from io import BytesIO
from threading import Event
from time import monotonic

import pytest

from connector.hooks.egress import Egress, Failed
from tests.security.fetching import CSV, OK, SECRET, fetched
from tests.security.talking import Talk, dripping, saying, talking


def silent(_line: socket.socket, over: Event) -> None:
    over.wait(5)


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(silent, id="no answer"),
        pytest.param(dripping(b"", b"H"), id="status drips"),
        pytest.param(dripping(OK, b"X"), id="headers drip"),
        pytest.param(dripping(OK, b"X: y\r\n"), id="headers without end"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim answers without end"),
        pytest.param(dripping(OK + b"\r\n", b"a"), id="body drips"),
        pytest.param(dripping(OK + b"Content-Length: 900\r\n\r\n", b"a"), id="body with its length drips"),
        pytest.param(dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"), id="chunks drip"),
        pytest.param(dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"), id="length of a chunk drips"),
    ],
)
def test_what_takes_too_long_as_a_whole_is_cut_off(talk: Talk) -> None:
    began = monotonic()
    with talking(talk) as port, pytest.raises(Failed, match=r"longer than 0\.4 seconds"):
        fetched(f"http://127.0.0.1:{port}/", seconds=0.4)
    assert monotonic() - began < 3


def test_who_falls_silent_is_not_waited_for() -> None:
    with talking(silent) as port, pytest.raises(Failed, match="silent"):
        fetched(f"http://127.0.0.1:{port}/", read_seconds=0.1)


def reset(line: socket.socket, _over: Event) -> None:
    line.sendall(OK + b"Content-Length: 99\r\n\r\nhalf")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        pytest.param(reset, "broke off", id="reset"),
        pytest.param(saying(), "broke off", id="closed without an answer"),
        pytest.param(saying(OK + b"Content-Length: 99\r\n\r\nhalf"), "broke off", id="half a body"),
        pytest.param(saying(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf"), "broke off", id="half a chunk"),
        pytest.param(saying(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "broke off", id="a broken chunk"),
        pytest.param(saying(b"220 mail.example ESMTP\r\n"), "broke off", id="not HTTP"),
        pytest.param(saying(OK + b"X: y\r\n" * 200 + b"\r\n"), "broke off", id="200 headers"),
        pytest.param(saying(OK + b"X: " + b"y" * 70_000 + b"\r\n\r\n"), "broke off", id="an endless header"),
        pytest.param(saying(OK + b"Content-Encoding: gzip\r\n\r\n" + CSV), "decompressed", id="not what it says"),
        pytest.param(
            saying(OK + b"Content-Encoding: " + b"gzip," * 9 + b"gzip\r\n\r\n"), "decompressed", id="ten times"
        ),
        pytest.param(saying(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "answers 304", id="304"),
        pytest.param(saying(b"HTTP/1.1 302 Found\r\n\r\n"), "answers 302", id="a redirect to nowhere"),
        pytest.param(saying(b"HTTP/1.1 403 Forbidden\r\n\r\n"), "answers 403", id="403"),
        pytest.param(saying(b"HTTP/1.1 500 Oops\r\n\r\n"), "answers 500", id="500"),
    ],
)
def test_what_does_not_work_is_told_in_words_without_the_query(talk: Talk, reason: str) -> None:
    with talking(talk) as port, pytest.raises(Failed, match=reason) as told:
        fetched(f"http://127.0.0.1:{port}/list.csv?{SECRET}")
    assert "s3cr3t" not in "".join(traceback.format_exception(told.value))


def test_who_is_not_there_is_told_apart_from_who_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(Failed, match="cannot be connected to"):
        fetched(f"http://127.0.0.1:{port}/")


def test_a_name_that_nobody_knows_is_a_failure() -> None:
    with pytest.raises(Failed, match="not known"):
        Egress().fetch("https://shop.invalid/", BytesIO(), most=1, seconds=5)
