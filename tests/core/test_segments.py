"""Segments: one list, in order, each name once, from lists and from text with separators."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.convert.segments import segments


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([["vip", "Gold Member"]], ("vip", "Gold Member"), id="a-list-is-taken-as-it-is"),
        pytest.param([["a,b", "c|d"]], ("a,b", "c|d"), id="a-list-is-not-split"),
        pytest.param(["vip|trial"], ("vip", "trial"), id="bar"),
        pytest.param(["vip, trial"], ("vip", "trial"), id="comma"),
        pytest.param(["vip|Gold Member, trial"], ("vip", "Gold Member", "trial"), id="bar-and-comma"),
        pytest.param(["Gold Member, VIP"], ("Gold Member", "VIP"), id="comma-keeps-blanks"),
        pytest.param(["Gold Member; VIP"], ("Gold Member", "VIP"), id="semicolon-alone"),
        pytest.param(["a;b, c"], ("a;b", "c"), id="semicolon-beside-a-comma-stays"),
        pytest.param(["vip trial"], ("vip", "trial"), id="white-space-when-nothing-else"),
        pytest.param(["vip\ntrial"], ("vip", "trial"), id="line-break"),
        pytest.param(['"VIP","Summer Sale"'], ("VIP", "Summer Sale"), id="inner-quotes-keep-blanks"),
        pytest.param(['"Smith, Jones"|"B"'], ("Smith, Jones", "B"), id="inner-quotes-keep-commas"),
        pytest.param(["'Summer Sale'"], ("Summer Sale",), id="single-quotes"),
        pytest.param(['["Summer Sale", "vip"]'], ("Summer Sale", "vip"), id="json-list-text"),
        pytest.param(['["a,b"]'], ("a,b",), id="json-list-text-is-not-split"),
        pytest.param(["[vip"], ("[vip",), id="a-bracket-is-not-json"),
        pytest.param(["VIP|vip"], ("VIP", "vip"), id="case-matters"),
        pytest.param(["vip,vip, vip "], ("vip",), id="exact-duplicates-once"),
        pytest.param(["vip", ["trial", "vip"], "new"], ("vip", "trial", "new"), id="several-fields-united-in-order"),
        pytest.param([" vip\u00a0,,|\u200b"], ("vip",), id="blanks-are-no-segments"),
        pytest.param([[" vip ", ""]], ("vip",), id="blanks-in-a-list"),
        pytest.param([[1, 2.0, "x", None, {"a": 1}, ["y"]]], ("1", "2", "x"), id="scalars-of-a-list"),
        pytest.param([7], ("7",), id="number"),
        pytest.param([""], (), id="nothing"),
        pytest.param([], (), id="no-field"),
    ],
)
def test_segments_of_any_form(values: list[object], expected: tuple[str, ...]) -> None:
    assert segments(values) == expected


def test_a_segment_has_a_length_that_crisp_takes() -> None:
    assert segments(["x" * 300 + ",b"]) == ("x" * 256, "b")


@pytest.mark.parametrize("written", ["[" * 100_000, '["' + "a" * 50 + '", [1, {"x": []}]]', '"' * 1000])
def test_hostile_text_is_read_without_failing(written: str) -> None:
    assert all(isinstance(name, str) for name in segments([written]))


@given(st.lists(st.text(max_size=30) | st.lists(st.text(max_size=20), max_size=4), max_size=4))
def test_the_list_read_again_is_the_same_list(values: list[object]) -> None:
    found = segments(values)
    assert segments([list(found)]) == found
    assert len(set(found)) == len(found)
