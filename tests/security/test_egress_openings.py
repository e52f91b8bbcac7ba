"""What the operator opened although it is private, and a name's several addresses."""

from io import BytesIO

import pytest
from pytest_httpserver import HTTPServer

from connector.hooks.egress import Egress, Failed, Refused
from tests.security.conftest import PUBLIC, PUBLIC_TOO, Dialled
from tests.security.fetching import CSV
from tests.security.talking import saying, talking


@pytest.mark.parametrize(
    "entry", ["localhost:{port}", "LOCALHOST.:{port}", "localhost", "127.0.0.1", "127.0.0.0/8", "127.0.0.5/8"]
)
def test_what_the_operator_opened_is_contacted(entry: str, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(CSV)
    allow = frozenset({entry.replace("{port}", str(httpserver.port))})
    found = Egress(allow).fetch(httpserver.url_for("/"), BytesIO(), most=1_000, seconds=5)
    assert found.size == len(CSV)


@pytest.mark.parametrize("entry", ["localhost:1", "127.0.0.1:{port}", "ocalhost:{port}", "10.0.0.0/8", "::/0"])
def test_nothing_beside_what_the_operator_opened_is_contacted(entry: str, victim: HTTPServer) -> None:
    allow = frozenset({entry.replace("{port}", str(victim.port))})
    with pytest.raises(Refused):
        Egress(allow, allow_http=True).check(f"http://localhost:{victim.port}/")


def test_one_opened_address_does_not_open_the_others_of_a_name(dialled: Dialled) -> None:
    egress = Egress(frozenset({"10.0.0.0/8"}), resolve=lambda *_: ["10.0.0.1", "192.168.0.1"])
    with pytest.raises(Refused):
        egress.check("https://inside.example/")
    Egress(frozenset({"10.0.0.0/8"}), resolve=lambda *_: ["10.0.0.1", PUBLIC]).check("https://inside.example/")
    assert dialled.addresses == []


@pytest.mark.parametrize(
    "entry", ["", "http://localhost", "a b", "localhost:port", "10.0.0.0/99", "a/b", "127.1:80", "u@h"]
)
def test_an_opening_that_says_nothing_is_told_at_once(entry: str) -> None:
    with pytest.raises(ValueError, match="neither host:port"):
        Egress(frozenset({entry}))


def test_the_next_address_is_tried_when_one_does_not_answer(dialled: Dialled, outside: HTTPServer) -> None:
    outside.expect_request("/").respond_with_data(CSV)
    egress = Egress(resolve=lambda *_: [PUBLIC_TOO, PUBLIC, PUBLIC_TOO], allow_http=True)
    assert egress.fetch("http://shop.example/", BytesIO(), most=1_000, seconds=5).size == len(CSV)
    assert dialled.addresses == [PUBLIC_TOO, PUBLIC]


def test_only_some_of_many_addresses_are_tried(dialled: Dialled) -> None:
    egress = Egress(resolve=lambda *_: [PUBLIC] * 1_000)
    with pytest.raises(Failed, match="cannot be connected to"):
        egress.post("https://shop.example/", b"", {}, seconds=5, most=1)
    assert len(dialled.addresses) == 4


def test_what_was_once_connected_is_not_sent_to_the_next_address(dialled: Dialled) -> None:
    with talking(saying()) as port:
        dialled.leads.update({PUBLIC: port, PUBLIC_TOO: port})
        egress = Egress(resolve=lambda *_: [PUBLIC, PUBLIC_TOO], allow_http=True)
        with pytest.raises(Failed, match="broke off"):
            egress.post("http://shop.example/", b"", {}, seconds=5, most=1)
    assert dialled.addresses == [PUBLIC]
