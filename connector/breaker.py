"""The breaker of a connection: when Crisp fails for everybody, one call tries at a time. Pure; the budget keeps it.

| it is | what happens | then |
|---|---|---|
| closed | the eighth call in a row fails (5xx, no answer in time, not reached) | open, with a pause |
| closed, and one call looks whether a limit is over | it fails | open, with a pause; the row goes on |
| open: nothing is sent in the pause | a call that was in flight fails | open |
| | somebody waits in person: one call goes all the same | as the answer says |
| half open: the pause is over, one call goes | it fails | open, with a longer pause |
| open or half open | Crisp answers (a GET is no sign: its edge may answer that) | closed |

The pauses are random up to 1, 2, 4 … 60 s (full jitter), at least as long as Crisp asks, at most a quarter of an hour.
While a quota is believed to be used up one call tries each quarter of an hour, whether it fails or is refused.

What fails while the breaker is open is not the record's fault: its age does not count. So eight records that Crisp can
never take, with nothing else on their connection that it takes, wait for ever: by what is seen that is an outage.
"""

from collections.abc import Callable
from dataclasses import replace

from connector.budget import MOST_STRIKES, QUARTER, Budget, Grant, next_try, today

# Where every fourth call fails, so many in a row come once in 65,000 calls.
ENOUGH = 8
_SHORTEST, _LONGEST = 1_000, 60_000


def failed(budget: Budget, in_a_row: int, retry_after: float | None, now: int, chance: float) -> Budget:
    """The budget after a call that failed, with so many others before it; `chance`: from 0 to 1, of the pause."""
    budget = today(budget, now)
    half_open = budget.strikes != 0
    if budget.blocked_until > now or not (half_open or in_a_row >= ENOUGH):
        return budget
    outages = min(abs(budget.strikes) + 1, MOST_STRIKES)
    longest = min(_SHORTEST << (outages - 1), _LONGEST)
    pause = max(int(chance * longest), min(int((retry_after or 0) * 1000), QUARTER))
    until = now + pause if budget.believed is None else next_try(budget, now)
    return replace(budget, strikes=-outages, blocked_until=until)


def closed(budget: Budget, now: int) -> Budget:
    """The budget after an answer of Crisp's. One before the next try says nothing of a quota that is used up."""
    if not budget.outages or budget.believed is not None:
        return budget
    return replace(budget, strikes=0, blocked_until=min(budget.blocked_until, now))


def hurried(budget: Budget, take: Callable[[Budget], Grant]) -> Grant:
    """What is granted to a call that somebody waits for in person: an outage's pause holds all others back, not it.
    A quota that is believed to be used up holds it, too."""
    if not budget.outages or budget.believed is not None:
        return take(budget)
    grant = take(replace(budget, blocked_until=0))
    held = max(budget.blocked_until, grant.budget.blocked_until)
    return replace(grant, budget=replace(grant.budget, blocked_until=held))
