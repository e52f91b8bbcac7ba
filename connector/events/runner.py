"""The runner: understands what Crisp told, and tells events whose burst is over, in threads of its own."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from connector.crisp.events import Told, Unreadable, read
from connector.events.finishing import Finishing
from connector.events.meaning import Change, meaning, merge
from connector.ids import new_id
from connector.ledger import Ledger, deliveries, events, hooks

log = structlog.get_logger()

# Seconds between two looks for what nobody woke for.
_LOOK = 1.0
# Hooks understood in one transaction; events finished at once, which takes a call to Crisp each.
_HOOKS, _EVENTS = 200, 8
# Milliseconds for which an event that is being finished is nobody else's, again and again while it is: who is killed
# with it in hand delays it so long.
_HELD = 10_000
# For so long the same event is known again (milliseconds), and events are kept for polling.
_REMEMBERED = 3 * 86_400_000
# Deliveries that one sweep forgets: others want to write as well.
_PURGED = 1_000


class Runner:
    """Runs from `start` until `stop`. `window`: milliseconds that a burst of the same event about one contact is
    gathered; 0: every one is told. `told` is called when there is something to be delivered."""

    def __init__(
        self, ledger: Ledger, finishing: Finishing, window: int, clock: Callable[[], int], told: Callable[[], object]
    ) -> None:
        self._ledger, self._finishing, self._window, self._clock, self._told = ledger, finishing, window, clock, told
        self._kicked, self._stop, self._stopping = threading.Event(), threading.Event(), False
        self._thread: threading.Thread | None = None
        self._pool: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Begins."""
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def kick(self) -> None:
        """Something came in just now."""
        self._kicked.set()

    def begin_stop(self) -> None:
        """Takes on nothing new. Called by a signal while that is being done, it returns: an event's lock is not
        to be had twice."""
        if self._stopping:
            return
        self._stopping = True
        self._stop.set()
        self._kicked.set()

    def stop(self) -> None:
        """Ends what is in hand."""
        self.begin_stop()
        if self._thread is not None:
            self._thread.join()
        if self._pool is not None:
            self._pool.shutdown()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if not self.turn():
                    self._kicked.wait(self._patience())
                    self._kicked.clear()
            except SQLAlchemyError as problem:
                log.warning("database_unavailable", reason=type(problem).__name__)
                self._stop.wait(1)
            except Exception:
                log.exception("events_failed")
                self._stop.wait(1)

    def _patience(self) -> float:
        """Seconds until the next look, or until the next burst is over."""
        with self._ledger.read() as connection:
            due_at = events.next_due_at(connection)
        return _LOOK if due_at is None else min(_LOOK, max(0.0, (due_at - self._clock()) / 1000))

    def turn(self) -> bool:
        """Understands and finishes some of what is due; whether there was anything."""
        understood = self._understand()
        with self._ledger.write() as connection:
            due = events.due(connection, self._clock(), _EVENTS)
            events.hold(connection, [row.id for row in due], self._clock() + _HELD)
        if due and self._finish_all(due):
            self._told()
        return bool(understood or due)

    def _finish_all(self, due: list[Row[Any]]) -> bool:
        """Whether any was told. While Crisp lets one wait, it stays in hand."""
        pool = self._threads()
        futures = {pool.submit(self._finish, row): row.id for row in due}
        while waiting := wait(futures, _HELD / 2_000).not_done:
            with self._ledger.write() as connection:
                events.hold(connection, [futures[each] for each in waiting], self._clock() + _HELD)
        return any(each.result() for each in futures)

    def _threads(self) -> ThreadPoolExecutor:
        """Made when they are needed first: most services tell nobody anything."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_EVENTS, thread_name_prefix="events")
        return self._pool

    def _finish(self, row: Row[Any]) -> bool:
        """Whether it was told. One that fails for a reason of ours is tried again, and takes no other with it."""
        try:
            return self._finishing.finish(row)
        except SQLAlchemyError as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)
        except Exception:
            log.exception("event_failed", connection=row.connection_id)
        return False

    def _understand(self) -> int:
        now = self._clock()
        with self._ledger.write() as connection:
            due = hooks.due(connection, now, _HOOKS)
            outcomes = {row.id: self._take(connection, row, now) for row in due}
            hooks.finish(connection, outcomes)
        return len(due)

    def _take(self, connection: Connection, row: Row[Any], now: int) -> str:
        """Gathers what a hook means; its outcome."""
        try:
            told = read(json.loads(row.body))
        except (Unreadable, ValueError):
            return "broken"
        found = meaning(told)
        if found is None:
            return "unknown"
        if found.session is not None:
            hooks.link(connection, {"connection_id": row.connection_id, "updated_at": now, **found.session})
        for change in found.changes:
            events.gather(connection, self._row(row, told, change), merge, now + self._window)
        return "told" if found.changes else "nothing"

    def _row(self, hook: Row[Any], told: Told, change: Change) -> dict[str, Any]:
        """An event that begins; without a window every hook is its own."""
        apart = "" if self._window else hook.id
        return {
            "id": new_id(),
            "connection_id": hook.connection_id,
            "event": change.event,
            # What is doubtful does not mix with what is not.
            "subject": f"{'doubtful' if hook.way == 'website' else 'told'}:{change.subject}:{apart}",
            "email": change.email,
            "people_id": change.people_id,
            "session_id": change.session_id,
            "own": False,
            "payload": {"way": hook.way, **change.said},
            # Clocks differ, but nothing happens after it was told.
            "occurred_at": min(told.at or hook.received_at, hook.received_at),
        }

    def tidy(self, now: int, days: int) -> None:
        """Forgets what was told long ago. `days`: 0 keeps events for ever."""
        with self._ledger.write() as connection:
            hooks.purge(connection, now - _REMEMBERED)
            if days:
                events.purge(connection, now - days * 86_400_000)
                deliveries.purge(connection, now - days * 86_400_000, limit=_PURGED)
