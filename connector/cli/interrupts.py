"""Ctrl-C where a database is at work: between two steps, not in the middle of one."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SOON = b"Stopping after this step. Ctrl-C once more stops at once.\n"
_STDERR = 2


class Interrupts:
    """Ctrl-C, held back until a step is done."""

    def __init__(self, soon: bytes) -> None:
        self._soon = soon
        self._pressed = self._idle = False

    def check(self) -> None:
        """Raises KeyboardInterrupt when it was pressed."""
        if self._pressed:
            raise KeyboardInterrupt

    def wait(self, seconds: float) -> None:
        """Rests; whoever presses it meanwhile is heard at once."""
        self._idle = True
        try:
            self.check()
            time.sleep(seconds)
        finally:
            self._idle = False

    def press(self, *_: Any) -> None:
        """The handler of the signal. Twice is at once."""
        if self._pressed or self._idle:
            raise KeyboardInterrupt
        self._pressed = True
        os.write(_STDERR, self._soon)  # past the buffer, in which somebody may be writing just now


@contextmanager
def interrupts_held(soon: bytes = _SOON) -> Iterator[Interrupts]:
    """Holds Ctrl-C back until `check` or `wait` is called, and raises KeyboardInterrupt there. `soon` is
    said when it is pressed.

    Python raises it between any two instructions. In the middle of giving a connection back it is swallowed by whoever
    tidies up there, or leaves the connection with the database's lock, for which this very process then waits.
    """
    held = Interrupts(soon)
    before = signal.signal(signal.SIGINT, held.press)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, before)
