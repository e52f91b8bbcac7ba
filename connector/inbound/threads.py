"""Threads that do what is due, one thing after the other, and look again when nothing is."""

import threading
import time
from abc import ABC, abstractmethod

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.inbound.needs import Needs
from connector.ledger import DatabaseProblem

log = structlog.get_logger()

# Seconds between two looks for what nobody kicked for, unless one says otherwise.
_LOOK = 1.0


class Threads(ABC):
    """Does what is due, from `start` until `stop`, in a few threads of this name."""

    def __init__(self, needs: Needs, name: str, count: int, *, look: float = _LOOK) -> None:
        self._needs, self._name, self._count, self._look = needs, name, count, look
        self._stop, self._kicked = threading.Event(), threading.Event()
        self._looking, self._look_at = threading.Lock(), 0.0
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begins."""
        for number in range(self._count):
            self._threads.append(threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """Lets what is in hand finish, and ends."""
        self._stop.set()
        self._kicked.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def kick(self) -> None:
        """There is something new: it need not wait for the next look."""
        self._kicked.set()

    @abstractmethod
    def _turn(self) -> bool:
        """Does one thing; False when nothing is due."""

    def _run(self) -> None:
        kicked = True
        while not self._stop.is_set():
            if (kicked or self._is_time()) and self._guarded():
                kicked = True  # there may be more
            else:
                kicked = self._kicked.wait(self._look)
                self._kicked.clear()

    def _is_time(self) -> bool:
        """Whether nobody has looked for long: of all who have nothing to do, one looks."""
        with self._looking:
            now = time.monotonic()
            if now < self._look_at:
                return False
            self._look_at = now + self._look
            return True

    def _guarded(self) -> bool:
        """A database that is away, or a mistake of ours, must not end it."""
        try:
            return self._turn()
        except (SQLAlchemyError, DatabaseProblem) as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)
        except Exception:
            log.exception("engine_failed")
        return False
