"""The day's quota of a connection: how many calls may be made now, and if none, from when. Pure; time is passed in."""

from dataclasses import dataclass, replace

DAY = 86_400_000
# Crisp does not say when its quota resets; 00:00 UTC is assumed.
_RESERVE_RELEASED = 3_600_000
_PAUSES = (1_000, 60_000)


@dataclass(frozen=True, slots=True)
class Limits:
    """`daily`: calls a day; `per_second`: calls a second, None for no limit; `reserve`: the share of the day kept for
    live work until the last hour."""

    daily: int
    per_second: int | None = None
    reserve: float = 0.05


@dataclass(frozen=True, slots=True)
class Budget:
    """What was used. Times in UNIX milliseconds; `day` counts days since 1970; `strikes`: limits met in a row;
    `blocked_until` and `bulk_until`: nothing, or no bulk work, may be sent before."""

    day: int = 0
    used: int = 0
    next_slot_at: int = 0
    blocked_until: int = 0
    bulk_until: int = 0
    strikes: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """Calls that may be made, each from its own moment on; `wait_until` when there are fewer than asked for."""

    budget: Budget
    slots: tuple[int, ...]
    wait_until: int | None


def resets_at(now: int) -> int:
    """The next 00:00 UTC."""
    return (now // DAY + 1) * DAY


def take(budget: Budget, limits: Limits, count: int, now: int, *, live: bool) -> Grant:
    """Up to `count` calls: within the day's quota (bulk leaves the reserve to live work), paced by the rate."""
    budget = reopened(_today(budget, now), limits)
    if (open_at := opens_at(budget, live=live)) > now:
        return Grant(budget, (), open_at)
    granted = max(0, min(count, _left(budget, limits, now, live=live)))
    slots, next_slot_at = _paced(budget, limits, granted, now)
    spent = replace(budget, used=budget.used + granted, next_slot_at=next_slot_at)
    if granted == count:
        return Grant(spent, slots, None)
    if spent.used >= limits.daily:
        return Grant(replace(spent, blocked_until=resets_at(now)), slots, resets_at(now))
    released_at = resets_at(now) - _RESERVE_RELEASED
    return Grant(replace(spent, bulk_until=released_at), slots, released_at)


def reopened(budget: Budget, limits: Limits) -> Budget:
    """Without the pauses of a quota that was used up and has room by now: it was raised. Pauses of Crisp's stay."""
    tomorrow = (budget.day + 1) * DAY
    if budget.blocked_until == tomorrow and budget.used < limits.daily:
        budget = replace(budget, blocked_until=0)
    if budget.bulk_until == tomorrow - _RESERVE_RELEASED and budget.used < limits.daily - _kept(limits):
        budget = replace(budget, bulk_until=0)
    return budget


def opens_at(budget: Budget, *, live: bool) -> int:
    """From when calls may be made, as far as pauses go."""
    return budget.blocked_until if live else max(budget.blocked_until, budget.bulk_until)


def give_back(budget: Budget, count: int, now: int) -> Budget:
    """Calls that were granted and not made."""
    budget = _today(budget, now)
    return replace(budget, used=max(0, budget.used - count))


def throttled(budget: Budget, retry_after: float | None, now: int) -> Budget:
    """Crisp said that a limit is met: pause as long as it says, else longer each time in a row."""
    budget = _today(budget, now)
    shortest, longest = _PAUSES
    pause = retry_after * 1000 if retry_after is not None else min(shortest * 2**budget.strikes, longest)
    return replace(
        budget, blocked_until=max(budget.blocked_until, now + int(pause)), strikes=min(budget.strikes + 1, 16)
    )


def answered(budget: Budget) -> Budget:
    """Crisp answered: the row of limits met is over."""
    return replace(budget, strikes=0) if budget.strikes else budget


def seconds_for(calls: int, budget: Budget, limits: Limits, now: int, per_second: float) -> float:
    """How long so many bulk calls take from now, at the rate that is reached and with the quota there is."""
    budget = _today(budget, now)
    left = max(0, _left(budget, limits, now, live=False))
    pace = min(per_second, limits.per_second or per_second)
    start = max(0, budget.blocked_until - now) / 1000
    if calls <= left:
        return start + calls / pace
    days, rest = divmod(calls - left - 1, max(1, limits.daily))
    return (resets_at(now) - now) / 1000 + days * DAY / 1000 + (rest + 1) / pace


def _today(budget: Budget, now: int) -> Budget:
    today = now // DAY
    return budget if budget.day == today else replace(budget, day=today, used=0)


def _left(budget: Budget, limits: Limits, now: int, *, live: bool) -> int:
    released = live or resets_at(now) - now <= _RESERVE_RELEASED
    return limits.daily - (0 if released else _kept(limits)) - budget.used


def _kept(limits: Limits) -> int:
    return int(limits.daily * limits.reserve)


def _paced(budget: Budget, limits: Limits, count: int, now: int) -> tuple[tuple[int, ...], int]:
    if not limits.per_second:
        return (now,) * count, budget.next_slot_at
    gap = 1000 / limits.per_second
    first = max(now, budget.next_slot_at)
    return tuple(int(first + gap * index) for index in range(count)), int(first + gap * count + 0.999)
