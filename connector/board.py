"""The board: where those who wait for a record's outcome are told. Other processes' outcomes are found by looking."""

import threading
from collections.abc import Callable, Iterable

# Seconds between two looks at a record that another process may have finished.
_LOOK = 0.25


class Board:
    """Of one process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, int] = {}
        self._told: set[str] = set()
        self._closed = False

    def announce(self, record_ids: Iterable[str]) -> None:
        """Something became of these records."""
        with self._changed:
            told = {record_id for record_id in record_ids if record_id in self._waiting}
            if told:
                self._told |= told
                self._changed.notify_all()

    def close(self) -> None:
        """Everybody stops waiting: the process ends."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, record_id: str, look: Callable[[], bool], seconds: float, now: Callable[[], float]) -> None:
        """Returns when `look` says so, after so many seconds, or when the board is closed."""
        until, pause = now() + seconds, 0.02
        with self._changed:
            self._waiting[record_id] = self._waiting.get(record_id, 0) + 1
        try:
            while not self._closed and not look() and (left := until - now()) > 0:
                pause = self._sleep(record_id, min(pause, left)) or min(pause * 1.5, _LOOK)
        finally:
            self._leave(record_id)

    def _sleep(self, record_id: str, seconds: float) -> float | None:
        """Sleeps until told; a told record is looked at soon again, for its outcome may be a retry."""
        with self._changed:
            self._changed.wait_for(lambda: record_id in self._told or self._closed, seconds)
            if record_id in self._told:
                self._told.discard(record_id)
                return 0.02
        return None

    def _leave(self, record_id: str) -> None:
        with self._changed:
            left = self._waiting.pop(record_id) - 1
            if left:
                self._waiting[record_id] = left
            else:
                self._told.discard(record_id)
