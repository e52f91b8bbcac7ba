"""Values: what sources do to those of their records."""

from typing import Any

import pytest

from connector.record import Value
from connector.sources.values import dial_abroad, flat, number, truth


def test_objects_inside_are_named_with_dots_and_what_has_no_plain_value_is_left_out() -> None:
    payload = {"a": 1, "b": {"c": None, "d": {"e": "x"}, "no": 1}, "l": ["x"], "m": [{"n": 1}], "e": {}, "no": 2}
    assert flat(payload, but=("no",)) == {"a": 1, "b.c": None, "b.d.e": "x", "l": ["x"]}
    assert flat({"a": {"b": 1}}, prefix="p.") == {"p.a.b": 1}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("4", 4),
        ("405.90", 405.9),
        ("-1.5", -1.5),
        (7, 7),
        (0.0, 0.0),
        ("", None),
        ("x", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("9" * 5000, None),
        (None, None),
        ([1], None),
    ],
)
def test_numbers(written: Any, read: Any) -> None:
    found = number(written)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1", True),
        ("0", False),
        (1, True),
        (0, False),
        (True, True),
        (" False ", False),
        ("", None),
        ("2", None),
        (None, None),
    ],
)
def test_truth(written: Any, read: bool | None) -> None:
    assert truth(written) is read


@pytest.mark.parametrize(
    ("values", "dialled"),
    [
        ({"a.phone": "01 99 00 56 78", "a.country": "FR"}, {}),
        ({"a.country": "FR", "b.phone": "030 23125 777", "b.country": "DE"}, {"b.phone": "+493023125777"}),
        ({"a.country": "FR", "b.phone": "030 23125 777", "b.country": "Germany"}, {"b.phone": "+493023125777"}),
        ({"a.country": "FR", "b.phone": "01 99 00 56 78", "b.country": "FR"}, {}),
        ({"a.country": "FR", "b.phone": "none", "b.country": "DE"}, {}),
        ({"a.country": "FR", "b.phone": "030 23125 777", "b.country": "XX"}, {}),
        ({"a.country": "", "b.phone": "030 23125 777", "b.country": "DE"}, {}),
        ({"a.country": 7, "b.phone": 30, "b.country": None}, {}),
    ],
)
def test_a_phone_of_another_country_than_its_records(values: dict[str, Value], dialled: dict[str, Value]) -> None:
    found = dict(values)
    dial_abroad(found, (("a.phone", "a.country"), ("b.phone", "b.country")))
    assert found == {**values, **dialled}
