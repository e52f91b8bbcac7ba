"""A brake on guessing: who sent too many wrong keys or codes within a minute has to wait."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable

from connector.errors import Problem

_MOST, _SECONDS = 10, 60
# Of so many senders it is known what they did; whoever has been quiet for longest is forgotten first.
_SENDERS = 10_000


class Brake:
    """Counts by sender, such as an address, in this process. `clock`: seconds that only go forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, sender: str) -> None:
        """Raises `key_slowed` while there are too many."""
        with self._lock:
            wrong = self._wrong.get(sender, deque())
            ends = wrong[0] + _SECONDS if len(wrong) == _MOST else 0.0
        if (left := ends - self._clock()) > 0:
            seconds = int(left) + 1
            raise Problem("key_slowed", seconds=seconds, retry_after=seconds)

    def count(self, sender: str) -> None:
        """One more that was wrong."""
        with self._lock:
            self._wrong.setdefault(sender, deque(maxlen=_MOST)).append(self._clock())
            self._wrong.move_to_end(sender)
            if len(self._wrong) > _SENDERS:
                self._wrong.popitem(last=False)
