"""The budget: a day's quota, its reserve for live work, the rate, pauses, and how long work will take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.budget import (
    DAY,
    QUARTER,
    Budget,
    Grant,
    Limits,
    answered,
    expected_at,
    give_back,
    held_by,
    limit_today,
    opens_at,
    overnight,
    raised,
    reopened,
    resets_at,
    seconds_for,
    take,
    throttled,
    used_today,
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


@pytest.mark.parametrize("live", [True, False])
def test_what_is_given_back_can_be_used(live: bool) -> None:
    out = take(take(used(0), SMALL, 100, NOON, live=live).budget, SMALL, 1, NOON, live=live).budget
    assert opens_at(out, live=live) > NOON
    again = give_back(out, 3, NOON)
    assert opens_at(again, live=live) <= NOON
    assert len(take(again, SMALL, 9, NOON, live=live).slots) == 3


def test_a_pause_of_crisps_stays_when_calls_are_given_back() -> None:
    paused = throttled(used(50), 30, NOON)
    assert give_back(paused, 5, NOON).blocked_until == NOON + 30_000


def test_what_is_given_back_belongs_to_its_day() -> None:
    assert give_back(used(10), 3, NOON + DAY) == Budget(TODAY + 1, 0)


def test_promise_7_calls_that_are_out_at_the_reset_are_the_new_days_too() -> None:
    """Forty are bought a millisecond before it; somebody asks in person; then everything is wanted."""
    bought = take(used(10), SMALL, 40, MIDNIGHT - 1, live=True).budget
    asked = take(bought, SMALL, 1, MIDNIGHT, live=True).budget
    assert asked.used == 1
    now = overnight(asked, 40, MIDNIGHT - 1, MIDNIGHT + 50)
    assert (now.day, now.used) == (TODAY + 1, 41)
    assert len(take(now, SMALL, 500, MIDNIGHT + 50, live=True).slots) == 59
    assert give_back(now, 40, MIDNIGHT + 50).used == 1, "what was asked in person is not given back"
    assert overnight(now, 40, MIDNIGHT + 50, MIDNIGHT + 100) == now, "once"


def test_without_a_reset_between_nothing_is_counted_twice() -> None:
    assert overnight(used(50), 40, NOON, NOON + 30_000) == used(50)
    assert overnight(used(50), 0, 0, NOON) == used(50)
    learnt = Budget(TODAY, 50, offset=7 * HOUR)
    assert overnight(learnt, 40, MIDNIGHT - 1, MIDNIGHT) == learnt
    assert overnight(learnt, 40, MIDNIGHT + 7 * HOUR - 1, MIDNIGHT + 7 * HOUR).used == 40


def test_crisp_says_how_long_to_pause() -> None:
    paused = throttled(used(10), 30, NOON)
    assert opens_at(paused, live=True) == opens_at(paused, live=False) == NOON + 30_000
    assert take(paused, SMALL, 1, NOON + 29_999, live=True).wait_until == NOON + 30_000
    assert len(take(paused, SMALL, 1, NOON + 30_000, live=True).slots) == 1


def refused(budget: Budget, times: int, now: int, retry_after: float | None = None) -> tuple[Budget, int]:
    """The budget after a call that met a limit, and one more at the end of each pause; and when the last was."""
    budget = throttled(budget, retry_after, now)
    for _ in range(times - 1):
        now = budget.blocked_until
        budget = throttled(take(budget, SMALL, 1, now, live=True).budget, retry_after, now)
    return budget, now


def test_pauses_double_until_crisp_answers() -> None:
    budget, now, pauses = used(0), NOON, list[int]()
    for _ in range(7):
        budget = throttled(budget, None, now)
        pauses.append(budget.blocked_until - now)
        now = budget.blocked_until
    assert pauses == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]
    assert throttled(answered(budget, now), None, now).blocked_until == now + 1_000


def test_a_longer_pause_that_crisp_asks_for_is_kept_and_a_shorter_one_still_grows() -> None:
    first = throttled(used(0), 30, NOON)
    assert first.blocked_until == NOON + 30_000
    budget, now = refused(used(0), 5, NOON, retry_after=0)
    assert budget.blocked_until - now == 16_000


def test_calls_in_flight_together_are_one_strike_and_the_longest_pause_of_theirs_counts() -> None:
    budget = used(10)
    for asked in (None, 3, None, 7, 5):
        budget = throttled(budget, asked, NOON)
    assert (budget.strikes, budget.blocked_until) == (1, NOON + 7_000)


def test_an_answer_to_a_call_that_went_out_before_the_limit_says_nothing() -> None:
    met = throttled(used(10), 30, NOON)
    assert answered(met, NOON + 1) == met
    assert answered(met, NOON + 30_000).strikes == 0


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


# What is learnt: the rows of the table in the module's docstring. All from noon of a day with 40 of 100 calls used.
HOURS_13, MIDNIGHT = NOON + 13 * HOUR, (TODAY + 1) * DAY


@pytest.mark.parametrize(
    ("retry_after", "times", "believed", "resets", "next_call"),
    [
        pytest.param(None, 1, None, MIDNIGHT, 1_000, id="a-limit-of-seconds"),
        pytest.param(60, 1, None, MIDNIGHT, 60_000, id="a-limit-of-a-minute"),
        pytest.param(899, 1, None, MIDNIGHT, 899_000, id="nearly-a-quarter"),
        pytest.param(900, 1, 40, NOON + QUARTER, QUARTER, id="a-quarter-names-the-reset"),
        pytest.param(5_000, 1, 40, NOON + 5_000_000, 5_000_000, id="a-moment-today"),
        pytest.param(46_800, 1, 40, HOURS_13, 13 * HOUR, id="a-moment-tomorrow"),
        pytest.param(86_399, 1, 40, NOON + DAY - 1_000, DAY - 1_000, id="nearly-a-day"),
        pytest.param(86_400, 1, 40, MIDNIGHT, QUARTER + 2_000, id="a-day-names-nothing"),
        pytest.param(None, 7, None, MIDNIGHT, 60_000, id="seven-in-a-row"),
        pytest.param(None, 8, 47, MIDNIGHT, QUARTER - 123_000 + 2_000, id="eight-in-a-row-are-a-quota"),
        pytest.param(1, 8, 47, MIDNIGHT, QUARTER - 123_000 + 2_000, id="eight-that-ask-for-a-second"),
        pytest.param(None, 9, 48, MIDNIGHT, QUARTER, id="and-one-a-quarter-later"),
    ],
)
def test_what_a_refusal_teaches(
    retry_after: float | None, times: int, believed: int | None, resets: int, next_call: int
) -> None:
    budget, now = refused(used(40), times, NOON, retry_after)
    assert budget.believed == believed
    assert limit_today(budget, SMALL, now) == (believed or 100)
    assert resets_at(now, budget.offset) == resets
    assert budget.blocked_until - now == next_call
    if believed:
        assert used_today(budget, now) == believed
        assert expected_at(budget, now, live=True) == expected_at(budget, now, live=False) == resets
        assert held_by(budget, now) == "quota_used_up"
        assert take(budget, SMALL, 5, now, live=True).slots == ()
    else:
        assert expected_at(budget, now, live=True) == budget.blocked_until
        assert held_by(budget, now) == "crisp_rate_limited"


def test_what_is_believed_is_of_its_day_alone() -> None:
    budget, _ = refused(used(40), 8, NOON)
    assert limit_today(budget, SMALL, MIDNIGHT - 1) == 47
    assert (limit_today(budget, SMALL, MIDNIGHT), used_today(budget, MIDNIGHT)) == (100, 0)
    assert expected_at(budget, MIDNIGHT, live=True) <= MIDNIGHT
    assert len(take(budget, SMALL, 90, MIDNIGHT, live=False).slots) == 90


def test_the_moment_that_crisp_names_begins_the_day() -> None:
    budget = throttled(used(40), 3 * 3600, NOON)
    at = NOON + 3 * HOUR
    assert take(budget, SMALL, 1, at - 1, live=True).slots == ()
    first = take(budget, SMALL, 95, at, live=False)
    assert (len(first.slots), first.budget.used, first.budget.believed) == (95, 95, None)
    out = take(take(first.budget, SMALL, 5, at, live=True).budget, SMALL, 1, at, live=True)
    assert out.wait_until == resets_at(at, out.budget.offset) == at + DAY


def test_while_a_quota_is_refused_one_call_tries_each_quarter_of_an_hour() -> None:
    budget, now = refused(used(40), 8, NOON)
    tried = list[int]()
    while (now := budget.blocked_until) < MIDNIGHT:
        grant = take(budget, SMALL, 50, now, live=len(tried) % 2 == 0)
        assert len(grant.slots) == 1
        tried.append(now)
        budget = throttled(grant.budget, None, now)
    assert tried == [NOON + QUARTER * quarter + 2_000 for quarter in range(1, 48)]
    assert now == MIDNIGHT
    assert (budget.believed, budget.used) == (94, 94)


def test_while_one_call_tries_no_other_does() -> None:
    """However many ask at once; but not for ever, for who tries may be killed."""
    budget, _ = refused(used(40), 8, NOON)
    now = budget.blocked_until
    first = take(budget, SMALL, 1, now, live=True)
    assert len(first.slots) == 1
    for later in (0, 59_999):
        assert take(first.budget, SMALL, 1, now + later, live=True) == Grant(first.budget, (), now + 60_000)
    assert len(take(first.budget, SMALL, 1, now + 60_000, live=True).slots) == 1
    assert len(take(give_back(first.budget, 1, now), SMALL, 1, now, live=True).slots) == 1
    assert len(take(answered(first.budget, now + 50), SMALL, 9, now + 50, live=True).slots) == 9


@pytest.mark.parametrize(
    ("quarters", "late", "begins"),
    [
        pytest.param(1, 0, None, id="at-once-it-was-no-quota"),
        pytest.param(4, 0, None, id="within-the-hour-it-was-no-quota"),
        pytest.param(5, 0, 5, id="later-it-is-the-reset"),
        pytest.param(28, 40_000, 28, id="seven-hours-later"),
        pytest.param(28, 61_000, None, id="but-nobody-tried-when-it-was-due"),
    ],
)
def test_what_an_answer_teaches(quarters: int, late: int, begins: int | None) -> None:
    budget, _ = refused(used(40), 7 + quarters, NOON)
    at = NOON + QUARTER * quarters + 2_000
    assert budget.blocked_until == at
    grant = take(budget, SMALL, 1, at + late, live=True)
    after = answered(grant.budget, at + late)
    assert (after.strikes, after.believed) == (0, None)
    assert limit_today(after, SMALL, at + late) == 100
    if begins is None:
        assert (after.offset, used_today(after, at + late)) == (0, 40 + 7 + quarters)
    else:
        begun = NOON + QUARTER * begins
        assert (after.offset, used_today(after, at + late)) == (begun % DAY, 1)
        assert resets_at(at, after.offset) == begun + DAY
        assert len(take(after, SMALL, 94, at, live=False).slots) == 94


def test_a_reset_at_another_hour_than_assumed_is_found() -> None:
    """At midnight it is tried and refused; at seven the day begins."""
    budget = take(used(100), SMALL, 1, NOON, live=True).budget
    now = budget.blocked_until
    assert now == MIDNIGHT
    while (now := max(now, budget.blocked_until)) < MIDNIGHT + 7 * HOUR:
        budget = throttled(take(budget, SMALL, 1, now, live=False).budget, None, now)
    budget = answered(take(budget, SMALL, 1, now, live=False).budget, now)
    assert budget.offset == 7 * HOUR
    assert resets_at(now, budget.offset) == MIDNIGHT + 7 * HOUR + DAY
    assert len(take(budget, SMALL, 94, now, live=False).slots) == 94


def test_a_call_that_looks_for_the_reset_does_not_go_beyond_the_quota() -> None:
    budget, _ = refused(used(92), 8, NOON)
    assert (budget.used, budget.believed) == (99, 99)
    budget = throttled(take(budget, SMALL, 1, budget.blocked_until, live=True).budget, None, budget.blocked_until)
    assert budget.used == 100
    assert take(budget, SMALL, 1, budget.blocked_until, live=True).wait_until == MIDNIGHT


def test_a_quota_that_was_refused_and_is_raised_is_tried_at_once() -> None:
    budget, now = refused(used(40), 8, NOON)
    assert reopened(budget, Limits(1000)) == budget
    assert len(take(raised(budget), Limits(1000), 1, now, live=True).slots) == 1


def test_what_is_given_back_was_not_refused() -> None:
    budget = throttled(used(40), 3600, NOON)
    after = give_back(budget, 5, NOON)
    assert (after.used, after.believed) == (35, 35)


def test_a_clock_that_is_set_back_over_the_reset_does_not_give_the_quota_twice() -> None:
    tomorrow = take(used(100), SMALL, 90, MIDNIGHT, live=True).budget
    assert used_today(tomorrow, MIDNIGHT - 5_000) == 90
    assert len(take(tomorrow, SMALL, 50, MIDNIGHT - 5_000, live=True).slots) == 10


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["take", "live", "refuse", "answer", "back"]),
            st.integers(0, 40),
            st.one_of(st.integers(0, 90_000), st.integers(0, DAY)),
            st.sampled_from([None, None, 0, 5, 100, 4_000, 50_000, 86_400]),
        ),
        max_size=60,
    )
)
def test_promise_7_whatever_is_learnt_no_day_has_more_calls_than_its_quota(
    steps: list[tuple[str, int, int, float | None]],
) -> None:
    budget, now, made = used(0), NOON, 0
    for step, count, pause, retry_after in steps:
        now += pause
        day = (budget.day, budget.offset)
        if step in ("take", "live"):
            grant = take(budget, SMALL, count, now, live=step == "live")
            made = len(grant.slots) if grant.budget.day != day[0] else made + len(grant.slots)
            budget = grant.budget
            assert len(grant.slots) == count or (grant.wait_until or 0) > now
        elif step == "refuse":
            budget = throttled(budget, retry_after, now)
        elif step == "answer":
            budget = answered(budget, now)
        else:
            before, budget = used_today(budget, now), give_back(budget, count, now)
            made -= before - budget.used
        if (budget.day, budget.offset) != day and step not in ("take", "live"):
            made = budget.used
        assert made <= SMALL.daily
        assert 0 <= budget.used <= SMALL.daily
        assert budget.believed is None or budget.strikes > 0
        assert 0 <= budget.offset < DAY


@pytest.mark.parametrize("offset", [0, 7 * HOUR, 86_399_999])
@pytest.mark.parametrize("reserve", [0.0, 0.05, 0.5])
def test_promise_7_nearly_all_of_the_quota_can_be_used(offset: int, reserve: float) -> None:
    limits = Limits(1_000, reserve=reserve)
    start = TODAY * DAY + offset
    budget, made, now = Budget(TODAY, offset=offset), 0, start
    while now < start + DAY:
        grant = take(budget, limits, 7, now, live=False)
        budget, made = grant.budget, made + len(grant.slots)
        now = max(now + 10_000, grant.wait_until or 0)
    assert made == 1_000
