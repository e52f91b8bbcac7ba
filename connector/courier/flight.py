"""Calls that are bought go out as slots and places come free, live ones first; a place is never idle for a turn."""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from queue import SimpleQueue
from threading import Event, Lock

import structlog

from connector.courier.bundle import Carried
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply

log = structlog.get_logger()

Answered = tuple[Carried, Call, Reply | Failure]

# Milliseconds by which a call may follow sooner than the rate says, when the one before was late by as much: no thread
# wakes on time, and what each call loses would never be made up for.
_LATE = 5


def timed(send: Callable[[Call], Reply | Failure], call: Call) -> Reply | Failure:
    """The answer to a call, with how long it took."""
    began = time.perf_counter()
    answer = send(call)
    return replace(answer, ms=round((time.perf_counter() - began) * 1000, 1))


class Flight:
    """Jobs that are ready, each with a slot, and the calls under way. Whoever brings an answer takes the next call."""

    def __init__(
        self,
        pool: Executor,
        places: int,
        send: Callable[[Call], Reply | Failure],
        clock: Callable[[], int],
        stop: Event,
    ) -> None:
        self._pool, self._places, self._send, self._clock, self._stop = pool, places, send, clock, stop
        self._lock = Lock()
        self._ready: deque[Carried] = deque()
        self._slots: deque[int] = deque()
        # Milliseconds between two calls, and from when on the last one lets another follow.
        self._gap = self._follows_at = 0.0
        self.answers: SimpleQueue[Answered | None] = SimpleQueue()
        self.flying = 0
        # Until when the lease is ours (UNIX milliseconds): who slept longer must send nothing that was bought before.
        self.until = math.inf

    @property
    def ready(self) -> int:
        """Calls that are bought and have not gone out."""
        return len(self._ready)

    def add(self, jobs: Sequence[Carried], slots: Sequence[int], per_second: int | None = None) -> None:
        """Jobs whose calls are bought, and from when each call may go out; `per_second`: the rate of them all.

        Slots that pass by unused, for want of a place, are still bought: their calls go out later, as far apart.
        """
        with self._lock:
            self._gap = 1000 / per_second if per_second else 0.0
            self._ready.extend(jobs)
            self._slots.extend(slots)

    def recall(self) -> list[Carried]:
        """Takes back every job whose call has not gone out."""
        with self._lock:
            jobs = list(self._ready)
            self._ready.clear()
            self._slots.clear()
        return jobs

    def launch(self) -> None:
        """Sends what may go out now."""
        while (job := self._next()) is not None:
            try:
                self._pool.submit(self._carry, job)
            except RuntimeError:  # The pool is closed; what the job holds is free again with the lease.
                self._landed()
                raise

    def seconds_to_next(self) -> float | None:
        """Until the next call may go out; None when that depends on something else."""
        with self._lock:
            if not self._slots or self.flying >= self._places or self._stop.is_set():
                return None
            now = self._clock()
            return max(0.0, (self._due(now) - now) / 1000)

    def _due(self, now: int) -> int:
        """From when the next call may go out. A clock that was set back since the last one must not hold it up."""
        follows_at = math.ceil(self._follows_at)
        return max(self._slots[0], follows_at if follows_at <= now + self._gap + 1 else now)

    def _next(self) -> Carried | None:
        with self._lock:
            if self.flying >= self._places or self._stop.is_set():
                return None
            now = self._clock()
            if not self._slots or not self._due(now) <= now < self.until:
                return None
            job = next((job for job in self._ready if job.live), self._ready[0])
            self._ready.remove(job)
            self._slots.popleft()
            self._follows_at = max(min(self._follows_at, now), now - _LATE) + self._gap
            self.flying += 1
            return job

    def _landed(self) -> None:
        with self._lock:
            self.flying -= 1

    def _carry(self, first: Carried) -> None:
        job: Carried | None = first
        while job is not None and job.call is not None:
            call = job.call
            answer = self._answer(call)
            self._landed()
            self.answers.put((job, call, answer))
            job = self._next()

    def _answer(self, call: Call) -> Reply | Failure:
        try:
            return timed(self._send, call)
        except Exception as problem:  # An answer must come, or the drain waits for it for ever.
            log.error("call_broken", route=call.route, reason=type(problem).__name__)
            return Failure("call_broken", sent=True)
