"""Listening: Crisp's events over its RTM, for a website without a public address (Crisp RTM reference).

A socket that was cut tells nothing of what happened meanwhile, so the profiles that changed since are read after it.
"""

import json
import threading
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import socketio  # type: ignore[import-untyped]
import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.crisp import plan
from connector.crisp.client import Credential
from connector.crisp.events import Told, Unreadable, read
from connector.errors import Problem
from connector.events.finishing import Reads
from connector.events.receiving import Hook, receive
from connector.ledger import Ledger, events, hooks

log = structlog.get_logger()

_EVENTS = (
    "people:profile:created",
    "people:profile:updated",
    "people:profile:removed",
    "people:bind:session",
    "people:sync:profile",
    "session:set_email",
    "session:set_data",
    "session:set_segments",
)
# Seconds between two tries to connect, the last for ever after; and for which a connection counts as one that holds.
_PAUSES, _HOLDS = (1.0, 2.0, 5.0, 15.0, 60.0), 30.0
# Seconds for which its end is waited for: its own thread looks twice a second, and disconnects.
_LEAVES = 3.0
# Clocks differ: so much before the last event is read again (milliseconds); and pages that are read at most.
_OVERLAP, _PAGES = 120_000, 200


class Opens(Protocol):
    """Gives the credential of a connection."""

    def __call__(self, connection_id: str, /) -> Credential: ...


class Listener:
    """Listens for one connection from `start` until `stop`, in a thread of its own. `came`: something was stored."""

    def __init__(
        self,
        connection_id: str,
        ledger: Ledger,
        reads: Reads,
        opens: Opens,
        clock: Callable[[], int],
        came: Callable[[], object],
    ) -> None:
        self.connection_id, self._ledger, self._reads, self._opens = connection_id, ledger, reads, opens
        self._clock, self._came = clock, came
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._since: int | None = None
        self.connected = threading.Event()
        self._client: Any = None

    def start(self) -> None:
        """Begins."""
        self._thread = threading.Thread(target=self._run, name="rtm", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends. A socket that is not closed by then is cut when the process ends: what came is on disk."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_LEAVES)

    def _run(self) -> None:
        tries = 0
        while not self._stop.is_set():
            began = self._clock()
            try:
                self._listen()
            except (Problem, SQLAlchemyError, socketio.exceptions.SocketIOError, OSError) as problem:
                reason = problem.code if isinstance(problem, Problem) else type(problem).__name__
                log.warning("rtm_lost", connection=self.connection_id, reason=reason)
            except Exception:
                log.exception("rtm_failed", connection=self.connection_id)
            self.connected.clear()
            tries = 0 if self._clock() - began > _HOLDS * 1000 else tries + 1
            self._stop.wait(_PAUSES[min(tries, len(_PAUSES) - 1)])

    def _listen(self) -> None:
        """One connection, until it ends. What happened before it is caught up with once it stands."""
        credential = self._opens(self.connection_id)
        address = self._reads(self.connection_id, plan.rtm(credential.tier))
        if address is None:
            raise Problem("crisp_refused", reason="RTM is not open to this token")
        refused = threading.Event()
        client = self._client = self._made(credential, refused)
        parts = urlsplit(address)
        client.connect(
            f"{parts.scheme}://{parts.netloc}", transports=["websocket"], socketio_path=parts.path, wait_timeout=15
        )
        try:
            client.emit("authentication", self._authentication(credential))
            self.connected.set()
            log.info("rtm_connected", connection=self.connection_id)
            self._catch_up()
            while not self._stop.is_set() and client.connected and not refused.is_set():
                self._stop.wait(0.5)
        finally:
            client.disconnect()
        if refused.is_set():
            raise Problem("crisp_refused", reason="RTM does not take this token")

    def _made(self, credential: Credential, refused: threading.Event) -> Any:
        """A client that gives every event on; it does not come back by itself, for a gap has to be seen."""
        client = socketio.Client(reconnection=False)
        client.on("unauthorized", lambda *_: refused.set())
        for name in _EVENTS:
            client.on(name, lambda data, name=name: self._take(name, credential.website_id, data))
        return client

    def _authentication(self, credential: Credential) -> dict[str, Any]:
        names = {"username": credential.identifier, "password": credential.key}
        return {"tier": credential.tier, **names, "events": list(_EVENTS)}

    def _take(self, event: str, website_id: str, data: Any) -> None:
        """One event, which may be of another website of the same plugin. What cannot be stored now is caught up with
        when the connection is made again."""
        if not isinstance(data, dict) or data.get("website_id", website_id) != website_id:
            return
        try:
            moment = data.get("timestamp") or self._clock()
            self._store({"website_id": website_id, "event": event, "data": data, "timestamp": moment})
        except Unreadable:
            return
        except SQLAlchemyError as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)
            self._client.disconnect()

    def _store(self, value: dict[str, Any]) -> None:
        told: Told = read(value)
        now = self._clock()
        receive(self._ledger, self.connection_id, Hook(told, "rtm", json.dumps(value, ensure_ascii=False)), now)
        self._since = now
        self._came()

    def _catch_up(self) -> None:
        """Profiles that were made or changed since the last event."""
        since = self._last()
        if since is None:
            return
        cards = self._reads(self.connection_id, plan.updated(since - _OVERLAP, _PAGES))
        website_id = self._opens(self.connection_id).website_id
        for card in reversed(cards):
            made_at, people_id = card.get("created_at") or 0, card.get("people_id")
            event = "people:profile:created" if made_at >= since - _OVERLAP else "people:profile:updated"
            data = {"website_id": website_id, "people_id": people_id, "email": card.get("email"), "update": card}
            moment = made_at if event.endswith("created") else card.get("updated_at")
            if not self._is_known(str(people_id), event):
                self._store({"website_id": website_id, "event": event, "data": data, "timestamp": moment})
        if cards:
            log.info("rtm_caught_up", connection=self.connection_id, profiles=len(cards))

    def _last(self) -> int | None:
        """When the last event came, in this process or before it."""
        if self._since is not None:
            return self._since
        with self._ledger.read() as connection:
            return hooks.last(connection, self.connection_id)

    def _is_known(self, people_id: str, event: str) -> bool:
        """Whether this was told before the gap: the overlap reads a little twice."""
        if event != "people:profile:created":
            return False
        with self._ledger.read() as connection:
            return events.was_told(connection, self.connection_id, "contact_created", people_id)
