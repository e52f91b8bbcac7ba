"""What the tests of the way out share: every connection that is made is seen, and some lead elsewhere."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from pytest_httpserver import HTTPServer

# Addresses that everybody can reach; in these tests nobody does.
PUBLIC, PUBLIC_TOO = "93.184.215.14", "8.8.4.4"


@dataclass
class Dialled:
    """`addresses`: what was connected to, in order. `leads`: address → port of this machine where it is answered; what
    is not named there refuses the connection."""

    addresses: list[str] = field(default_factory=list)
    leads: dict[str, int] = field(default_factory=dict)


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Dialled:
    """Every socket of the test's thread that connects is counted, and connects only where the test says."""
    seen, connect, mine = Dialled(), socket.socket.connect, threading.get_ident()

    def instead(self: socket.socket, address: tuple[str, int]) -> None:
        if threading.get_ident() != mine:  # a thread that a test of before has left
            return connect(self, address)
        seen.addresses.append(address[0])
        if address[0] not in seen.leads:
            raise ConnectionRefusedError
        return connect(self, ("127.0.0.1", seen.leads[address[0]]))

    monkeypatch.setattr(socket.socket, "connect", instead)
    monkeypatch.setattr(socket.socket, "connect_ex", instead)
    return seen


@pytest.fixture(scope="session")
def victim_server() -> Iterator[HTTPServer]:
    """A server of these tests alone: the shared one may still be asked by what another test has left running."""
    with HTTPServer(port=0) as server:
        yield server


@pytest.fixture
def victim(victim_server: HTTPServer) -> Iterator[HTTPServer]:
    """A server on this machine that would answer everybody, and must not be asked."""
    victim_server.clear()
    victim_server.expect_request("").respond_with_data("inside")
    yield victim_server
    assert victim_server.log == []


@pytest.fixture(scope="session")
def outside_server() -> Iterator[HTTPServer]:
    """A second server."""
    with HTTPServer(port=0) as server:
        yield server


@pytest.fixture
def outside(outside_server: HTTPServer, dialled: Dialled) -> HTTPServer:
    """A server that stands for one on the internet, at the address PUBLIC."""
    outside_server.clear()
    dialled.leads[PUBLIC] = outside_server.port
    return outside_server
