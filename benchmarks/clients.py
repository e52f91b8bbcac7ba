"""A few clients at once, and what they get done."""

import threading
import time
from collections.abc import Callable

CLIENTS = 4


def rate(client: Callable[[float, list[int], int], None], seconds: float) -> float:
    """How much is done in a second. A client is told until when (`time.perf_counter`), and where it counts: in a list,
    at its own place."""
    counts = [0] * CLIENTS
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=client, args=(until, counts, index)) for index in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)
