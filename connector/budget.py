"""The quota of a connection: how many calls may be made now, and if none, from when. Pure; time is passed in.

All processes share one budget for each credential. Crisp documents neither when the day of its quota begins nor what
`Retry-After` says; 00:00 UTC and the quota of the settings are assumed, and what is observed is believed instead:

| observed | believed from then on |
|---|---|
| as many calls were made as the quota has | used up until the reset; nothing is sent |
| 420, 423 or 429, up to seven in a row | a limit of seconds: a pause of 1, 2, 4 … 60 s, or what `Retry-After` asks |
| one with a `Retry-After` of a quarter of an hour up to a day | the quota is used up; its day begins at that moment |
| the eighth in a row, or a `Retry-After` of a day or more | the quota is used up; one call tries each quarter hour |
| that call is answered within an hour | it was no quota: what is left of it may be used |
| that call is answered, later than that | the day of the quota has begun with this quarter of an hour |
| so is a call that nobody wanted to make when it was due | it is not known since when: what is left may be used |
| so is one after calls that failed (see `breaker`) | the same: an outage tells nothing of the quota |
| the reset passes | all of the quota is there again, but for calls that are out; after a limit one call goes first |

A call that is bought before a reset and not answered by then may be either day's for Crisp: it counts in both. Calls
are given back to the day they count in.

Eight in a row are two minutes. Calls in flight together meet a limit together: that is one in a row. Crisp's edge may
answer a GET by itself, so that the answer of a GET is no sign that there is quota again.
"""

from dataclasses import dataclass, replace

DAY = 86_400_000
QUARTER = 900_000
_RESERVE_RELEASED = 3_600_000
_SHORTEST, _LONGEST = 1_000, 60_000
# Limits in a row that are a quota: their pauses together are 123 s. So many that an hour's tries are among them. An
# outage makes the next limit's pause longer, and counts for so many limits at most: it is no sign of a quota.
_QUOTA, _AN_HOUR, _AN_OUTAGE = 8, 12, 4
MOST_STRIKES = 16
# A call that looks for the reset goes a little after the quarter, for clocks differ; it is in time if not much later.
_MARGIN, _IN_TIME = 2_000, 60_000
# Milliseconds that such a call is waited for before another may go.
_TRYING = 60_000


@dataclass(frozen=True, slots=True)
class Limits:
    """`daily`: calls a day; `per_second`: calls a second, None for no limit; `reserve`: the share of the day kept for
    live work until the last hour."""

    daily: int
    per_second: int | None = None
    reserve: float = 0.05


@dataclass(frozen=True, slots=True)
class Budget:
    """What was used and learnt. Times in UNIX milliseconds; `day` counts the quota's days since 1970; `blocked_until`
    and `bulk_until`: nothing, or no bulk work, may be sent before; `believed`: calls that this day has, None for what
    the settings say; `offset`: milliseconds after 00:00 UTC at which the quota's day begins.

    `strikes`: how much was met in a row with no answer between: above 0 when the last was a limit, below 0 when it was
    an outage (see `breaker`). `failures`: calls that failed in a row, whoever made them; of one thing that fails again
    and again, with nothing between, it is one. `failing`: a mark of what failed last.
    """

    day: int = 0
    used: int = 0
    next_slot_at: int = 0
    blocked_until: int = 0
    bulk_until: int = 0
    strikes: int = 0
    believed: int | None = None
    offset: int = 0
    failures: int = 0
    failing: int = 0

    @property
    def limits_met(self) -> int:
        """How much was met in a row, when the last was a limit."""
        return max(0, self.strikes)

    @property
    def outages(self) -> int:
        """How much was met in a row, when the last was an outage."""
        return max(0, -self.strikes)


@dataclass(frozen=True, slots=True)
class Grant:
    """Calls that may be made, each from its own moment on; `wait_until` when there are fewer than asked for."""

    budget: Budget
    slots: tuple[int, ...]
    wait_until: int | None


def resets_at(now: int, offset: int = 0) -> int:
    """When the quota's next day begins."""
    return (_day(now, offset) + 1) * DAY + offset


def take(budget: Budget, limits: Limits, count: int, now: int, *, live: bool) -> Grant:
    """Up to `count` calls: within the day's quota (bulk leaves the reserve to live work), paced by the rate."""
    budget = reopened(today(budget, now), limits)
    if (open_at := opens_at(budget, live=live)) > now:
        return Grant(budget, (), open_at)
    granted = max(0, min(count, _left(budget, limits, now, live=live)))
    slots, next_slot_at = _paced(budget, limits, granted, now)
    spent = replace(budget, used=budget.used + granted, next_slot_at=next_slot_at)
    if granted and budget.believed is not None:
        spent = replace(spent, next_slot_at=now + _TRYING)
    if granted == count:
        return Grant(spent, slots, None)
    reset = resets_at(now, spent.offset)
    if spent.used >= limits.daily:
        return Grant(replace(spent, blocked_until=reset), slots, reset)
    if spent.believed is not None:
        return Grant(spent, slots, reset)
    return Grant(replace(spent, bulk_until=reset - _RESERVE_RELEASED), slots, reset - _RESERVE_RELEASED)


def reopened(budget: Budget, limits: Limits) -> Budget:
    """Without the pauses of a quota that was used up and has room by now: it was raised. Pauses of Crisp's stay."""
    if budget.believed is not None:
        return budget
    ends = _ends(budget)
    if budget.blocked_until == ends and budget.used < limits.daily:
        budget = replace(budget, blocked_until=0)
    if budget.bulk_until == ends - _RESERVE_RELEASED and budget.used < limits.daily - _kept(limits):
        budget = replace(budget, bulk_until=0)
    return budget


def raised(budget: Budget) -> Budget:
    """The settings say that there is more quota now: what was believed of less is tried at once, with one call."""
    return budget if budget.believed is None else replace(budget, believed=None, blocked_until=0)


def used_today(budget: Budget, now: int) -> int:
    """Calls that were made since the last reset."""
    return today(budget, now).used


def limit_today(budget: Budget, limits: Limits, now: int) -> int:
    """Calls that this day has, as far as is known."""
    believed = today(budget, now).believed
    return limits.daily if believed is None else min(believed, limits.daily)


def today(budget: Budget, now: int) -> Budget:
    """The budget of the day that it is. A clock that is set back over the reset does not give the quota twice."""
    day = _day(now, budget.offset)
    if budget.day in (day, day + 1):
        return budget
    return replace(budget, day=day, used=0, believed=None)


def overnight(budget: Budget, out: int, since: int, now: int) -> Budget:
    """The budget of the day that it is, for who had so many calls out at `since` or later and still has: when the reset
    came between, they are this day's, too."""
    budget = today(budget, now)
    if _day(since, budget.offset) >= _day(now, budget.offset):
        return budget
    return replace(budget, used=budget.used + out)


def next_try(budget: Budget, now: int) -> int:
    """When one call looks whether a quota that is believed to be used up is there again."""
    return min((now // QUARTER + 1) * QUARTER + _MARGIN, _ends(budget))


def opens_at(budget: Budget, *, live: bool) -> int:
    """From when calls may be made, as far as pauses go, and as the call goes that looks for quota."""
    paused = budget.blocked_until if live else max(budget.blocked_until, budget.bulk_until)
    return max(paused, _tried_until(budget))


def expected_at(budget: Budget, now: int, *, live: bool) -> int:
    """From when calls will get through, as far as is known: calls that look for a reset may go before."""
    if today(budget, now).believed is not None:
        return resets_at(now, budget.offset)
    return opens_at(budget, live=live)


def held_by(budget: Budget, now: int) -> str:
    """The code of the reason why nothing, or no bulk work, goes out now."""
    current = today(budget, now)
    if current.believed is not None or budget.blocked_until <= now or budget.blocked_until == _ends(current):
        return "quota_used_up"
    return "crisp_unreachable" if budget.outages else "crisp_rate_limited"


def give_back(budget: Budget, count: int, now: int) -> Budget:
    """Calls that were granted and not made; what was used up by them is not."""
    budget = today(budget, now)
    used = max(0, budget.used - count)
    if budget.believed is not None:
        return replace(budget, used=used, believed=min(budget.believed, used))
    ends, blocked, bulk = _ends(budget), budget.blocked_until, budget.bulk_until
    opened = {"blocked_until": 0 if blocked == ends else blocked, "bulk_until": 0 if bulk < ends else bulk}
    return replace(budget, used=used, **(opened if count else {}))


def throttled(budget: Budget, retry_after: float | None, now: int) -> Budget:
    """Crisp said that a limit is met (after so many seconds it may be asked again): a pause, or the end of the day."""
    budget = today(budget, now)
    asked = int((retry_after or 0) * 1000)
    together = budget.limits_met > 0 and budget.blocked_until > now
    row = budget.limits_met or min(budget.outages, _AN_OUTAGE)
    strikes = row if together else min(row + 1, MOST_STRIKES)
    met = replace(budget, strikes=strikes)
    if QUARTER <= asked < DAY:
        offset = (now + asked) % DAY
        return _used_up(replace(met, offset=offset, day=_day(now, offset)), now + asked)
    if asked >= DAY or strikes >= _QUOTA or met.believed is not None:
        return _used_up(met, next_try(met, now))
    pause = asked if together else max(asked, _growing(strikes))
    return replace(met, blocked_until=max(budget.blocked_until, now + pause))


def answered(budget: Budget, now: int) -> Budget:
    """Crisp answered a call that costs quota: the row of limits is over, and there is quota."""
    if not budget.strikes or now < budget.blocked_until:  # it went out before the limit was met
        return budget
    budget = today(budget, now)
    in_time = now - budget.blocked_until <= _IN_TIME
    if budget.believed is not None and budget.strikes >= _AN_HOUR and in_time:
        offset = now % DAY // QUARTER * QUARTER
        begun = replace(budget, offset=offset, day=_day(now, offset), used=1, blocked_until=0, bulk_until=0)
        return replace(begun, strikes=0, believed=None, next_slot_at=now)
    slot = budget.next_slot_at if budget.believed is None else min(budget.next_slot_at, now)
    return replace(budget, strikes=0, believed=None, next_slot_at=slot)


def seconds_for(calls: int, budget: Budget, limits: Limits, now: int, per_second: float) -> float:
    """How long so many bulk calls take from now, at the rate that is reached and with the quota there is."""
    budget = today(budget, now)
    left = 0 if budget.believed is not None else max(0, _left(budget, limits, now, live=False))
    pace = min(per_second, limits.per_second or per_second)
    start = max(0, budget.blocked_until - now) / 1000
    if calls <= left:
        return start + calls / pace
    days, rest = divmod(calls - left - 1, max(1, limits.daily))
    return (resets_at(now, budget.offset) - now) / 1000 + days * DAY / 1000 + (rest + 1) / pace


def _day(now: int, offset: int) -> int:
    return (now - offset) // DAY


def _ends(budget: Budget) -> int:
    return (budget.day + 1) * DAY + budget.offset


def _tried_until(budget: Budget) -> int:
    """Of a quota that is believed to be used up: until when the call that looks whether it is there is waited for."""
    is_out = budget.believed is not None and budget.used > budget.believed
    return budget.next_slot_at if is_out else 0


def _used_up(budget: Budget, until: int) -> Budget:
    return replace(budget, believed=budget.used, blocked_until=until, bulk_until=0)


def _growing(strikes: int) -> int:
    return min(_SHORTEST << (strikes - 1), _LONGEST)


def _left(budget: Budget, limits: Limits, now: int, *, live: bool) -> int:
    if budget.believed is not None:  # the call that looks whether there is quota again
        return min(1, limits.daily - budget.used)
    released = live or resets_at(now, budget.offset) - now <= _RESERVE_RELEASED
    return limits.daily - (0 if released else _kept(limits)) - budget.used


def _kept(limits: Limits) -> int:
    return int(limits.daily * limits.reserve)


def _paced(budget: Budget, limits: Limits, count: int, now: int) -> tuple[tuple[int, ...], int]:
    if not limits.per_second:
        return (now,) * count, budget.next_slot_at
    gap = 1000 / limits.per_second
    first = max(now, budget.next_slot_at)
    return tuple(int(first + gap * index) for index in range(count)), int(first + gap * count + 0.999)
