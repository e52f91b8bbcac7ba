"""What goes wrong at Crisp by promise 3: shares of calls that fail, and limits that come and go."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

# Seconds that whoever calls waits for an answer. The sandbox applies a call that "times out" and answers it later.
PATIENCE = 1
_FAULTS = {"error_rate": 0.10, "timeout_rate": 0.05, "timeout_s": 1.5}
# The status of a limit, and what Retry-After says.
_LIMITS = ((429, 1), (420, None), (429, None), (420, 1))
# Seconds without a limit, and with one of so few calls per second.
_FREE, _LIMITED, _RATE = 2, 0.5, 5


@contextmanager
def harassed(change: Callable[..., None]) -> Iterator[None]:
    """Meanwhile calls fail, and every now and then there is a limit for a moment. `change` sets the sandbox's switches:
    whoever is harassed, it is the same for all."""
    over = threading.Event()
    change(**_FAULTS)
    harassing = threading.Thread(target=_limit, args=(change, over))
    harassing.start()
    try:
        yield
    finally:
        over.set()
        harassing.join()
        change(error_rate=0, timeout_rate=0)


def _limit(change: Callable[..., None], over: threading.Event) -> None:
    limits = cycle(_LIMITS)
    while not over.wait(_FREE):
        status, retry_after = next(limits)
        change(rate=_RATE, limit_status=status, retry_after=retry_after)
        over.wait(_LIMITED)
        change(rate=None, retry_after=None)
