"""Calls that are bought go out as slots and places come free, live ones first; a place is never idle for a turn."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from queue import SimpleQueue
from threading import Event, Lock

import structlog

from connector.courier.job import Job
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply

log = structlog.get_logger()

Answered = tuple[Job, Call, Reply | Failure]


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
        self._ready: deque[Job] = deque()
        self._slots: deque[int] = deque()
        self.answers: SimpleQueue[Answered | None] = SimpleQueue()
        self.flying = 0

    @property
    def ready(self) -> int:
        """Calls that are bought and have not gone out."""
        return len(self._ready)

    def add(self, jobs: Sequence[Job], slots: Sequence[int]) -> None:
        """Jobs whose calls are bought, and from when each call may go out."""
        with self._lock:
            self._ready.extend(jobs)
            self._slots.extend(slots)

    def recall(self) -> list[Job]:
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
            return max(0.0, (self._slots[0] - self._clock()) / 1000)

    def _next(self) -> Job | None:
        with self._lock:
            if self.flying >= self._places or self._stop.is_set():
                return None
            if not self._slots or self._slots[0] > self._clock():
                return None
            job = next((job for job in self._ready if job.live), self._ready[0])
            self._ready.remove(job)
            self._slots.popleft()
            self.flying += 1
            return job

    def _landed(self) -> None:
        with self._lock:
            self.flying -= 1

    def _carry(self, first: Job) -> None:
        job: Job | None = first
        while job is not None and job.call is not None:
            call = job.call
            answer = self._answer(call)
            self._landed()
            self.answers.put((job, call, answer))
            job = self._next()

    def _answer(self, call: Call) -> Reply | Failure:
        try:
            return self._send(call)
        except Exception as problem:  # An answer must come, or the drain waits for it for ever.
            log.error("call_broken", route=call.route, reason=type(problem).__name__)
            return Failure("call_broken", sent=True)
