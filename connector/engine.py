"""The engine: decides for whom this process delivers, and lets nobody starve.

Whom to deliver for comes from four sides: woken here, woken by another process, a moment at which something becomes
due, and a look at the ledger once a second, which finds all that the others missed. There are places for so many
connections at once; when all are taken, who has had a place for long makes room for who waits.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.board import Board
from connector.courier import Courier
from connector.ledger import Ledger, importing, requests, retention, tallies, work, workers
from connector.ledger.retention import Retention
from connector.wakeups import WakeUps

log = structlog.get_logger()

# Seconds: between two looks for work that nobody woke for, between two signs of life, and between two sweeps.
_LOOK, _BEAT, _SWEEP = 1.0, 10.0, 60.0
# Seconds that a connection keeps its place while another waits for one; live work waits for no slice to end.
_SLICE = 2.0
# Seconds after which who waits for a place goes before live work of others.
_LONG = 8.0
# Milliseconds before a connection whose drain has just ended is drained again.
_BREATH = 20
# Records of an import that was not accepted whole within an hour are of a sender who went away (milliseconds).
_UNSEALED = 3_600_000


class _Every:
    """True once in so many seconds, and whenever it is hurried."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._at = seconds, 0.0

    def __call__(self) -> bool:
        if time.monotonic() < self._at:
            return False
        self._at = time.monotonic() + self._seconds
        return True

    def hurry(self) -> None:
        self._at = 0.0


def _nothing(_now: int) -> None:
    """Nothing else is to be swept."""


class Engine:
    """Delivers in this process, from `start` until `stop`; until then it wakes those who do.

    `also`: what else is swept once a minute, told the time (UNIX milliseconds).
    """

    def __init__(
        self,
        ledger: Ledger,
        courier: Courier,
        board: Board,
        wakeups: WakeUps,
        drains: int,
        kept: Retention,
        *,
        also: Callable[[int], object] = _nothing,
    ) -> None:
        self.ledger, self.courier, self.board, self.wakeups = ledger, courier, board, wakeups
        self._drains, self._kept, self._also = drains, kept, also
        self._changed = threading.Condition()
        # Connections that wait for a place, whether for live work, and since when; those that have one, and since when.
        self._waiting: dict[str, bool] = {}
        self._since: dict[str, float] = {}
        self._busy: dict[str, float] = {}
        # Those woken while their drain ends, and whether for live work; when others are to be drained again.
        self._again: dict[str, bool] = {}
        self._alarms: dict[str, int] = {}
        self._stirred = False
        self._stop = threading.Event()
        self._pool: ThreadPoolExecutor | None = None
        self._threads: list[threading.Thread] = []
        self._look, self._beat, self._sweep = _Every(_LOOK), _Every(_BEAT), _Every(_SWEEP)

    def start(self) -> None:
        """Begins to deliver."""
        self._pool = ThreadPoolExecutor(self._drains + 1, thread_name_prefix="drain")
        for name, run in (("engine", self._run), ("wakeups", self._listen)):
            self._threads.append(threading.Thread(target=run, name=name, daemon=True))
            self._threads[-1].start()

    def wake(self, connection_id: str, live: bool = False) -> None:
        """There is new work for this connection; `live`: somebody waits for it."""
        if self._pool is None:
            self.wakeups.drain(connection_id, live)
        else:
            self._want(connection_id, live)

    def sweep_soon(self) -> None:
        """Something is to be tidied up that cannot be now: here, or wherever somebody delivers."""
        if self._pool is None:
            self.wakeups.sweep()
        else:
            self._hurry()

    def tidy(self) -> None:
        """Sweeps: what is forgotten after a while, and imports that nobody finished sending."""
        now = self.courier.clock()
        with self.ledger.write() as connection:
            requests.purge(connection, now)
            importing.drop_unsealed(connection, now - _UNSEALED)
        with self.ledger.write() as connection:
            tallies.fold(connection, now)
        retention.sweep(self.ledger, self._kept, now)
        self._also(now)
        self.ledger.clean_up()

    def begin_stop(self) -> None:
        """Takes on nothing new; those who wait are answered with what is known."""
        self._stop.set()
        self.board.close()
        with self._changed:
            self._stir()

    def stop(self) -> None:
        """Lets calls in flight finish, gives the leases back, tells other processes what is left, and ends."""
        self.begin_stop()
        for thread in self._threads:
            thread.join()
        if self._pool is not None:
            self._pool.shutdown()
            with self._changed:
                left = dict(self._waiting)
            for connection_id, live in left.items():
                self.wakeups.drain(connection_id, live)
            self._sign_off()
        self.courier.close()
        self.wakeups.close()

    def _listen(self) -> None:
        self.wakeups.listen(self._want, self._hurry, self._stop)

    def _hurry(self) -> None:
        self._look.hurry()
        self._sweep.hurry()
        with self._changed:
            self._stir()

    def _stir(self) -> None:
        """Something has changed: the next turn is now. The lock is held."""
        self._stirred = True
        self._changed.notify()

    def _want(self, connection_id: str, live: bool) -> None:
        """A place is wanted; a drain that has one is told that there may be more."""
        with self._changed:
            if connection_id not in self._busy:
                self._queue(connection_id, live)
            elif not self.courier.nudge(connection_id):
                self._again[connection_id] = self._again.get(connection_id, False) or live
            self._stir()

    def _queue(self, connection_id: str, live: bool) -> None:
        """It waits for a place; the lock is held."""
        self._waiting[connection_id] = self._waiting.get(connection_id, False) or live
        self._since.setdefault(connection_id, time.monotonic())

    def _run(self) -> None:
        while not self._stop.is_set():
            self._guarded(self._turn)
            with self._changed:
                self._changed.wait_for(self._ready, self._patience())

    def _turn(self) -> None:
        with self._changed:
            self._stirred = False
        now = self.courier.clock()
        if self._beat():
            with self.ledger.write() as connection:
                workers.beat(connection, self.courier.holder, now)
        if self._sweep():
            self._submit(self.tidy)
        self._find(now)
        while (connection_id := self._next()) is not None:
            self._submit(partial(self._deliver, connection_id), connection=connection_id)
        self._make_room()

    def _find(self, now: int) -> None:
        """What became due, and now and then, all that is due and that nobody delivers."""
        with self._changed:
            rung = [each for each, at in self._alarms.items() if at <= now]
            for connection_id in rung:
                del self._alarms[connection_id]
        for connection_id in rung:
            self._want(connection_id, False)
        if self._look():
            with self.ledger.read() as connection:
                due = work.due_connections(connection, now, holder=self.courier.holder)
            for connection_id, live in due.items():
                self._want(connection_id, live)

    def _next(self) -> str | None:
        """Who gets the next place, when one is free: live work first, else who has waited longest."""
        with self._changed:
            if not self._waiting or len(self._busy) >= self._drains or self._stop.is_set():
                return None
            connection_id = self._chosen()
            del self._waiting[connection_id], self._since[connection_id]
            self._busy[connection_id] = time.monotonic()
            return connection_id

    def _chosen(self) -> str:
        """Live work first, unless who has waited longest has waited long; the lock is held."""
        longest = next(iter(self._waiting))
        if time.monotonic() - self._since[longest] >= _LONG:
            return longest
        return next((each for each, live in self._waiting.items() if live), longest)

    def _make_room(self) -> None:
        """Who has had a place for long gives it up, one for each that waits."""
        with self._changed:
            wanted = sorted(self._waiting.values(), reverse=True)
            longest = sorted(self._busy.items(), key=lambda each: each[1])
        for live, (connection_id, since) in zip(wanted, longest, strict=False):
            if live or time.monotonic() - since >= _SLICE:
                self.courier.make_room(connection_id)

    def _submit(self, run: Callable[[], None], **facts: str) -> None:
        if self._pool is not None:
            self._pool.submit(self._guarded, run, **facts)

    def _deliver(self, connection_id: str) -> None:
        """Drains, and sees when to come back."""
        due_at = None
        try:
            drained = self.courier.drain(connection_id, self._stop)
            if drained:
                with self.ledger.read() as connection:
                    due_at = work.next_due_at(connection, connection_id)
        finally:
            self._leave(connection_id, due_at)

    def _leave(self, connection_id: str, due_at: int | None) -> None:
        """Gives the place up. Whom another has is looked after by that one, and by the look when that one is gone."""
        with self._changed:
            del self._busy[connection_id]
            if connection_id in self._again or (due_at is not None and self._stop.is_set()):
                self._queue(connection_id, self._again.pop(connection_id, False))
            elif due_at is not None:
                self._alarms[connection_id] = max(due_at, self.courier.clock() + _BREATH)
            self._stir()

    def _ready(self) -> bool:
        return self._stirred or self._stop.is_set()

    def _patience(self) -> float:
        """Seconds until the next look, or the next alarm."""
        nearest = min(self._alarms.values(), default=None)
        if nearest is None:
            return _LOOK
        return min(_LOOK, max(0.0, (nearest - self.courier.clock()) / 1000))

    def _guarded(self, run: Callable[[], None], **facts: str) -> None:
        """A database that is away, or a mistake of ours, must not end all delivering."""
        try:
            run()
        except SQLAlchemyError as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)
            self._stop.wait(1)
        except Exception:
            log.exception("engine_failed", **facts)
            self._stop.wait(1)

    def _sign_off(self) -> None:
        try:
            with self.ledger.write() as connection:
                workers.leave(connection, self.courier.holder)
        except SQLAlchemyError as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)
