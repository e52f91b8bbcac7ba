"""Files that are fetched from addresses that users name: what comes back, and what is too large."""

import gzip
import os
import zlib
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from connector.hooks.egress import Egress, Failed, Fetched, TooLarge
from tests.security.fetching import CSV, OK, SECRET, fetched
from tests.security.talking import saying, talking


def test_a_file_is_fetched_with_what_is_told_of_it(httpserver: HTTPServer) -> None:
    headers = {"Content-Type": "Text/CSV; charset=utf-8", "Content-Disposition": 'attachment; filename="people.csv"'}
    httpserver.expect_request("/list.csv", query_string=SECRET).respond_with_data(CSV, headers=headers)
    url = httpserver.url_for(f"/list.csv?{SECRET}")
    assert fetched(f"{url}#tab") == (Fetched("text/csv", len(CSV), "people.csv", url), CSV)


def test_the_request_says_who_asks_and_nothing_else(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("")
    fetched(httpserver.url_for("/"))
    headers = dict(httpserver.log[0][0].headers)
    assert headers.pop("User-Agent").startswith("crisp-connector/")
    assert headers == {"Host": f"localhost:{httpserver.port}", "Accept": "*/*", "Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        pytest.param("", None, id="empty"),
        pytest.param("inline", None, id="no name"),
        pytest.param("attachment; filename=list.csv", "list.csv", id="bare"),
        pytest.param('attachment; filename="Kunden Süd.csv"', "Kunden Süd.csv", id="raw UTF-8"),
        pytest.param(
            "attachment; filename=x.csv; filename*=UTF-8''Kunden%20S%C3%BCd.csv", "Kunden Süd.csv", id="RFC 6266"
        ),
        pytest.param('attachment; filename="../../etc/passwd"', "passwd", id="directories"),
        pytest.param("attachment; filename*=UTF-8''..%5C..%5Cboot.ini", "boot.ini", id="directories of Windows"),
        pytest.param("attachment; filename*=UTF-8''a%0D%0Ab%00%E2%80%AE.csv", "ab.csv", id="control characters"),
        pytest.param('attachment; filename="/"', None, id="only a slash"),
        pytest.param("attachment; filename=" + "a" * 1_000, "a" * 255, id="long"),
        pytest.param('attachment; filename="', None, id="not closed"),
        pytest.param(";;=;filename", None, id="nonsense"),
    ],
)
def test_the_name_of_the_file_is_one_that_can_be_shown(disposition: str, name: str | None) -> None:
    head = b"Content-Length: 0\r\nContent-Disposition: " + disposition.encode() + b"\r\n\r\n"
    with talking(saying(OK + head)) as port:
        assert fetched(f"http://127.0.0.1:{port}/")[0].name == name


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK + b"Content-Length: 31\r\n\r\n" + CSV, id="with its length"),
        pytest.param(OK + b"\r\n" + CSV, id="until the end of the connection"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(CSV[:9], CSV[9:]), id="in chunks"),
        pytest.param(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(CSV), id="compressed though not asked"),
        pytest.param(OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(CSV), id="deflated"),
        pytest.param(
            OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(gzip.compress(CSV)),
            id="compressed in chunks",
        ),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 31\r\n\r\n" + CSV, id="after an interim"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + CSV, id="HTTP/1.0"),
    ],
)
def test_a_body_is_read_however_it_is_sent(answer: bytes) -> None:
    with talking(saying(answer)) as port:
        found, body = fetched(f"http://127.0.0.1:{port}/", most=len(CSV))
    assert (found.size, body) == (len(CSV), CSV)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK + b"Content-Length: 1001\r\n\r\n", id="by its length"),
        pytest.param(OK + b"\r\n" + b"a" * 1_001, id="until the end of the connection"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"a" * 600, b"a" * 600), id="in chunks"),
        pytest.param(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a" * 50_000_000), id="inflated"),
        pytest.param(
            OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(b"a" * 50_000_000)),
            id="inflated twice",
        ),
    ],
)
def test_what_is_too_large_is_cut_off(answer: bytes) -> None:
    with talking(saying(answer)) as port, pytest.raises(TooLarge, match="larger than"):
        fetched(f"http://127.0.0.1:{port}/")


def test_what_cannot_be_written_is_the_callers_to_hear(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        Egress(frozenset({"127.0.0.1"})).fetch(httpserver.url_for("/"), full, most=1_000, seconds=5)


def test_an_ipv6_address_is_connected_to() -> None:
    try:
        server = HTTPServer("::1", 0)
        server.start()
    except OSError:
        pytest.skip("LEFT OUT: IPv6: this machine has none")
    with server:
        server.expect_request("/").respond_with_data(CSV)
        assert fetched(f"http://[0:0::1]:{server.port}/")[1] == CSV
        assert server.log[0][0].headers["Host"] == f"[::1]:{server.port}"


def test_nothing_stays_open(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    for _ in range(5):
        fetched(httpserver.url_for("/"))
        with pytest.raises(Failed):
            fetched(httpserver.url_for("/unknown"))
    assert _connected_to(httpserver.port) == 0


def _connected_to(port: int) -> int:
    """How many sockets of this process lead there (proc(5): local address, remote address, state, …, inode)."""
    lines = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    there = {f"socket:[{line[9]}]" for line in lines if int(line[2].rpartition(":")[2], 16) == port}
    return sum(os.readlink(each) in there for each in Path("/proc/self/fd").iterdir() if each.is_symlink())
