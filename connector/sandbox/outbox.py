"""A queue with one thread behind it: whoever puts something in never waits for what becomes of it."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Outbox(Generic[Item]):
    """Hands the items to one function, one after the other, in the order in which they came."""

    def __init__(self, deliver: Callable[[Item], None]) -> None:
        self._deliver = deliver
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._started = False

    @property
    def waiting(self) -> int:
        """How many are not done with, the one that is being delivered among them."""
        return self._waiting

    def put(self, item: Item) -> None:
        with self._lock:
            self._waiting += 1
            self._queue.put(item)
            if not self._started:
                self._started = True
                threading.Thread(target=self._work, name="sandbox-outbox", daemon=True).start()

    def clear(self) -> None:
        """Forget what has not been begun."""
        while True:
            try:
                self._queue.get_nowait()
            except Empty:
                return
            self._done()

    def _work(self) -> None:
        while True:
            item = self._queue.get()
            try:
                self._deliver(item)
            finally:
                self._done()

    def _done(self) -> None:
        with self._lock:
            self._waiting -= 1
