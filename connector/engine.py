"""The engine: wakes the courier. One thread decides, a few deliver; requests wait for outcomes at the board."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.courier import Courier
from connector.ledger import Ledger, requests, work

log = structlog.get_logger()

# Seconds between looks for work that no wake-up announced: retries that became due, other processes' records.
_LOOK = 0.25
_SWEEP = 60.0
# Records of an import that was not accepted whole within an hour are of a sender who went away (milliseconds).
_UNSEALED = 3_600_000


class Board:
    """Where those who wait for a record's outcome are told. Other processes' outcomes are found by looking."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, int] = {}
        self._told: set[str] = set()
        self._closed = False

    def announce(self, record_ids: Iterable[str]) -> None:
        """Something became of these records."""
        with self._changed:
            told = {record_id for record_id in record_ids if record_id in self._waiting}
            if told:
                self._told |= told
                self._changed.notify_all()

    def close(self) -> None:
        """Everybody stops waiting: the process ends."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, record_id: str, look: Callable[[], bool], seconds: float, now: Callable[[], float]) -> None:
        """Returns when `look` says so, after so many seconds, or when the board is closed."""
        until, pause = now() + seconds, 0.02
        with self._changed:
            self._waiting[record_id] = self._waiting.get(record_id, 0) + 1
        try:
            while not self._closed and not look() and (left := until - now()) > 0:
                pause = self._sleep(record_id, min(pause, left)) or min(pause * 1.5, _LOOK)
        finally:
            self._leave(record_id)

    def _sleep(self, record_id: str, seconds: float) -> float | None:
        """Sleeps until told; a told record is looked at soon again, for its outcome may be a retry."""
        with self._changed:
            self._changed.wait_for(lambda: record_id in self._told or self._closed, seconds)
            if record_id in self._told:
                self._told.discard(record_id)
                return 0.02
        return None

    def _leave(self, record_id: str) -> None:
        with self._changed:
            left = self._waiting.pop(record_id) - 1
            if left:
                self._waiting[record_id] = left
            else:
                self._told.discard(record_id)


class Engine:
    """Delivers in this process, from `start` until `stop`."""

    def __init__(self, ledger: Ledger, courier: Courier, board: Board, drains: int) -> None:
        self.ledger, self.courier, self.board = ledger, courier, board
        self._drains = drains
        self._changed = threading.Condition()
        self._woken: set[str] = set()
        self._busy: dict[str, bool] = {}
        self._stop = threading.Event()
        self._threads: ThreadPoolExecutor | None = None
        self._thread: threading.Thread | None = None
        self._sweep_at = 0.0
        self._look_at = 0

    def start(self) -> None:
        """Begins to deliver."""
        self._threads = ThreadPoolExecutor(self._drains, thread_name_prefix="drain")
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def wake(self, connection_id: str) -> None:
        """There is new work for this connection."""
        with self._changed:
            self._woken.add(connection_id)
            self._changed.notify()

    def begin_stop(self) -> None:
        """Takes on nothing new; those who wait are answered with what is known."""
        self._stop.set()
        self.board.close()
        with self._changed:
            self._changed.notify()

    def stop(self) -> None:
        """Lets calls in flight finish, gives the leases back and ends."""
        self.begin_stop()
        if self._thread is not None and self._threads is not None:
            self._thread.join()
            self._threads.shutdown()
        self.courier.close()

    def _run(self) -> None:
        clock = self.courier.clock
        while not self._stop.is_set():
            try:
                self._sweep(clock())
                self._dispatch(self._due(clock()))
            except SQLAlchemyError as problem:
                log.warning("database_unavailable", reason=type(problem).__name__)
                self._stop.wait(1)
            except Exception:
                # A mistake of ours must not end all delivering.
                log.exception("engine_failed")
                self._stop.wait(1)
            with self._changed:
                self._changed.wait_for(lambda: bool(self._woken) or self._stop.is_set(), _LOOK)

    def _due(self, now: int) -> Iterable[str]:
        """Who was woken; and now and then, however often that happens, who has work that nobody woke for."""
        with self._changed:
            woken, self._woken = self._woken, set()
        if woken and now < self._look_at:
            return woken
        self._look_at = now + int(_LOOK * 1000)
        with self.ledger.read() as connection:
            return dict.fromkeys((*woken, *work.due_connections(connection, now)))

    def _dispatch(self, connection_ids: Iterable[str]) -> None:
        for connection_id in connection_ids:
            with self._changed:
                running = connection_id in self._busy
                self._busy[connection_id] = running
            if running:
                self.courier.nudge(connection_id)
            elif self._threads is not None:
                self._threads.submit(self._drain, connection_id)

    def _drain(self, connection_id: str) -> None:
        """Drains until nothing came in meanwhile."""
        again = True
        while again:
            with self._changed:
                self._busy[connection_id] = False
            try:
                self.courier.drain(connection_id, self._stop)
            except Exception:
                log.exception("drain_failed", connection=connection_id)
                self._stop.wait(1)
            with self._changed:
                again = self._busy[connection_id] and not self._stop.is_set()
                if not again:
                    del self._busy[connection_id]

    def _sweep(self, now: int) -> None:
        """Once a minute: what is forgotten after a while, and imports that nobody finished sending."""
        if now / 1000 < self._sweep_at:
            return
        self._sweep_at = now / 1000 + _SWEEP
        with self.ledger.write() as connection:
            requests.purge(connection, now)
            requests.drop_unsealed(connection, now - _UNSEALED)
        self.ledger.clean_up()
