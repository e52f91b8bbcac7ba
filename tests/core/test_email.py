"""Email addresses: what a cell may hold, what is an address, and the one form that identifies a person."""

import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from connector.convert.email import addresses, email

LONG_LOCAL = "a" * 64
# 64 + @ + 189 = 254 characters, the most that an address may have.
LONGEST = f"{LONG_LOCAL}@{'b' * 60}.{'c' * 60}.{'d' * 59}.example"


def found(cell: str) -> list[str]:
    """The valid addresses of a cell, in order."""
    return [address for written in addresses(cell) if (address := email(written))]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("ada@example.com", ["ada@example.com"], id="plain"),
        pytest.param(" Noor.Bakker@Example.NL", ["noor.bakker@example.nl"], id="lower-case-of-all"),
        pytest.param("\u00a0ada@example.com\u200b", ["ada@example.com"], id="no-break-and-zero-width"),
        pytest.param("mailto:Ada@example.com", ["ada@example.com"], id="mailto"),
        pytest.param("MAILTO:ada@example.com?subject=Hello", ["ada@example.com"], id="mailto-with-subject"),
        pytest.param("Ada Lovelace <ada@example.com>", ["ada@example.com"], id="name-and-brackets"),
        pytest.param('"Lovelace, Ada" <ada@example.com>', ["ada@example.com"], id="quoted-name-with-comma"),
        pytest.param("Ada <mailto:ada@example.com>", ["ada@example.com"], id="mailto-in-brackets"),
        pytest.param("'ada@example.com'", ["ada@example.com"], id="single-quotes"),
        pytest.param("“ada@example.com”", ["ada@example.com"], id="curly-quotes"),
        pytest.param("ada@example.com,bob@example.com", ["ada@example.com", "bob@example.com"], id="comma"),
        pytest.param("ada@example.com; bob@example.com", ["ada@example.com", "bob@example.com"], id="semicolon"),
        pytest.param("ada@example.com\nbob@example.com", ["ada@example.com", "bob@example.com"], id="line-break"),
        pytest.param("ada@example.com bob@example.com", ["ada@example.com", "bob@example.com"], id="space"),
        pytest.param("ada@example.com ::: bob@example.com", ["ada@example.com", "bob@example.com"], id="three-colons"),
        pytest.param(
            "A <ada@example.com>, B <bob@example.com>", ["ada@example.com", "bob@example.com"], id="two-named"
        ),
        pytest.param("none, ada@example.com", ["ada@example.com"], id="first-valid-of-several"),
        pytest.param("o'brien+news@example.com", ["o'brien+news@example.com"], id="apostrophe-and-plus-kept"),
        pytest.param("", [], id="blank"),
        pytest.param("not given", [], id="words"),
        pytest.param("jean dupont@example.com", [], id="typing-mistake-is-not-somebody-else"),
        pytest.param("my mail is bob@example.com", [], id="sentence"),
        pytest.param("bob @example.com", [], id="space-before-the-sign"),
    ],
)
def test_a_cell_gives_its_addresses_in_order(cell: str, expected: list[str]) -> None:
    assert found(cell) == expected


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        pytest.param("ada@bücher.example", "ada@bücher.example", id="unicode-domain-kept"),
        pytest.param("ada@xn--bcher-kva.example", "ada@bücher.example", id="punycode-decoded"),
        pytest.param("ADA@XN--BCHER-KVA.EXAMPLE", "ada@bücher.example", id="punycode-in-capitals"),
        pytest.param("Ada@BÜCHER.example", "ada@bücher.example", id="unicode-domain-lower-case"),
        pytest.param("JÜRGEN@example.com", "jürgen@example.com", id="unicode-local-lower-case"),
        pytest.param("ju\u0308rgen@example.com", "jürgen@example.com", id="composed-NFC"),
        pytest.param("ada@sub.domain.example", "ada@sub.domain.example", id="documentation-domain-is-valid"),
        pytest.param(f"{LONG_LOCAL}@example.com", f"{LONG_LOCAL}@example.com", id="local-part-of-64"),
        pytest.param(LONGEST, LONGEST, id="254-characters"),
    ],
)
def test_one_person_has_one_form(written: str, canonical: str) -> None:
    assert email(written) == canonical
    assert unicodedata.is_normalized("NFC", canonical)


@pytest.mark.parametrize(
    "written",
    [
        "ada",
        "ada@",
        "@example.com",
        "b@@example.com",
        "ada@example",
        "ada@localhost",
        "ada@printer.local",
        "ada@shop.test",
        "ada@shop.invalid",
        "ada@site.onion",
        "ada..b@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "ada@-example.com",
        "ada@exa_mple.com",
        "ada@example..com",
        "ada@192.0.2.1",
        "ada@[192.0.2.1]",
        "ada b@example.com",
        "ada\x00@example.com",
        "{{1.email}}",
        pytest.param("x" + LONGEST, id="255-characters"),
        pytest.param("a" * 288 + "@example.com", id="300-characters"),
        pytest.param("ada@" + "b" * 64 + ".example", id="label-of-64"),
        pytest.param("é" * 400 + "@example.com", id="very-long-unicode"),
    ],
)
def test_what_is_no_address(written: str) -> None:
    assert email(written) is None


DOMAINS = st.sampled_from(["example.com", "Example.CO.uk", "bücher.example", "xn--bcher-kva.example", "x.test", "a..b"])
LOCALS = st.text(st.characters(codec="utf-8"), max_size=70)
ADDRESSES = st.builds("{}@{}".format, LOCALS | st.from_regex(r"[!-~]{1,70}", fullmatch=True), DOMAINS)


@given(ADDRESSES)
@example("a" * 64 + "@example.com")
@example("a@" + "b." * 125 + "com")
def test_an_address_is_valid_exactly_when_the_library_says_so(written: str) -> None:
    try:
        expected: str | None = validate_email(written, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        expected = None
    assert email(written) == expected


@given(ADDRESSES)
def test_the_canonical_form_is_its_own_canonical_form(written: str) -> None:
    canonical = email(written)
    assert canonical is None or email(canonical) == canonical


@given(st.text(max_size=400) | st.text("@<>,; a.\"'\n", max_size=400))
def test_any_cell_can_be_read(cell: str) -> None:
    assert all(address.count("@") >= 1 for address in found(cell))
