"""A pace: how often something may be done in a minute, kept by waiting."""

import time
from collections.abc import Callable

from connector.sinks.base import Stopped, Wait, sleep


class Pace:
    """A token bucket (Turner, 1986): `burst` at once, and never more than `per_minute` in any 60 seconds."""

    def __init__(
        self,
        per_minute: int,
        burst: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = sleep,
    ) -> None:
        """`clock` gives seconds that only grow; `burst` is less than `per_minute`."""
        self._burst, self._clock, self._wait = burst, clock, wait
        # What is full at the beginning of a minute is spent in it on top of what flows in.
        self._per_second = (per_minute - burst) / 60
        self._tokens, self._seen_at = float(burst), clock()

    def take(self) -> None:
        """Takes one, when there is one. Raises `Stopped` when the process is to end before it."""
        self._fill()
        if self._wait(max(0.0, (1 - self._tokens) / self._per_second)):
            raise Stopped
        self._fill()
        self._tokens -= 1

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._seen_at) * self._per_second)
        self._seen_at = now
