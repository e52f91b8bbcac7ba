"""Text and the small closed sets: blanks and placeholders, one-line addresses, gender, language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.convert import CONVERTERS, Given, Scalar
from connector.convert.text import address, clean, gender, is_placeholder, locale, said, text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("  Ada ", "Ada"),
        ("\u00a0Ada\u2003", "Ada"),
        ("\u200bA\u200bda\ufeff", "Ada"),
        ("A\u00adda", "Ada"),
        ("A\x00d\x07a\x7f", "Ada"),
        pytest.param("one\ntwo\tthree", "one\ntwo\tthree", id="line-breaks-and-tabs-inside-stay"),
        ("Šimić Ljekarna", "Šimić Ljekarna"),
        pytest.param("\u200dمی\u200cخواهم\u200c ", "می\u200cخواهم", id="persian-non-joiner-inside-stays"),
        pytest.param(" Ada 👩\u200d💻 ", "Ada 👩\u200d💻", id="joined-emoji-stays-one"),
        ("", ""),
    ],
)
def test_text_is_trimmed_of_what_cannot_be_seen(written: str, expected: str) -> None:
    assert clean(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (3, "3"),
        (3.0, "3"),
        (3.5, "3.5"),
        (-2.0, "-2"),
        (True, "true"),
        (False, "false"),
        pytest.param("3.0", "3.0", id="text-is-not-a-number"),
        pytest.param("00123", "00123", id="leading-zeros-stay"),
        pytest.param("=1+1", "=1+1", id="a-formula-is-text"),
    ],
)
def test_any_scalar_becomes_text(written: Scalar, expected: str) -> None:
    assert text(written, Given()) == expected


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "\u00a0", "\u200b", "null", "undefined", "N/A", "n/a", "-", "[object Object]", " null ", "NaN"),
        *("\x00", "N/A\x00", "\x07null\n"),
    ],
)
def test_what_tools_write_for_nothing_is_nothing(written: str) -> None:
    assert said(written) == ""


@pytest.mark.parametrize("written", ["0", "false", "no", "none given", "--", "Null Island", "N", "nullify", "."])
def test_what_looks_like_nothing_but_is_said(written: str) -> None:
    assert said(f" {written}\u200b") == written


@pytest.mark.parametrize("written", ["{{1.email}}", "{{ $json.email }}", "={{ $json.email }}", "={{\n$json.x\n}}"])
def test_a_template_left_unfilled_is_a_placeholder(written: str) -> None:
    assert is_placeholder(written)


@pytest.mark.parametrize("written", ["Dear {{name}}, hello", "{name}", "{{", "}}", "", "{{a}} b"])
def test_braces_in_a_text_are_no_placeholder(written: str) -> None:
    assert not is_placeholder(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("12 rue Crébillon\r\n44000 Nantes\r\nFrance", "12 rue Crébillon, 44000 Nantes, France"),
        ("1 High St\n\n  London ", "1 High St, London"),
        ("1 High St, London", "1 High St, London"),
        (12, "12"),
    ],
)
def test_an_address_is_one_line(written: Scalar, expected: str) -> None:
    assert address(written, Given()) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("m", "male"),
        ("Male", "male"),
        ("HOMME", "male"),
        ("Mann", "male"),
        ("männlich", "male"),
        ("https://schema.org/Male", "male"),
        ("f", "female"),
        ("w", "female"),
        ("Female", "female"),
        ("femme", "female"),
        ("Féminin", "female"),
        ("Frau", "female"),
        ("other", "other"),
        ("Non-binary", "other"),
        ("divers", "other"),
        ("Mr", None),
        ("Mme", None),
        ("1", None),
        (1, None),
        (True, None),
        ("", None),
    ],
)
def test_gender_is_one_of_three_or_nothing(written: Scalar, expected: str | None) -> None:
    assert gender(written, Given()) == expected


def test_an_unknown_gender_is_dropped_without_a_note() -> None:
    assert CONVERTERS["gender"].dropped is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("fr", "fr"),
        ("FR", "fr"),
        ("fr-FR", "fr"),
        ("nl_NL", "nl"),
        ("zh-Hant-TW", "zh"),
        ("gsw-CH", "gsw"),
        (" en ", "en"),
        ("French", None),
        ("f", None),
        ("12", None),
        ("fr,en", None),
        (12, None),
        (True, None),
    ],
)
def test_a_locale_is_its_primary_language(written: Scalar, expected: str | None) -> None:
    assert locale(written, Given()) == expected


SCALARS = st.text(max_size=60) | st.integers() | st.floats() | st.booleans()


@pytest.mark.parametrize("name", CONVERTERS)
@given(value=SCALARS)
def test_every_converter_takes_any_scalar(name: str, value: Scalar) -> None:
    found = CONVERTERS[name].convert(value, Given("FR", "Europe/Paris"))
    assert found is None or isinstance(found, str | int)
