"""The budget: a day's quota, its reserve for live work, the rate, pauses, and how long work will take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.budget import (
    DAY,
    Budget,
    Limits,
    answered,
    give_back,
    opens_at,
    reopened,
    resets_at,
    seconds_for,
    take,
    throttled,
)

HOUR = 3_600_000
# Noon of some day, and the limits of a small website: 100 calls a day, 5 of them kept for live work.
TODAY = 20_000
NOON = TODAY * DAY + DAY // 2
SMALL = Limits(100)


def used(count: int) -> Budget:
    """A budget of today of which so many calls were made."""
    return Budget(TODAY, count)


def test_the_quota_resets_at_midnight_utc() -> None:
    assert resets_at(NOON) == (TODAY + 1) * DAY
    assert resets_at((TODAY + 1) * DAY) == (TODAY + 2) * DAY


@pytest.mark.parametrize(
    ("spent", "live", "asked", "now", "granted", "wait_until"),
    [
        pytest.param(0, False, 10, NOON, 10, None, id="there-is-plenty"),
        pytest.param(90, False, 5, NOON, 5, None, id="the-last-of-bulk"),
        pytest.param(90, False, 10, NOON, 5, (TODAY + 1) * DAY - HOUR, id="bulk-leaves-the-reserve"),
        pytest.param(95, False, 1, NOON, 0, (TODAY + 1) * DAY - HOUR, id="bulk-waits-for-the-last-hour"),
        pytest.param(95, True, 5, NOON, 5, None, id="live-has-the-reserve"),
        pytest.param(95, True, 9, NOON, 5, (TODAY + 1) * DAY, id="live-to-the-last-call"),
        pytest.param(100, True, 1, NOON, 0, (TODAY + 1) * DAY, id="out-of-quota-is-waiting"),
        pytest.param(95, False, 5, (TODAY + 1) * DAY - HOUR, 5, None, id="the-reserve-is-released-in-the-last-hour"),
        pytest.param(95, False, 5, (TODAY + 1) * DAY - HOUR - 1, 0, (TODAY + 1) * DAY - HOUR, id="not-before"),
        pytest.param(120, False, 1, NOON, 0, (TODAY + 1) * DAY, id="more-used-than-there-was"),
    ],
)
def test_a_day_has_its_quota(
    spent: int, live: bool, asked: int, now: int, granted: int, wait_until: int | None
) -> None:
    grant = take(used(spent), SMALL, asked, now, live=live)
    assert (len(grant.slots), grant.wait_until) == (granted, wait_until)
    assert grant.budget.used == spent + granted


def test_a_new_day_begins_with_nothing_used() -> None:
    out = take(used(100), SMALL, 1, NOON, live=True).budget
    assert take(out, SMALL, 1, (TODAY + 1) * DAY - 1, live=True).slots == ()
    tomorrow = take(out, SMALL, 95, (TODAY + 1) * DAY, live=False)
    assert (len(tomorrow.slots), tomorrow.budget.day, tomorrow.budget.used) == (95, TODAY + 1, 95)


def test_out_of_bulk_is_not_out_of_live() -> None:
    spent = take(used(95), SMALL, 1, NOON, live=False).budget
    assert opens_at(spent, live=True) <= NOON < opens_at(spent, live=False)
    assert len(take(spent, SMALL, 3, NOON, live=True).slots) == 3


@pytest.mark.parametrize("live", [True, False])
def test_a_raised_quota_has_room_at_once(live: bool) -> None:
    out = take(used(90), SMALL, 20, NOON, live=live).budget
    assert opens_at(out, live=live) > NOON
    assert reopened(out, SMALL) == out
    grant = take(out, Limits(1000), 7, NOON + 1, live=live)
    assert (len(grant.slots), grant.wait_until) == (7, None)
    assert opens_at(reopened(out, Limits(1000)), live=live) <= NOON


def test_a_quota_that_is_raised_too_little_has_room_for_live_work_alone() -> None:
    out = take(take(used(90), SMALL, 20, NOON, live=False).budget, SMALL, 20, NOON, live=True).budget
    raised = reopened(out, Limits(104))
    assert opens_at(raised, live=True) <= NOON < opens_at(raised, live=False)


def test_a_pause_of_crisps_stays_when_the_quota_is_raised() -> None:
    paused = throttled(used(100), 30, NOON)
    assert reopened(paused, Limits(1000)) == paused


def test_calls_are_paced_by_the_rate() -> None:
    grant = take(used(0), Limits(100, per_second=4), 5, NOON, live=True)
    assert grant.slots == tuple(NOON + gap for gap in (0, 250, 500, 750, 1000))
    again = take(grant.budget, Limits(100, per_second=4), 1, NOON + 10, live=True)
    assert again.slots == (NOON + 1250,)
    later = take(again.budget, Limits(100, per_second=4), 1, NOON + 60_000, live=True)
    assert later.slots == (NOON + 60_000,)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3_000)), max_size=12), st.integers(1, 40))
def test_promise_7_no_second_has_more_calls_than_its_rate(asked: list[tuple[int, int]], rate: int) -> None:
    budget, now, slots = used(0), NOON, list[int]()
    for count, pause in asked:
        now += pause
        grant = take(budget, Limits(10_000, rate), count, now, live=True)
        budget = grant.budget
        slots.extend(grant.slots)
    assert slots == sorted(slots)
    # Slots are whole milliseconds, cut: the window is one shorter for it.
    assert all(later - slot >= 999 for slot, later in zip(slots, slots[rate:], strict=False))


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.integers(0, DAY // 3)), max_size=25))
def test_promise_7_no_day_has_more_calls_than_its_quota(asked: list[tuple[int, bool, int]]) -> None:
    budget, now, days = used(0), NOON, dict[int, int]()
    for count, live, pause in asked:
        now += pause
        grant = take(budget, SMALL, count, now, live=live)
        budget = grant.budget
        days[now // DAY] = days.get(now // DAY, 0) + len(grant.slots)
        assert len(grant.slots) == count or (grant.wait_until or 0) > now
    assert all(calls <= SMALL.daily for calls in days.values())


def test_promise_7_bulk_alone_uses_the_whole_day() -> None:
    budget, made = used(0), 0
    for now in (NOON, (TODAY + 1) * DAY - HOUR):
        grant = take(budget, SMALL, 1000, now, live=False)
        budget, made = grant.budget, made + len(grant.slots)
    assert made == SMALL.daily


@pytest.mark.parametrize(("back", "left"), [(3, 7), (10, 0), (50, 0)])
def test_calls_that_were_not_made_are_given_back(back: int, left: int) -> None:
    assert give_back(used(10), back, NOON).used == left


def test_what_is_given_back_belongs_to_its_day() -> None:
    assert give_back(used(10), 3, NOON + DAY) == Budget(TODAY + 1, 0)


def test_crisp_says_how_long_to_pause() -> None:
    paused = throttled(used(10), 30, NOON)
    assert opens_at(paused, live=True) == opens_at(paused, live=False) == NOON + 30_000
    assert take(paused, SMALL, 1, NOON + 29_999, live=True).wait_until == NOON + 30_000
    assert len(take(paused, SMALL, 1, NOON + 30_000, live=True).slots) == 1


def test_pauses_double_until_crisp_answers() -> None:
    budget, pauses = used(0), list[int]()
    for _ in range(9):
        budget = throttled(budget, None, NOON)
        pauses.append(throttled(budget, None, NOON).blocked_until - NOON)
    assert pauses == [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]
    assert throttled(used(0), None, NOON).blocked_until == NOON + 1_000
    assert throttled(answered(budget), None, NOON + 120_000).blocked_until == NOON + 121_000


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    assert throttled(throttled(used(0), 60, NOON), 1, NOON).blocked_until == NOON + 60_000


def test_an_endless_row_of_limits_stays_a_number() -> None:
    budget = used(0)
    for _ in range(5_000):
        budget = throttled(budget, None, NOON)
    assert budget.blocked_until == NOON + 60_000


@pytest.mark.parametrize(
    ("calls", "spent", "limits", "pace", "seconds"),
    [
        pytest.param(90, 0, SMALL, 10.0, 9, id="within-today"),
        pytest.param(90, 0, Limits(100, per_second=2), 10.0, 45, id="the-rate-is-slower"),
        pytest.param(95, 0, SMALL, 10.0, 9.5, id="all-that-bulk-may"),
        pytest.param(96, 0, SMALL, 10.0, 12 * 3600 + 0.1, id="one-more-is-tomorrow"),
        pytest.param(195, 0, SMALL, 10.0, 12 * 3600 + 10, id="today-and-all-of-tomorrow"),
        pytest.param(196, 0, SMALL, 10.0, 36 * 3600 + 0.1, id="one-more-is-the-day-after"),
        pytest.param(1, 100, SMALL, 10.0, 12 * 3600 + 0.1, id="nothing-left-today"),
        pytest.param(0, 100, SMALL, 10.0, 0, id="no-calls-take-no-time"),
    ],
)
def test_how_long_so_many_calls_take(calls: int, spent: int, limits: Limits, pace: float, seconds: float) -> None:
    assert seconds_for(calls, used(spent), limits, NOON, pace) == pytest.approx(seconds)


def test_a_pause_comes_first() -> None:
    assert seconds_for(10, throttled(used(0), 30, NOON), SMALL, NOON, 10.0) == pytest.approx(31)


def test_a_quota_of_nothing_is_no_division_by_zero() -> None:
    assert seconds_for(5, used(0), Limits(0), NOON, 10.0) > 4 * 86_400
