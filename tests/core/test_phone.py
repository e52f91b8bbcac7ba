"""Phone numbers become E.164; what cannot be dialled from abroad is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.convert import Given, Scalar
from connector.convert.phone import phone


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        pytest.param("+33 6 39 98 56 12", None, "+33639985612", id="international"),
        pytest.param("0033639985612", None, "+33639985612", id="00-is-plus"),
        pytest.param("+1 213-555-0158", "FR", "+12135550158", id="plus-beats-the-country"),
        pytest.param("tel:+1-202-555-0186", None, "+12025550186", id="tel-scheme"),
        pytest.param("TEL: +1-202-555-0186", None, "+12025550186", id="tel-scheme-in-capitals"),
        pytest.param("'+12125550118", None, "+12125550118", id="spreadsheet-apostrophe"),
        pytest.param("+1 202 555 0186 ext. 12", None, "+12025550186", id="extension-dropped"),
        pytest.param("+12025550186x12", None, "+12025550186", id="short-extension-dropped"),
        pytest.param("\u00a0+33 6 39 98 56 12\u200b", None, "+33639985612", id="invisible-characters"),
        pytest.param("06 39 98 56 12", "FR", "+33639985612", id="national-with-country"),
        pytest.param("020 808 0123", "NL", "+31208080123", id="national-trunk-zero"),
        pytest.param("(202) 555-0171", "US", "+12025550171", id="national-american"),
        pytest.param("0171 3920012", "DE", "+491713920012", id="national-german"),
        pytest.param("33639985612", "FR", "+33639985612", id="digits-with-the-country-code-in-them"),
        pytest.param(33639985612, "FR", "+33639985612", id="json-number"),
        pytest.param(33639985612.0, "FR", "+33639985612", id="json-float"),
        pytest.param("+44 7700 900123", None, "+447700900123", id="reserved-for-fiction-is-possible"),
        pytest.param("+44 1632 960123", None, "+441632960123", id="reserved-landline-is-possible"),
        pytest.param("+61 491 570 156", None, "+61491570156", id="australian"),
    ],
)
def test_numbers_become_e164(written: Scalar, country: str | None, expected: str) -> None:
    assert phone(written, Given(country)) == expected


@pytest.mark.parametrize(
    ("written", "country"),
    [
        pytest.param("06 39 98 56 12", None, id="national-without-country"),
        pytest.param("33639985612", None, id="digits-without-country"),
        pytest.param(33639985612, None, id="json-number-without-country"),
        pytest.param("555-0199", "US", id="local-only"),
        pytest.param("3.36E+10", "FR", id="scientific-notation"),
        pytest.param("3,36E+10", "FR", id="scientific-notation-with-comma"),
        pytest.param("+33 6", None, id="too-short"),
        pytest.param("+33 6 39 98 56 12 34 56", None, id="too-long"),
        pytest.param("+999 123 456 789", None, id="no-such-country-code"),
        pytest.param("call reception", "GB", id="words"),
        pytest.param("", "FR", id="blank"),
        pytest.param("'", "FR", id="apostrophe-alone"),
        pytest.param("0", "FR", id="zero"),
        pytest.param(True, "FR", id="boolean"),
        pytest.param(3.5, "FR", id="fraction"),
        pytest.param(float("nan"), "FR", id="not-a-number"),
        pytest.param(float("inf"), "FR", id="infinite"),
        pytest.param("+33639985612" * 6, None, id="longer-than-any-number"),
    ],
)
def test_what_cannot_be_dialled_is_refused(written: Scalar, country: str | None) -> None:
    assert phone(written, Given(country)) is None


@given(st.text("+0123456789 ()-.xEe'", max_size=70) | st.text(max_size=70) | st.floats() | st.integers())
def test_any_scalar_gives_e164_or_nothing(written: Scalar) -> None:
    found = phone(written, Given("FR"))
    assert found is None or (found[0] == "+" and found[1:].isdecimal() and phone(found, Given()) == found)
