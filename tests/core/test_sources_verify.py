"""Signatures of the sources: a true request passes, every forgery does not."""

from dataclasses import replace

import pytest

from connector.sources import Inbound, registry

from .contract import CASES, SOURCES

SIGNED = [
    pytest.param(source, secret, inbound, id=f"{source}-{index}")
    for source in SOURCES
    for index, (secret, inbound) in enumerate(CASES[source].signed)
]


def forged(inbound: Inbound, value: str) -> Inbound:
    """The request with this in the place of every credential."""
    return Inbound(dict.fromkeys(inbound.headers, value), {key: [value] for key in inbound.query}, inbound.body)


def credential(inbound: Inbound) -> str:
    """The signature or key that a request carries."""
    return [*inbound.headers.values(), *(value for values in inbound.query.values() for value in values)][0]


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_a_request_that_is_true(source: str) -> None:
    assert CASES[source].signed


@pytest.mark.parametrize(("source", "secret", "inbound"), SIGNED)
def test_a_true_request_passes(source: str, secret: str, inbound: Inbound) -> None:
    assert registry()[source].verify(inbound, secret) is True


@pytest.mark.parametrize(("source", "secret", "inbound"), SIGNED)
def test_another_secret_does_not(source: str, secret: str, inbound: Inbound) -> None:
    for other in (secret + "x", secret[:-1], secret.swapcase(), "é", "x"):
        assert not registry()[source].verify(inbound, other)


@pytest.mark.parametrize(("source", "secret", "inbound"), SIGNED)
def test_a_missing_credential_does_not(source: str, secret: str, inbound: Inbound) -> None:
    assert not registry()[source].verify(Inbound({}, {}, inbound.body), secret)


@pytest.mark.parametrize(("source", "secret", "inbound"), SIGNED)
def test_a_forged_credential_does_not(source: str, secret: str, inbound: Inbound) -> None:
    true = credential(inbound)
    flipped = true[:-1] + chr(ord(true[-1]) ^ 1)
    odd = ["", " ", "sha256=", "sha256", "é" * 64, "\udcff", "\ud800x", "0" * 64, true + "0", " " + true, true[7:]]
    for value in [flipped, *odd]:
        assert registry()[source].verify(forged(inbound, value), secret) is False, value


@pytest.mark.parametrize(("source", "secret", "inbound"), SIGNED)
def test_an_empty_secret_opens_nothing(source: str, secret: str, inbound: Inbound) -> None:
    assert not registry()[source].verify(forged(inbound, ""), "")


@pytest.mark.parametrize(("source", "secret", "inbound"), SIGNED)
def test_a_credential_twice_does_not(source: str, secret: str, inbound: Inbound) -> None:
    twice = {key: [*values, *values] for key, values in inbound.query.items()}
    assert not twice or not registry()[source].verify(replace(inbound, query=twice), secret)


@pytest.mark.parametrize(
    ("source", "secret", "inbound"), [case for case in SIGNED if CASES[str(case.values[0])].signs_body]
)
def test_another_body_does_not(source: str, secret: str, inbound: Inbound) -> None:
    for body in (inbound.body + b" x", b"", inbound.body[:-1], b"\xff\xfe", inbound.body.replace(b"e", b"f", 1)):
        assert not registry()[source].verify(replace(inbound, body=body), secret)
