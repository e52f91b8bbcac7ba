"""Wake-ups between processes and machines: "drain this connection", "sweep". Huey carries them, and nothing else.

A wake-up that is lost costs a moment, never a record: the ledger holds the truth, and every engine looks for work
that nobody woke it for. Huey's own consumer is not used: it polls up to 10 s apart and takes the process's signals.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from connector.settings import Settings, SettingsProblem

if TYPE_CHECKING:
    from huey import Huey

log = structlog.get_logger()

# The modules that speak to queues which are no file.
_DRIVERS = {"postgresql": "psycopg", "redis": "redis", "rediss": "redis"}
# Seconds: how often a queue is asked that cannot tell by itself.
_POLL = 0.1
# Seconds that a queue which did not answer is left alone.
_REST = 2.0
# So many wake-ups wait to be taken at most; they are counted once in so many seconds.
_MOST, _COUNT = 1_000, 1.0
# Seconds between two words in the log that it is away.
_TELL = 60.0


class WakeUps:
    """Sends wake-ups, and listens for those of all processes."""

    def __init__(self, queue: "Huey") -> None:
        logging.getLogger("huey").setLevel(logging.ERROR)
        self._queue = queue
        self._drain: Callable[[str, bool], None] = _nobody
        self._sweep: Callable[[], None] = _nobody
        self._send_drain = queue.task(name="drain")(lambda connection_id, live: self._drain(connection_id, live))
        self._send_sweep = queue.task(name="sweep")(lambda: self._sweep())
        self._rests_until = self._tell_at = 0.0
        self._told_away, self._lock = False, Lock()
        self._count_at, self._full = 0.0, False

    def drain(self, connection_id: str, live: bool) -> None:
        """Somebody is to deliver for this connection; `live`: at once."""
        self._send(self._send_drain, connection_id, live)

    def sweep(self) -> None:
        """Somebody is to tidy up, and to look for work."""
        self._send(self._send_sweep)

    def reachable(self) -> bool:
        """Whether the queue answers."""
        try:
            self._queue.pending_count()
        except Exception as problem:
            self._away(problem)
            return False
        self._back()
        return True

    def listen(self, drain: Callable[[str, bool], None], sweep: Callable[[], None], stop: Event) -> None:
        """Hands on what comes in, until told to stop. Goes on by itself when the queue was away."""
        self._drain, self._sweep = drain, sweep
        while not stop.is_set():
            try:
                task = self._queue.dequeue()
                if self._told_away:
                    self.reachable()  # Redis that keeps silent looks like a queue that is empty.
                if task is not None:
                    self._queue.execute(task)
                elif not self._queue.storage.blocking:
                    stop.wait(_POLL)
            except Exception as problem:
                self._away(problem)
                stop.wait(_REST)
        self.close()  # PostgreSQL tells each thread over a connection of its own, which only that thread can close.

    def close(self) -> None:
        """Gives the queue's connection back."""
        self._queue.storage.close()

    def _send(self, task: Callable[..., Any], *args: str | bool) -> None:
        if time.monotonic() < self._rests_until:
            return  # The request must not wait for a queue that is away; the work is found without it.
        try:
            if self._is_full():
                return
            task(*args)
        except Exception as problem:
            self._away(problem)
        else:
            self._back()

    def _is_full(self) -> bool:
        """Whether nobody takes wake-ups away: then no more are heaped up. Looked at once a second."""
        now = time.monotonic()
        if now >= self._count_at:
            self._count_at, self._full = now + _COUNT, self._queue.pending_count() >= _MOST
        return self._full

    def _away(self, problem: Exception) -> None:
        """Told when it begins and once a minute; the exception's text may show where the queue is, and as whom."""
        with self._lock:
            now = time.monotonic()
            self._rests_until = now + _REST
            if now < self._tell_at:
                return
            self._tell_at, self._told_away = now + _TELL, True
        log.warning("queue_unavailable", reason=type(problem).__name__)

    def _back(self) -> None:
        """Told once, when it was told that the queue is away."""
        if not self._told_away:
            return  # Nearly always: no lock for each request.
        with self._lock:
            told, self._told_away = self._told_away, False
        if told:
            log.info("queue_back")


def _nobody(*_args: str | bool) -> None:
    """Nobody listens in this process."""


def open_wakeups(settings: Settings) -> WakeUps:
    """The queue of the settings; all that a process opens are of one kind.

    Raises `SettingsProblem` when it can never be one, `OSError` and the like not at all: a queue that is away comes
    back.
    """
    url = _queue_url(settings)
    with _spared(*{*_DRIVERS.values()} - {_DRIVERS.get(url.get_backend_name())}):
        from connector.queues import open_queue
    return WakeUps(open_queue(url))


@contextmanager
def _spared(*drivers: str) -> Iterator[None]:
    """Huey loads every driver that it finds: 16 MB and a fifth of a second of them for a queue in a file. Meanwhile
    those that nobody has loaded cannot be found."""
    modules: dict[str, Any] = sys.modules
    hidden = [name for name in drivers if name not in modules]
    modules.update(dict.fromkeys(hidden))  # None says that there is no such module
    try:
        yield
    finally:
        for name in hidden:
            modules.pop(name, None)


def _queue_url(settings: Settings) -> URL:
    """Where the queue is: the database when that is PostgreSQL, else a file, unless something is said."""
    if settings.queue_url:
        return _parsed(settings.queue_url)
    database = make_url(settings.database)
    if database.get_backend_name() == "postgresql":
        return database
    return make_url(f"sqlite:///{settings.data_dir / 'queue.db'}")


def _parsed(written: str) -> URL:
    try:
        return make_url(written)
    except (ArgumentError, ValueError):
        raise SettingsProblem("CONNECTOR_QUEUE_URL must look like redis://host:6379/0.") from None
