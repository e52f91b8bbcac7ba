"""Promise 17: no request to where it must not go. Nothing is reached and no socket connects, whatever is written,
whatever a name resolves to, wherever a redirect leads; for files that are fetched and for hooks that are posted."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connector.hooks.egress import Egress, Failed, Refused
from tests.security.conftest import PUBLIC, PUBLIC_TOO, Dialled
from tests.security.talking import redirecting, talking

Way = Callable[[Egress, str], object]


def fetch(egress: Egress, url: str) -> object:
    return egress.fetch(url, BytesIO(), most=1_000, seconds=5)


def post(egress: Egress, url: str) -> object:
    return egress.post(url, b"{}", {}, seconds=5, most=1_000)


def check(egress: Egress, url: str) -> object:
    egress.check(url)
    return None


@pytest.fixture(params=[fetch, post, check], ids=lambda each: each.__name__)
def way(request: pytest.FixtureRequest) -> Way:
    """To fetch a file, to post to a subscriber, and to check a subscriber's address."""
    chosen: Way = request.param
    return chosen


def answering(*answers: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """A resolver that gives these answers one after the other, and fails the test when it is asked once more."""
    following = iter(answers)
    return lambda host, port: next(following)


def at(address: str, port: int, scheme: str = "http") -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{scheme}://{host}:{port}/inside"


NOT_PUBLIC = [
    ("loopback", "127.0.0.1"),
    ("loopback, another", "127.8.9.10"),
    ("loopback v6", "::1"),
    ("unspecified", "0.0.0.0"),
    ("unspecified v6", "::"),
    ("this network", "0.1.2.3"),
    ("private 10", "10.0.0.1"),
    ("private 172, first", "172.16.0.0"),
    ("private 172, last", "172.31.255.255"),
    ("private 192", "192.168.1.1"),
    ("private v6", "fd12:3456:789a::1"),
    ("site-local v6", "fec0::1"),
    ("CGNAT, first", "100.64.0.0"),
    ("CGNAT, last", "100.127.255.255"),
    ("link-local", "169.254.0.1"),
    ("link-local v6", "fe80::1"),
    ("metadata", "169.254.169.254"),
    ("metadata v6", "fd00:ec2::254"),
    ("metadata of Alibaba", "100.100.100.200"),
    ("metadata of Oracle", "192.0.0.192"),
    ("platform of Azure", "168.63.129.16"),
    ("IPv4-mapped loopback", "::ffff:127.0.0.1"),
    ("IPv4-mapped metadata", "::ffff:a9fe:a9fe"),
    ("IPv4-mapped public", "::ffff:93.184.215.14"),
    ("IPv4-translated", "::ffff:0:127.0.0.1"),
    ("IPv4-compatible", "::127.0.0.1"),
    ("IPv4-compatible private", "::a00:1"),
    ("NAT64", "64:ff9b::7f00:1"),
    ("NAT64, local use", "64:ff9b:1::a9fe:a9fe"),
    ("6to4", "2002:7f00:1::"),
    ("6to4 of a private one", "2002:a00:1::1"),
    ("6to4 relay", "192.88.99.1"),
    ("Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    ("ORCHID", "2001:10::1"),
    ("ORCHID 2", "2001:20::1"),
    ("benchmarks", "198.18.0.1"),
    ("benchmarks, last", "198.19.255.255"),
    ("benchmarks v6", "2001:2::1"),
    ("documentation 1", "192.0.2.1"),
    ("documentation 2", "198.51.100.1"),
    ("documentation 3", "203.0.113.1"),
    ("documentation v6", "2001:db8::1"),
    ("documentation v6, newer", "3fff::1"),
    ("discard v6", "100::1"),
    ("segment routing v6", "5f00::1"),
    ("given back v6", "3ffe::1"),
    ("multicast", "224.0.0.1"),
    ("multicast, last", "239.255.255.255"),
    ("multicast v6", "ff02::1"),
    ("multicast v6, global", "ff0e::1"),
    ("reserved", "240.0.0.1"),
    ("broadcast", "255.255.255.255"),
]
not_public = pytest.mark.parametrize("address", [pytest.param(address, id=name) for name, address in NOT_PUBLIC])


@not_public
def test_an_address_that_is_not_public_is_refused(way: Way, address: str, dialled: Dialled, victim: HTTPServer) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(Refused, match="private or reserved"):
            way(Egress(allow_http=True), at(address, victim.port, scheme))
    assert dialled.addresses == []


@not_public
def test_a_name_of_an_address_that_is_not_public_is_refused(
    way: Way, address: str, dialled: Dialled, victim: HTTPServer
) -> None:
    egress = Egress(resolve=answering([address]), allow_http=True)
    with pytest.raises(Refused, match="private or reserved"):
        way(egress, at("shop.example", victim.port))
    assert dialled.addresses == []


@not_public
def test_a_name_of_which_one_address_is_not_public_is_refused(
    way: Way, address: str, dialled: Dialled, victim: HTTPServer
) -> None:
    egress = Egress(resolve=answering([PUBLIC, address, PUBLIC_TOO]), allow_http=True)
    with pytest.raises(Refused, match="private or reserved"):
        way(egress, at("shop.example", victim.port))
    assert dialled.addresses == []


@not_public
def test_a_redirect_to_an_address_that_is_not_public_is_refused(
    address: str, dialled: Dialled, victim: HTTPServer, outside: HTTPServer
) -> None:
    outside.expect_request("/").respond_with_response(Response("", 302, {"Location": at(address, victim.port)}))
    with pytest.raises(Refused, match="private or reserved"):
        fetch(Egress(resolve=answering([PUBLIC]), allow_http=True), "http://shop.example:8080/")
    assert dialled.addresses == [PUBLIC]


FORMS = [
    ("name of this machine", "http://localhost:{port}/"),
    ("name of this machine, in capitals", "http://LOCALHOST:{port}/"),
    ("name of this machine, trailing dot", "http://localhost.:{port}/"),
    ("trailing dot", "http://127.0.0.1.:{port}/"),
    ("decimal", "http://2130706433:{port}/"),
    ("decimal, too large", "http://4425673729:{port}/"),
    ("decimal, trailing dot", "http://2130706433.:{port}/"),
    ("hexadecimal", "http://0x7f000001:{port}/"),
    ("hexadecimal in capitals", "http://0X7F000001:{port}/"),
    ("hexadecimal parts", "http://0x7f.0x0.0x0.0x1:{port}/"),
    ("octal", "http://017700000001:{port}/"),
    ("octal parts", "http://0177.0.0.01:{port}/"),
    ("leading zeros", "http://127.000.000.001:{port}/"),
    ("mixed parts", "http://0x7f.0.0.1:{port}/"),
    ("short", "http://127.1:{port}/"),
    ("shorter", "http://127.0.1:{port}/"),
    ("shortest", "http://0:{port}/"),
    ("empty hexadecimal", "http://0x:{port}/"),
    ("public address in decimal", "http://1572394766:{port}/"),
    ("full-width digits", "http://１２７.０.０.１:{port}/"),
    ("full-width decimal", "http://２１３０７０６４３３:{port}/"),
    ("circled digits", "http://①②⑦.⓪.⓪.①:{port}/"),
    ("ideographic full stops", "http://127。0。0。1:{port}/"),
    ("soft hyphen inside", "http://127.0.0\u00ad.1:{port}/"),
    ("full-width name", "http://ｌｏｃａｌｈｏｓｔ:{port}/"),
    ("percent-encoded", "http://%31%32%37.0.0.1:{port}/"),
    ("IPv4-mapped, dotted", "http://[::ffff:127.0.0.1]:{port}/"),
    ("v6 written out", "http://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/"),
    ("v6 with a zone", "http://[fe80::1%25lo]:{port}/"),
    ("v6 of a future version", "http://[v1.127.0.0.1]:{port}/"),
    ("v6 without its bracket", "http://[::1:{port}/"),
    ("user", "http://shop.example@127.0.0.1:{port}/"),
    ("user and password", "http://shop.example:443@127.0.0.1:{port}/"),
    ("empty user", "http://@127.0.0.1:{port}/"),
    ("user, host after a hash", "http://127.0.0.1:{port}#@shop.example/"),
    ("user, full-width @", "http://shop.example＠127.0.0.1:{port}/"),
    ("user at a public address", f"https://ada:secret@{PUBLIC}/"),
    ("backslash before @", "http://shop.example\\@127.0.0.1:{port}/"),
    ("backslashes for slashes", "http:\\\\127.0.0.1:{port}\\"),
    ("backslash at a public address", f"https://{PUBLIC}/\\inside"),
    ("control character at a public address", f"https://{PUBLIC}/\x7f"),
    ("tab inside", "http://127.0.0\t.1:{port}/"),
    ("line breaks inside", "http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
    ("NUL inside", "http://shop.example\0.127.0.0.1:{port}/"),
    ("half a character", "http://127.0.0.1:{port}/\ud800"),
    ("space inside", "http://127.0.0.1 .shop.example:{port}/"),
    ("no host", "http:///127.0.0.1:{port}/"),
    ("no host but a port", "http://:{port}/"),
    ("only a dot", "http://.:{port}/"),
    ("no slashes", "http:127.0.0.1:{port}/"),
    ("no scheme", "//127.0.0.1:{port}/"),
    ("nothing", ""),
    ("a word", "localhost"),
    ("far too long", "http://127.0.0.1:{port}/" + "a" * 10_000),
    ("port of SSH", f"https://{PUBLIC}:22/"),
    ("port of mail", f"https://{PUBLIC}:25/"),
    ("port 0", f"https://{PUBLIC}:0/"),
    ("port out of range", f"https://{PUBLIC}:65979/"),
    ("port in words", f"https://{PUBLIC}:https/"),
    ("file", "file:///etc/passwd"),
    ("file with a host", "file://127.0.0.1:{port}/etc/passwd"),
    ("gopher", "gopher://127.0.0.1:{port}/_GET%20/"),
    ("ftp", "ftp://127.0.0.1:{port}/"),
    ("dict", "dict://127.0.0.1:{port}/"),
    ("ldap", "ldap://127.0.0.1:{port}/"),
    ("data", "data:text/csv,email"),
    ("javascript", "javascript:alert(1)"),
    ("unix socket", "http+unix://%2Fvar%2Frun%2Fdocker.sock/"),
    ("jar", "jar:http://127.0.0.1:{port}/!/"),
]
forms = pytest.mark.parametrize("written", [pytest.param(written, id=name) for name, written in FORMS])


@forms
def test_whatever_the_form_it_is_refused(way: Way, written: str, dialled: Dialled, victim: HTTPServer) -> None:
    with pytest.raises(Refused):
        way(Egress(allow_http=True), written.replace("{port}", str(victim.port)))
    assert dialled.addresses == []


# A redirect may be relative: these lead back to where they come from, or cannot be sent in a header.
NO_REDIRECT = (
    "nothing",
    "a word",
    "no host",
    "no slashes",
    "no scheme",
    "line breaks inside",
    "NUL inside",
    "half a character",
)


@pytest.mark.parametrize(
    "written", [pytest.param(written, id=name) for name, written in FORMS if name not in NO_REDIRECT]
)
def test_whatever_the_form_a_redirect_to_it_is_refused(written: str, dialled: Dialled, victim: HTTPServer) -> None:
    with talking(redirecting(written.replace("{port}", str(victim.port)))) as port:
        dialled.leads[PUBLIC] = port
        with pytest.raises(Refused):
            fetch(Egress(allow_http=True), f"http://{PUBLIC}:8080/")
    assert dialled.addresses == [PUBLIC]


def test_without_tls_nothing_is_contacted_unless_the_operator_says_so(way: Way, dialled: Dialled) -> None:
    with pytest.raises(Refused, match="https://"):
        way(Egress(resolve=answering([PUBLIC])), "http://shop.example/")
    assert dialled.addresses == []


def test_a_resolver_that_changes_its_mind_is_not_asked_again(
    dialled: Dialled, victim: HTTPServer, outside: HTTPServer
) -> None:
    outside.expect_request("/list.csv").respond_with_data("email\n")
    egress = Egress(resolve=answering([PUBLIC], ["127.0.0.1"]), allow_http=True)
    fetch(egress, f"http://shop.example:{victim.port}/list.csv")
    assert dialled.addresses == [PUBLIC]
    assert [request.headers["Host"] for request, _ in outside.log] == [f"shop.example:{victim.port}"]


def test_a_resolver_that_changes_its_mind_during_a_redirect_is_refused(
    dialled: Dialled, victim: HTTPServer, outside: HTTPServer
) -> None:
    outside.expect_request("/list.csv").respond_with_response(Response("", 302, {"Location": "/inside"}))
    egress = Egress(resolve=answering([PUBLIC], ["127.0.0.1"]), allow_http=True)
    with pytest.raises(Refused, match="private or reserved"):
        fetch(egress, f"http://shop.example:{victim.port}/list.csv")
    assert dialled.addresses == [PUBLIC]


def test_a_subscriber_that_redirects_is_not_followed(dialled: Dialled, victim: HTTPServer, outside: HTTPServer) -> None:
    outside.expect_request("/").respond_with_response(Response("", 307, {"Location": victim.url_for("/")}))
    answer = Egress(allow_http=True).post(f"http://{PUBLIC}:8080/", b"{}", {}, seconds=5, most=100)
    assert answer.status == 307
    assert dialled.addresses == [PUBLIC]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_not_used(
    name: str, dialled: Dialled, victim: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, victim.url_for(""))
    for scheme in ("http", "https"):
        with pytest.raises(Failed):
            fetch(Egress(allow_http=True), f"{scheme}://{PUBLIC}/")
    assert set(dialled.addresses) == {PUBLIC}


def test_a_password_of_the_machine_is_not_sent(
    dialled: Dialled, outside: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login operator password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    outside.expect_request("/").respond_with_data("")
    fetch(Egress(allow_http=True), f"http://{PUBLIC}/")
    assert "Authorization" not in outside.log[0][0].headers


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC,
        PUBLIC_TOO,
        *("1.0.0.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"),
        *("168.63.129.15", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0"),
        *("192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"),
        *("2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700:4700::1111", "2a00:1450:4007::1"),
    ],
)
def test_what_is_public_is_connected_to_so_the_above_is_no_accident(address: str, dialled: Dialled) -> None:
    for url in (at(address, 443, "https"), at("shop.example", 443, "https")):
        with pytest.raises(Failed, match="cannot be connected to"):
            fetch(Egress(resolve=answering([address])), url)
    assert dialled.addresses == [address, address]
