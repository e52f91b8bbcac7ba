"""Custom data: keys that Crisp takes, and values that it takes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.convert.keys import data_key, data_value
from connector.mapping.layout import data_slot


@pytest.mark.parametrize("key", ["user_id", "lifetime-value", "ltv", "AppVersionCode", "0", "_", "k" * 128])
def test_a_valid_key_stays_as_it_is(key: str) -> None:
    assert data_slot("a", key) == ("a", key, key, False)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Company Name", "company_name"),
        ("$ltv", "ltv"),
        ("is_subscribed?", "is_subscribed"),
        ("Téléphone 2", "telephone_2"),
        ("Straße", "strasse"),
        ("a.b.c", "a_b_c"),
        ("  plan  ", "plan"),
        ("a / b", "a_b"),
        ("日本 plan", "plan"),
        ("k" * 300, "k" * 128),
        ("k" * 127 + " tail", "k" * 127),
    ],
)
def test_another_key_becomes_the_nearest_that_crisp_takes(written: str, key: str) -> None:
    assert data_slot("a", written) == ("a", written, key, True)


@pytest.mark.parametrize("written", ["", "  ", "日本", "!?", "___!", "👍"])
def test_nothing_is_left_of_some_keys(written: str) -> None:
    assert data_key(written) is None


@given(st.text(max_size=200))
def test_a_key_is_valid_or_none_and_settled(written: str) -> None:
    key = data_key(written)
    assert key is None or (re.fullmatch(r"[A-Za-z0-9_-]{1,128}", key) and data_key(key) == key)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pro", "pro"),
        (" pro\u00a0", "pro"),
        ("3.0", "3.0"),
        (3, 3),
        (3.0, 3),
        (3.5, 3.5),
        (True, True),
        (False, False),
        (0, 0),
        (["a", "b", 3, 2.0], "a, b, 3, 2"),
        ({"a": 1}, None),
        ([{"a": 1}], None),
        (["a", None], None),
        (None, None),
    ],
)
def test_values_are_text_numbers_and_booleans(value: object, expected: object) -> None:
    found = data_value(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), [float("inf")]])
def test_a_number_that_json_does_not_have_is_no_value(value: object) -> None:
    assert data_value(value) is None
