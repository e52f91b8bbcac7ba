"""The breaker: when Crisp fails for everybody, one call tries at a time."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.breaker import ENOUGH, closed, failed, hurried
from connector.budget import DAY, QUARTER, Budget, Limits, answered, held_by, opens_at, resets_at, take, throttled

NOON = 20_000 * DAY + DAY // 2
CLOSED = Budget(20_000, 10)


def opened(times: int, chance: float = 1.0) -> tuple[Budget, int]:
    """The budget after so many outages in a row, and when the last was."""
    budget, now = failed(CLOSED, ENOUGH, None, NOON, chance), NOON
    for _ in range(times - 1):
        now = budget.blocked_until
        budget = failed(budget, 1, None, now, chance)
    return budget, now


@pytest.mark.parametrize(("in_a_row", "opens"), [(1, False), (ENOUGH - 1, False), (ENOUGH, True), (ENOUGH + 30, True)])
def test_it_opens_when_enough_calls_in_a_row_failed(in_a_row: int, opens: bool) -> None:
    after = failed(CLOSED, in_a_row, None, NOON, 1.0)
    assert (after.outages > 0) is opens
    assert (opens_at(after, live=True) > NOON) is opens


def test_calls_in_flight_together_open_it_once() -> None:
    budget, _ = opened(1)
    for in_a_row in range(ENOUGH + 1, ENOUGH + 32):
        assert failed(budget, in_a_row, None, NOON + 500, 1.0) == budget


def test_each_try_that_fails_makes_the_pause_longer_up_to_a_minute() -> None:
    pauses = [budget.blocked_until - now for budget, now in map(opened, range(1, 10))]
    assert pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]


@given(st.integers(1, 40), st.floats(0, 1))
def test_a_pause_is_random_up_to_its_longest(times: int, chance: float) -> None:
    budget, now = opened(times, chance)
    assert budget.blocked_until - now == int(chance * min(60_000, 1_000 * 2 ** (times - 1)))


@pytest.mark.parametrize(("asked", "pause"), [(0.0, 500), (30.0, 30_000), (900.0, QUARTER), (86_400.0, QUARTER)])
def test_it_waits_as_long_as_crisp_asks_but_tries_each_quarter_of_an_hour(asked: float, pause: int) -> None:
    assert failed(CLOSED, ENOUGH, asked, NOON, 0.5).blocked_until == NOON + pause


def test_an_answer_closes_it_at_once() -> None:
    budget, now = opened(5)
    after = closed(budget, now + 10)
    assert (after.strikes, after.blocked_until) == (0, now + 10)
    assert failed(after, 1, None, now + 20, 1.0) == after


def test_while_closed_an_answer_changes_nothing() -> None:
    assert closed(CLOSED, NOON) == CLOSED
    met = throttled(CLOSED, 30, NOON)
    assert closed(met, NOON) == met


def test_a_failing_try_after_a_limit_opens_it_and_the_row_goes_on() -> None:
    met = throttled(throttled(CLOSED, None, NOON), None, NOON + 1_000)
    after = failed(met, 1, None, met.blocked_until, 1.0)
    assert (after.outages, after.blocked_until) == (3, met.blocked_until + 4_000)
    assert held_by(after, met.blocked_until) == "crisp_unreachable"
    assert closed(answered(after, after.blocked_until), after.blocked_until).strikes == 0


def test_limits_and_outages_by_turns_are_tried_ever_more_rarely() -> None:
    budget, now, tries = CLOSED, NOON, 0
    while now < NOON + 3_600_000:
        budget = throttled(budget, None, now) if tries % 2 else failed(budget, ENOUGH, None, now, 1.0)
        now, tries = budget.blocked_until, tries + 1
    assert tries < 170
    assert budget.believed is None


@pytest.mark.parametrize("outages", [1, 3, 40])
def test_a_limit_in_an_outage_is_a_limit_and_no_sign_of_a_quota(outages: int) -> None:
    budget, _ = opened(outages)
    met = throttled(budget, None, budget.blocked_until)
    assert (met.outages, met.limits_met) == (0, min(outages, 4) + 1)
    again = throttled(met, None, met.blocked_until)
    assert again.believed is None


def used_up(limits: int = 8) -> Budget:
    """The budget after so many limits in a row: the quota is used up."""
    budget, now = CLOSED, NOON
    for _ in range(limits):
        budget = throttled(take(budget, Limits(100), 1, now, live=True).budget, None, now)
        now = budget.blocked_until
    assert budget.believed is not None
    return budget


def test_while_the_quota_is_used_up_an_outage_is_tried_each_quarter_of_an_hour() -> None:
    budget, tried = used_up(), list[int]()
    for _ in range(5):
        now = budget.blocked_until
        tried.append(now - NOON)
        assert len(take(budget, Limits(100), 9, now, live=True).slots) == 1
        budget = failed(take(budget, Limits(100), 9, now, live=True).budget, 1, 2.0, now, 0.1)
        assert budget.outages > 0, "no record's fault"
        assert held_by(budget, now) == "quota_used_up"
        assert take(budget, Limits(100), 1, now + 1_000, live=True).slots == ()
        in_person = partial(take, limits=Limits(100), count=1, now=now + 1_000, live=True)
        assert hurried(budget, in_person).slots == ()
    assert tried == [QUARTER * quarter + 2_000 for quarter in range(1, 6)]


@pytest.mark.parametrize("limits", [8, 14])
def test_the_answer_that_ends_an_outage_is_no_sign_of_the_reset(limits: int) -> None:
    budget = used_up(limits)
    for _ in range(3):
        budget = failed(budget, 1, None, budget.blocked_until, 0.0)
    assert closed(answered(budget, budget.blocked_until - 1), budget.blocked_until - 1) == budget, "it went out before"
    now = budget.blocked_until
    after = closed(answered(budget, now), now)
    assert (after.strikes, after.believed, after.offset) == (0, None, 0)
    assert len(take(after, Limits(100), 9, now, live=True).slots) == 9


def test_a_quota_that_is_refused_after_an_outage_stays_used_up_until_an_hour_of_refusals_is_over() -> None:
    budget = used_up(14)
    budget = failed(budget, 1, None, budget.blocked_until, 0.0)
    tries = 0
    while budget.strikes < 12:
        now = budget.blocked_until
        budget, tries = throttled(budget, None, now), tries + 1
        assert budget.believed is not None
        assert budget.blocked_until == now + QUARTER
    assert tries > 4
    assert answered(budget, budget.blocked_until).offset != 0


def test_the_reset_ends_what_is_believed_in_an_outage() -> None:
    budget = used_up()
    while budget.blocked_until < resets_at(NOON):
        budget = failed(budget, 1, None, budget.blocked_until, 0.0)
    assert budget.blocked_until == resets_at(NOON)
    budget = failed(budget, 1, None, budget.blocked_until, 1.0)
    assert (budget.believed, budget.blocked_until) == (None, resets_at(NOON) + 60_000)


def test_why_nothing_goes_out_is_told() -> None:
    budget, now = opened(3)
    assert held_by(budget, now) == "crisp_unreachable"
    assert held_by(throttled(CLOSED, 30, NOON), NOON) == "crisp_rate_limited"


def test_who_waits_in_person_is_not_held_back_by_an_outage_but_by_the_quota() -> None:
    budget, now = opened(3)
    grant = hurried(budget, lambda each: take(each, Limits(100), 1, now, live=True))
    assert len(grant.slots) == 1
    assert (grant.budget.used, grant.budget.blocked_until) == (11, budget.blocked_until)
    none = hurried(budget, lambda each: take(each, Limits(10), 1, now, live=True))
    assert (none.slots, none.budget.blocked_until) == ((), 20_001 * DAY)
    met = throttled(CLOSED, 30, NOON)
    assert hurried(met, lambda each: take(each, Limits(100), 1, NOON, live=True)).slots == ()
