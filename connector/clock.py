"""The time that all processes agree on: the database's, for a machine's own clock may be wrong or leap."""

import time
from collections.abc import Callable
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

# Seconds between two looks at the database's clock; between them the time goes on by a clock that never leaps.
_SYNC = 60.0


def now_ms() -> int:
    """UNIX milliseconds by this machine's clock."""
    return time.time_ns() // 1_000_000


def _steady() -> float:
    """Milliseconds since the machine was started, asleep or awake."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) / 1_000_000


class Clock:
    """UNIX milliseconds when called. `ask` tells the time that counts, and may be slow or fail."""

    def __init__(self, ask: Callable[[], int] = now_ms, steady: Callable[[], float] = _steady) -> None:
        self._ask, self._steady = ask, steady
        self._asking = Lock()
        self._offset = now_ms() - steady()
        self._asked_at = float("-inf")

    def __call__(self) -> int:
        """The time; once a minute it is set right."""
        if self._steady() - self._asked_at > _SYNC * 1000 and self._asking.acquire(blocking=False):
            try:
                self._set()
            finally:
                self._asking.release()
        return int(self._steady() + self._offset)

    def _set(self) -> None:
        before = self._steady()
        self._asked_at = before
        try:
            told = self._ask()
        except SQLAlchemyError:
            return  # The database is away: what it said before holds, and the next look comes by itself.
        self._asked_at = after = self._steady()
        self._offset = told - (before + after) / 2
