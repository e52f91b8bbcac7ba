"""The runner: understands what Crisp told, and tells events whose burst is over, in threads of its own."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from connector.crisp.events import Unreadable, read
from connector.events.finishing import Finishing
from connector.events.meaning import Change, Meaning, gathered, meaning
from connector.ids import new_id
from connector.ledger import DatabaseProblem, Ledger, deliveries, events, hooks, news

log = structlog.get_logger()

# Seconds between two looks for what nobody woke for.
_LOOK = 1.0
# Hooks understood, and news of our own told, in one transaction; events finished at once, which takes a call to Crisp
# each.
_HOOKS, _NEWS, _EVENTS = 200, 100, 8
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
        self._rest = 0.0
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
                    self._kicked.wait(self._rest)
                    self._kicked.clear()
            except (SQLAlchemyError, DatabaseProblem) as problem:
                log.warning("database_unavailable", reason=type(problem).__name__)
                self._stop.wait(1)
            except Exception:
                log.exception("events_failed")
                self._stop.wait(1)

    def _look(self) -> tuple[bool, float]:
        """Whether something that came in is not understood yet; seconds until the next look, or until the next burst
        is over."""
        now = self._clock()
        with self._ledger.read() as connection:
            arrived, due_at = hooks.any_due(connection, now), events.next_due_at(connection)
        return arrived, _LOOK if due_at is None else min(_LOOK, max(0.0, (due_at - now) / 1000))

    def turn(self) -> bool:
        """Understands and finishes some of what is due; whether there was anything. Else there is a `_rest` until then,
        in seconds."""
        arrived, self._rest = self._look()
        understood = self._understand() if arrived else 0
        if understood:
            _, self._rest = self._look()
        if self._rest > 0:
            return bool(understood)
        held_until = self._clock() + _HELD
        with self._ledger.write() as connection:
            due = events.due(connection, self._clock(), _EVENTS, but=news.EVENTS)
            events.hold(connection, [row.id for row in due], held_until)
        told = self._hand_on_news()
        if (due and self._finish_all(due, held_until)) or told:
            self._told()
        return bool(understood or due or told)

    def _hand_on_news(self) -> int:
        """Tells some of what came about here, one connection after the other; how many those are."""
        with self._ledger.read() as connection:
            whose = events.whose(connection, self._clock(), news.EVENTS)
        return sum(self._finishing.tools.handing.hand_on_news(each, news.EVENTS, _NEWS) for each in whose)

    def _finish_all(self, due: list[Row[Any]], held_until: int) -> bool:
        """Whether any was told. While Crisp lets one wait, it stays in hand."""
        pool = self._threads()
        futures = {pool.submit(self._finish, row): row.id for row in due}
        while waiting := wait(futures, _HELD / 2_000).not_done:
            before, held_until = held_until, self._clock() + _HELD
            with self._ledger.write() as connection:
                events.hold(connection, [futures[each] for each in waiting], held_until, before=before)
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
        except (SQLAlchemyError, DatabaseProblem) as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)
        except Exception:
            log.exception("event_failed", connection=row.connection_id)
            self._put_off(row)
        return False

    def _put_off(self, row: Row[Any]) -> None:
        """What breaks the program would break it again every time that it is no longer in hand."""
        try:
            self._finishing.put_off(row)
        except (SQLAlchemyError, DatabaseProblem) as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)

    def _understand(self) -> int:
        now = self._clock()
        with self._ledger.write() as connection:
            due = [(row, *_meaning(row)) for row in hooks.due(connection, now, _HOOKS)]
            # In one order for all, else two that write may lock each other out.
            for link in sorted(_links(due), key=lambda each: (each["connection_id"], each["session_id"])):
                hooks.link(connection, {**link, "updated_at": now})
            begun = [self._row(row, at, change) for row, _, at, found in due for change in found.changes]
            for each in sorted(begun, key=lambda each: (each["connection_id"], each["event"], each["subject"])):
                events.gather(connection, each, gathered, now + self._window)
            hooks.finish(connection, {row.id: outcome for row, outcome, *_ in due})
        return len(due)

    def _row(self, hook: Row[Any], at: int, change: Change) -> dict[str, Any]:
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
            "payload": {"way": hook.way, "at": at, **change.said},
            "occurred_at": at,
        }

    def tidy(self, now: int, days: int) -> None:
        """Forgets what was told long ago. `days`: 0 keeps events for ever."""
        with self._ledger.write() as connection:
            hooks.purge(connection, now - _REMEMBERED)
            if days:
                events.purge(connection, now - days * 86_400_000)
                deliveries.purge(connection, now - days * 86_400_000, limit=_PURGED)


def _meaning(row: Row[Any]) -> tuple[str, int, Meaning]:
    """The outcome of a hook, when it happened (UNIX milliseconds), and what it means."""
    try:
        told = read(json.loads(row.body))
        found = meaning(told)
    except (Unreadable, ValueError):
        return "broken", row.received_at, Meaning()
    except Exception as problem:  # one that breaks the program must not stop all others
        log.error("hook_broken", connection=row.connection_id, reason=type(problem).__name__)
        return "broken", row.received_at, Meaning()
    outcome = "unknown" if found is None else "told" if found.changes else "nothing"
    # Clocks differ, but nothing happens after it was told; and what is not signed comes at once or never, so that it
    # may not say when.
    at = row.received_at if row.way == "website" else min(told.at or row.received_at, row.received_at)
    return outcome, at, found or Meaning()


def _links(due: Iterable[tuple[Row[Any], str, int, Meaning]]) -> Iterator[dict[str, Any]]:
    """Which conversations are with whom. What is not signed names nobody."""
    for row, _, _, found in due:
        if found.session is not None and row.way != "website":
            yield {"connection_id": row.connection_id, **found.session}
