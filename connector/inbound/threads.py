"""Threads that do what is due, one thing after the other, and look again when nothing is."""

import threading
from abc import ABC, abstractmethod

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.inbound.needs import Needs
from connector.ledger import DatabaseProblem

log = structlog.get_logger()

# Seconds between two looks for what nobody kicked for.
_LOOK = 1.0


class Threads(ABC):
    """Does what is due, from `start` until `stop`, in a few threads of this name."""

    def __init__(self, needs: Needs, name: str, count: int) -> None:
        self._needs, self._name, self._count = needs, name, count
        self._stop, self._kicked = threading.Event(), threading.Event()
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
        while not self._stop.is_set():
            if not self._guarded():
                self._kicked.wait(_LOOK)
                self._kicked.clear()

    def _guarded(self) -> bool:
        """A database that is away, or a mistake of ours, must not end it."""
        try:
            return self._turn()
        except (SQLAlchemyError, DatabaseProblem) as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)
        except Exception:
            log.exception("engine_failed")
        return False
