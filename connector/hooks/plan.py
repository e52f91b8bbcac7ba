"""What follows an attempt to tell a subscriber: done, again later, given up, or unsubscribed. Without any I/O."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from connector.pauses import http_date
from connector.saying import say

Status = Literal["waiting", "delivered", "dead"]
STATUSES: tuple[Status, ...] = ("waiting", "delivered", "dead")

# Seconds from one attempt to the next: the example schedule of Standard Webhooks, 75 hours in all.
SCHEDULE = "0,5,300,1800,7200,18000,36000,50400,72000,86400"
# The share by which a pause is lengthened or shortened by chance, so that what failed together does not come together.
_JITTER = 0.1
# Whose `Retry-After` is honoured, and how long at most (milliseconds).
_ASKS_FOR_A_PAUSE = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_LONGEST_PAUSE = 86_400_000
# Nothing but failures for so long (milliseconds) ends a subscription, once a delivery has failed so many times: after
# a quiet week a first hiccup alone does not.
PATIENCE, _SETTLED = 5 * 86_400_000, 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: when it ended (UNIX milliseconds), how long it took (milliseconds), and what came of it: `status`,
    or the `reason` why there is none. `retry_after`: that header as it is."""

    at: int
    ms: int
    status: int | None = None
    reason: str | None = None
    retry_after: str | None = None

    @property
    def succeeded(self) -> bool:
        """Only 2xx is success; a redirect is none."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def words(self) -> str:
        """What came of it, in words."""
        return self.reason or say("it answered {status}", status=self.status)

    def as_json(self) -> dict[str, Any]:
        """`{at, status or reason, ms}`: a line of the trail."""
        told: dict[str, Any] = {"status": self.status} if self.reason is None else {"reason": self.reason}
        return {"at": self.at, **told, "ms": self.ms}


@dataclass(frozen=True, slots=True)
class Next:
    """What follows: `due_at`: the next attempt (UNIX milliseconds); `gone`: the subscriber is no more (410);
    `resume_at`: until then it asked to be left alone."""

    status: Status
    due_at: int | None = None
    gone: bool = False
    resume_at: int | None = None


def read_schedule(written: str) -> tuple[int, ...]:
    """Seconds from one attempt to the next."""
    return tuple(int(each) for each in written.split(","))


def following(attempt: Attempt, attempts: int, schedule: Sequence[int], dice: float) -> Next:
    """What follows this attempt, which is number `attempts` (from 1). `dice`: by chance, from 0 to 1."""
    if attempt.succeeded:
        return Next("delivered")
    if attempt.status == HTTPStatus.GONE:
        return Next("dead", gone=True)
    resume_at = _resume_at(attempt)
    if attempts >= len(schedule):
        return Next("dead", resume_at=resume_at)
    due_at = attempt.at + later(schedule[attempts], dice)
    return Next("waiting", max(due_at, resume_at or 0), resume_at=resume_at)


def later(seconds: float, dice: float) -> int:
    """A pause in milliseconds, up to a tenth longer or shorter."""
    return round(seconds * 1000 * (1 + _JITTER * (2 * dice - 1)))


def is_over(failing_since: int | None, attempts: int, now: int, *, last: bool) -> bool:
    """Whether a subscription that has failed since then, and just now for the `attempts`-th time with one delivery
    (`last`: which is given up), is to be disabled."""
    if failing_since is None or now - failing_since < PATIENCE:
        return False
    return last or attempts >= _SETTLED


def _resume_at(attempt: Attempt) -> int | None:
    """Until when the subscriber asks to be left alone: seconds or a date (RFC 9110, 10.2.3); None for nonsense."""
    if attempt.retry_after is None or attempt.status not in _ASKS_FOR_A_PAUSE:
        return None
    try:
        pause = float(attempt.retry_after) * 1000
    except ValueError:
        moment = http_date(attempt.retry_after)
        pause = math.nan if moment is None else moment * 1000 - attempt.at
    return attempt.at + round(min(max(pause, 0), _LONGEST_PAUSE)) if math.isfinite(pause) else None
