"""Web addresses and domains: what lasts and is safe to click is kept, the rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.convert import Given, Scalar
from connector.convert.web import domain, url


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("https://ada.example.com", "https://ada.example.com"),
        ("http://ada.example.com/a?b=c#d", "http://ada.example.com/a?b=c#d"),
        ("HTTPS://Ada.example.com/A", "HTTPS://Ada.example.com/A"),
        ("ada.example", "https://ada.example"),
        ("www.ada.example/page", "https://www.ada.example/page"),
        ("//cdn.example.com/a.png", "https://cdn.example.com/a.png"),
        ("ada.example:8080/x", "https://ada.example:8080/x"),
        (" https://ada.example.com ", "https://ada.example.com"),
        ("bücher.example", "https://bücher.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://192.0.2.1/a", "https://192.0.2.1/a"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
    ],
)
def test_http_addresses_are_kept_and_bare_hosts_get_https(written: str, expected: str) -> None:
    assert url(written, Given()) == expected


REFUSED = [
    pytest.param("javascript:alert(1)", id="javascript"),
    pytest.param("JavaScript:alert(1)", id="javascript-in-capitals"),
    pytest.param("java\u200bscript:alert(1)", id="javascript-hidden"),
    pytest.param("data:image/png;base64,AAAA", id="data"),
    pytest.param("ftp://example.com/a", id="ftp"),
    pytest.param("file:///etc/passwd", id="file"),
    pytest.param("mailto:ada@example.com", id="mailto"),
    pytest.param("https://ada@evil.example/", id="user-name"),
    pytest.param("ada@example.com", id="email"),
    pytest.param("not a url", id="words"),
    pytest.param("https://exa mple.com", id="blank-inside"),
    pytest.param("https://", id="no-host"),
    pytest.param("https:///path", id="path-without-host"),
    pytest.param("localhost", id="no-dot"),
    pytest.param("https://example", id="no-top-level"),
    pytest.param("https://example.com:port/", id="port-in-letters"),
    pytest.param("https://example.com:99999/", id="port-out-of-range"),
    pytest.param("https://[::1", id="broken-bracket"),
    pytest.param("https://" + "a." * 130 + "example", id="host-too-long"),
    pytest.param("", id="blank"),
    pytest.param(12, id="number"),
    pytest.param(True, id="boolean"),
]


@pytest.mark.parametrize("written", REFUSED)
def test_everything_else_is_refused(written: Scalar) -> None:
    assert url(written, Given()) is None
    assert domain(written, Given()) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("www.BakkerBikes.example", "bakkerbikes.example"),
        ("https://www.analytical.example/about?x=1", "analytical.example"),
        ("analytical.example", "analytical.example"),
        ("http://analytical.example:8080", "analytical.example"),
        ("sub.analytical.example", "sub.analytical.example"),
        ("Bücher.example", "bücher.example"),
        ("wwww.analytical.example", "wwww.analytical.example"),
    ],
)
def test_a_domain_is_the_bare_host(written: str, expected: str) -> None:
    assert domain(written, Given()) == expected


@given(st.text(max_size=60) | st.text("htps:/.@[]%ab:1 \\", max_size=30))
def test_what_is_accepted_is_http_and_stays_the_same(written: str) -> None:
    found = url(written, Given())
    assert found is None or (found.lower().startswith(("http://", "https://")) and url(found, Given()) == found)
