"""The way out with TLS: the certificate is checked against the host's name, though the address is pinned."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from time import monotonic

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connector.hooks.egress import Egress, Failed, Refused, Terms
from tests.security.conftest import PUBLIC, Dialled
from tests.security.talking import dripping, talking


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def authorities(authority: trustme.CA, tmp_path: Path) -> str:
    """The file of the authority that is trusted."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@dataclass
class Shop:
    """A server whose certificate is that of shop.example. `asked_for`: the names that clients said in the handshake."""

    server: HTTPServer
    asked_for: list[str | None] = field(default_factory=list)


@pytest.fixture(scope="module")
def shop_opened(authority: trustme.CA) -> Iterator[Shop]:
    context = certified(authority, "shop.example")
    with HTTPServer(port=0, ssl_context=context) as server:
        shop = Shop(server)
        context.sni_callback = lambda _socket, name, _context: shop.asked_for.append(name)
        yield shop


@pytest.fixture
def shop(shop_opened: Shop, dialled: Dialled) -> Shop:
    """It is reached at the address PUBLIC."""
    shop_opened.server.clear()
    shop_opened.asked_for.clear()
    shop_opened.server.expect_request("/").respond_with_data("email\n")
    dialled.leads[PUBLIC] = shop_opened.server.port
    return shop_opened


def certified(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def fetch(url: str, authorities: str | None, *, seconds: float = 5) -> int:
    egress = Egress(resolve=lambda *_: [PUBLIC], terms=Terms(authorities=authorities))
    return egress.fetch(url, BytesIO(), most=1_000, seconds=seconds).size


def test_the_name_stays_in_handshake_and_host_while_the_address_is_pinned(
    shop: Shop, authorities: str, dialled: Dialled
) -> None:
    assert fetch("https://Shop.Example./", authorities) == 6
    assert dialled.addresses == [PUBLIC]
    assert shop.asked_for == ["shop.example"]
    assert shop.server.log[0][0].headers["Host"] == "shop.example"


@pytest.mark.parametrize("host", ["other.example", "sub.shop.example", PUBLIC])
def test_a_certificate_of_another_name_is_not_accepted(shop: Shop, authorities: str, host: str) -> None:
    with pytest.raises(Failed, match="no certificate"):
        fetch(f"https://{host}/", authorities)
    assert shop.server.log == []


def test_a_certificate_of_an_unknown_authority_is_not_accepted(shop: Shop) -> None:
    with pytest.raises(Failed, match="no certificate"):
        fetch("https://shop.example/", None)
    assert shop.server.log == []


def test_an_address_may_have_a_certificate_too(authority: trustme.CA, authorities: str, dialled: Dialled) -> None:
    with HTTPServer(port=0, ssl_context=certified(authority, PUBLIC)) as server:
        server.expect_request("/").respond_with_data("email\n")
        dialled.leads[PUBLIC] = server.port
        assert fetch(f"https://{PUBLIC}/", authorities) == 6


def test_a_directory_without_authorities_trusts_nobody(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="no certificate"):
        fetch("https://shop.example/", str(tmp_path))


def test_a_redirect_does_not_leave_tls(shop: Shop, authorities: str, dialled: Dialled) -> None:
    shop.server.expect_request("/old").respond_with_response(Response("", 301, {"Location": "http://shop.example/"}))
    egress = Egress(resolve=lambda *_: [PUBLIC], allow_http=True, terms=Terms(authorities=authorities))
    with pytest.raises(Refused, match="from https to http"):
        egress.fetch("https://shop.example/old", BytesIO(), most=1_000, seconds=5)
    assert dialled.addresses == [PUBLIC]


def test_the_whole_time_counts_with_tls_too(authority: trustme.CA, authorities: str, dialled: Dialled) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
    for talk in (dripping(b"", b"H"), dripping(head, b"a"), dripping(head[:17] + b"\r\n", b"a")):
        with talking(talk, certified(authority, "shop.example")) as port:
            dialled.leads[PUBLIC] = port
            with pytest.raises(Failed, match=r"longer than 0\.5 seconds"):
                fetch("https://shop.example/", authorities, seconds=0.5)


def test_a_handshake_that_hangs_is_not_waited_for(authorities: str, dialled: Dialled) -> None:
    began = monotonic()
    with talking(dripping(b"", b"")) as port:
        dialled.leads[PUBLIC] = port
        with pytest.raises(Failed):
            fetch("https://shop.example/", authorities, seconds=0.4)
    assert monotonic() - began < 3


def test_who_speaks_no_tls_is_not_spoken_to(outside: HTTPServer, authorities: str) -> None:
    with pytest.raises(Failed, match="no certificate"):
        fetch("https://shop.example/", authorities)
    assert outside.log == []
