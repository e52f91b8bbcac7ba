"""What follows an attempt, and which events fit a filter."""

from typing import Any

import pytest

from connector.hooks import conditions
from connector.hooks.conditions import Unfit
from connector.hooks.plan import PATIENCE, SCHEDULE, Attempt, Next, following, is_over, later, read_schedule

NOW = 1_764_331_200_000
PAUSES = read_schedule(SCHEDULE)
FIELDS = ("email", "city", "segments", "nickname")
MIDDLE = 0.5


def attempt(status: int | None = None, retry_after: str | None = None) -> Attempt:
    reason = None if status else "it takes longer than 10 seconds"
    return Attempt(NOW, 12, status, reason, retry_after)


def test_the_schedule_is_that_of_the_documents() -> None:
    assert PAUSES == (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_only_2xx_is_success(status: int) -> None:
    assert following(attempt(status), 1, PAUSES, MIDDLE) == Next("delivered")


@pytest.mark.parametrize("status", [None, 100, 199, 300, 301, 302, 304, 307, 308, 400, 401, 404, 408, 500, 502, 599])
def test_everything_else_is_tried_again(status: int | None) -> None:
    assert following(attempt(status), 1, PAUSES, MIDDLE) == Next("waiting", NOW + 5_000)


def test_each_attempt_has_its_pause_and_after_the_last_there_is_none() -> None:
    waits = [following(attempt(500), number, PAUSES, MIDDLE).due_at for number in range(1, 10)]
    assert waits == [NOW + pause * 1000 for pause in PAUSES[1:]]
    assert following(attempt(500), 10, PAUSES, MIDDLE) == Next("dead")
    assert following(attempt(500), 1, (0,), MIDDLE) == Next("dead")


@pytest.mark.parametrize(("dice", "due"), [(0.0, 270_000), (0.5, 300_000), (0.999999, 330_000)])
def test_chance_makes_a_pause_a_tenth_longer_or_shorter(dice: float, due: int) -> None:
    assert later(300, dice) == due


def test_who_is_gone_is_not_told_again() -> None:
    assert following(attempt(410), 1, PAUSES, MIDDLE) == Next("dead", gone=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param("Fri, 28 Nov 2025 12:02:00 GMT", 120, id="a date"),
        pytest.param("Fri, 28 Nov 2025 12:02:00 -0000", 120, id="a date without a zone"),
        pytest.param("999999999", 86_400, id="for ever"),
        pytest.param("-5", 0, id="in the past"),
        pytest.param("Fri, 28 Nov 2014 12:02:00 GMT", 0, id="a date in the past"),
    ],
)
def test_a_pause_that_is_asked_for_is_kept(status: int, header: str, seconds: int) -> None:
    told = following(attempt(status, header), 1, PAUSES, MIDDLE)
    assert told == Next("waiting", NOW + max(5, seconds) * 1000, resume_at=NOW + seconds * 1000)


@pytest.mark.parametrize("header", ["soon", "", "nan", "inf", "1e400", "Fri, 99 Nov 2025 12:02:00 GMT", "é"])
def test_a_pause_that_is_nonsense_is_none(header: str) -> None:
    assert following(attempt(429, header), 1, PAUSES, MIDDLE) == Next("waiting", NOW + 5_000)


def test_others_cannot_ask_for_a_pause() -> None:
    assert following(attempt(500, "120"), 1, PAUSES, MIDDLE) == Next("waiting", NOW + 5_000)


def test_the_pause_counts_for_everything_even_when_this_delivery_is_given_up() -> None:
    assert following(attempt(429, "60"), 10, PAUSES, MIDDLE) == Next("dead", resume_at=NOW + 60_000)


@pytest.mark.parametrize(
    ("since", "attempts", "last", "over"),
    [
        pytest.param(None, 3, False, False, id="the first failure"),
        pytest.param(NOW - PATIENCE + 1, 9, False, False, id="not for long enough"),
        pytest.param(NOW - PATIENCE, 3, False, True, id="five days of nothing but failures"),
        pytest.param(NOW - 4 * PATIENCE, 1, False, False, id="a first hiccup after quiet weeks"),
        pytest.param(NOW - PATIENCE, 1, True, True, id="given up"),
    ],
)
def test_five_days_of_nothing_but_failures_end_it(since: int | None, attempts: int, last: bool, over: bool) -> None:
    assert is_over(since, attempts, NOW, last=last) is over


def test_an_attempt_is_shown_with_its_status_or_its_reason() -> None:
    assert attempt(302).as_json() == {"at": NOW, "status": 302, "ms": 12}
    assert attempt().as_json() == {"at": NOW, "reason": "it takes longer than 10 seconds", "ms": 12}
    assert (attempt(302).words, attempt().words) == ("it answered 302", "it takes longer than 10 seconds")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, {}),
        ("", {}),
        ({}, {}),
        ({"segment": ""}, {}),
        ({"segment": None, "changed": []}, {}),
        ({"segment": "vip"}, {"segment": ["vip"]}),
        ({"segment": ["vip", " beta ", "vip"]}, {"segment": ["beta", "vip"]}),
        (
            {"data_key": "plan", "changed": ["data.plan", "city"]},
            {"changed": ["city", "data.plan"], "data_key": ["plan"]},
        ),
        ({"changed": "data"}, {"changed": ["data"]}),
        (
            {"segment": "vip, beta,", "changed": "city,data.plan"},
            {"changed": ["city", "data.plan"], "segment": ["beta", "vip"]},
        ),
        ({"segment": ["one, and the same"]}, {"segment": ["one, and the same"]}),
        ({"segment": 'vip, "Gold, EU"'}, {"segment": ["Gold, EU", "vip"]}),
        ({"segment": "Gold Member"}, {"segment": ["Gold Member"]}),
        ({"segment": 'a "quoted" word'}, {"segment": ['a "quoted" word']}),
        ({"segment": "vip\nbeta\r\n"}, {"segment": ["beta", "vip"]}),
        ({"segment": 'vip, "Gold'}, {"segment": ["Gold", "vip"]}),
    ],
)
def test_a_filter_has_one_form(given: Any, read: dict[str, list[str]]) -> None:
    assert conditions.read(given, FIELDS) == read
    assert conditions.read(read, FIELDS) == read


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ("vip", ""),
        (["vip"], ""),
        (3, ""),
        ({"segments": "vip"}, "segments"),
        ({"segment": 3}, "segment"),
        ({"segment": {"is": "vip"}}, "segment"),
        ({"segment": ["vip", 3]}, "segment"),
        ({"segment": "v" * 201}, "segment"),
        ({"segment": "v" * 200_000}, "segment"),
        ({"segment": [f"s{n}" for n in range(51)]}, "segment"),
        ({"changed": "cty"}, "changed"),
        ({"changed": "data."}, "changed"),
    ],
)
def test_a_filter_that_makes_no_sense_is_told_by_name(given: Any, wrong: str) -> None:
    with pytest.raises(Unfit) as told:
        conditions.read(given, FIELDS)
    assert list(told.value.wrong) == [wrong]
    assert told.value.wrong[wrong].endswith(".")


PAYLOAD = {
    "contact": {"segments": ["vip", "beta"], "data": {"plan": "pro"}},
    "changed": ["city", "data.plan"],
}
CONVERSATION = {**PAYLOAD, "data": {"order": "7"}}


@pytest.mark.parametrize(
    ("wanted", "payload", "fits"),
    [
        ({}, PAYLOAD, True),
        ({"segment": ["vip"]}, PAYLOAD, True),
        ({"segment": ["gold", "beta"]}, PAYLOAD, True),
        ({"segment": ["gold"]}, PAYLOAD, False),
        ({"segment": ["VIP"]}, PAYLOAD, False),
        ({"data_key": ["plan"]}, PAYLOAD, True),
        ({"data_key": ["order"]}, PAYLOAD, False),
        ({"data_key": ["order"]}, CONVERSATION, True),
        ({"data_key": ["plan"]}, CONVERSATION, False),
        ({"changed": ["city"]}, PAYLOAD, True),
        ({"changed": ["data.plan"]}, PAYLOAD, True),
        ({"changed": ["data"]}, PAYLOAD, True),
        ({"changed": ["nickname"]}, PAYLOAD, False),
        ({"segment": ["vip"], "changed": ["nickname"]}, PAYLOAD, False),
        ({"segment": ["vip"], "changed": ["city"]}, PAYLOAD, True),
        ({"segment": ["vip"]}, {}, False),
        ({"changed": ["data"]}, {"changed": ["city"], "contact": None}, False),
    ],
)
def test_all_conditions_must_hold(wanted: conditions.Filter, payload: dict[str, Any], fits: bool) -> None:
    assert conditions.fits(wanted, payload) is fits
