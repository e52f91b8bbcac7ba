"""Crisp's limits: calls per UTC day and calls per second."""

import threading

SECONDS_PER_DAY = 86_400


class Limits:
    """Counts what was let through; a refused call costs nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._day = 0
            self._used = 0
            self._tokens: float | None = None
            self._filled_at = 0.0

    def take(self, now: float, *, daily_quota: int | None, rate: float | None) -> str | None:
        """Let one call through, or say why not: the reason for the envelope.

        The rate is a bucket that holds one second's calls and fills evenly: jitter is forgiven, a longer burst
        is not. Crisp documents neither its window nor its day; the day is taken as UTC.
        """
        with self._lock:
            self._turn_day(now)
            if daily_quota is not None and self._used >= daily_quota:
                return "quota_limit_exceeded"
            if rate is not None and not self._take_token(now, rate):
                return "rate_limited"
            self._used += 1
            return None

    def _turn_day(self, now: float) -> None:
        day = int(now // SECONDS_PER_DAY)
        if day != self._day:
            self._day, self._used = day, 0

    def _take_token(self, now: float, rate: float) -> bool:
        capacity = max(1.0, rate)
        held = capacity if self._tokens is None else self._tokens + max(0.0, now - self._filled_at) * rate
        self._tokens, self._filled_at = min(capacity, held), now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
