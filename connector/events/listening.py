"""Listening: Crisp's events over its RTM, for a website without a public address (Crisp RTM reference).

A socket that was cut tells nothing of what happened meanwhile, so the profiles that changed since are read after it.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import socketio  # type: ignore[import-untyped]
import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.alive import own_name
from connector.crisp import plan
from connector.crisp.client import Credential
from connector.crisp.events import Unreadable, Way, read
from connector.errors import Problem
from connector.events.receiving import Hook, receive
from connector.events.tools import Reads
from connector.ledger import Ledger, events, listeners

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
# Clocks differ, and a socket may be dead for a while before that is seen: so much before the last that was heard is
# read again (milliseconds).
_OVERLAP = 120_000
# Seconds after which it is said that one still listens, and after which one who may not asks again; and after which a
# gap that could not be caught up with is tried again.
_RENEW, _BEHIND = 5.0, 60.0


class _Taken(Exception):
    """Another listens by now."""


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
        self._holder = own_name()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
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
                if not self._may_listen():
                    self._stop.wait(_RENEW)
                    continue
                self._listen()
            except _Taken:
                log.warning("rtm_taken", connection=self.connection_id)
            except (Problem, SQLAlchemyError, socketio.exceptions.SocketIOError, OSError) as problem:
                reason = problem.code if isinstance(problem, Problem) else type(problem).__name__
                log.warning("rtm_lost", connection=self.connection_id, reason=reason)
            except Exception:
                log.exception("rtm_failed", connection=self.connection_id)
            tries = 0 if self._clock() - began > _HOLDS * 1000 else tries + 1
            self._stop.wait(_PAUSES[min(tries, len(_PAUSES) - 1)])
        self._leave()

    def _may_listen(self) -> bool:
        """Whether nobody else does: what two hear would be stored once, and caught up with twice."""
        with self._ledger.write() as connection:
            return listeners.take(connection, self.connection_id, self._holder, self._clock())

    def _go_on(self, *, heard: bool) -> None:
        with self._ledger.write() as connection:
            if not listeners.renew(connection, self.connection_id, self._holder, self._clock(), heard=heard):
                raise _Taken

    def _leave(self) -> None:
        try:
            with self._ledger.write() as connection:
                listeners.release(connection, self.connection_id, self._holder)
        except SQLAlchemyError as problem:  # it runs out by itself
            log.warning("database_unavailable", reason=type(problem).__name__)

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
            log.info("rtm_connected", connection=self.connection_id)
            self._hear(client, refused)
        finally:
            client.disconnect()
        if refused.is_set():
            raise Problem("crisp_refused", reason="RTM does not take this token")

    def _hear(self, client: Any, refused: threading.Event) -> None:
        """Until the connection ends, or has to. While a gap cannot be caught up with it goes on hearing: what is said
        in conversations stands in no list."""
        renew_at = 0.0
        look_at: float | None = 0.0
        while not self._stop.is_set() and client.connected and not refused.is_set():
            if look_at is not None and time.monotonic() >= look_at:
                look_at = None if self._has_caught_up() else time.monotonic() + _BEHIND
            if time.monotonic() >= renew_at:
                self._go_on(heard=look_at is None)
                renew_at = time.monotonic() + _RENEW
            self._stop.wait(0.5)

    def _has_caught_up(self) -> bool:
        try:
            self._catch_up()
        except Problem as problem:
            log.warning("rtm_behind", connection=self.connection_id, reason=problem.code)
            return False
        return not self._stop.is_set()

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

    def _store(self, value: dict[str, Any], way: Way = "rtm") -> None:
        # Half a character, as JavaScript makes it where it cuts, can be stored nowhere.
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
        hook = Hook(read(json.loads(body)), way, body)
        receive(self._ledger, self.connection_id, hook, self._clock())
        self._came()

    def _catch_up(self) -> None:
        """Profiles that were made or changed since nothing was missed, page by page. When that fails, the next look
        begins with the same moment."""
        with self._ledger.read() as connection:
            heard_at = listeners.heard_at(connection, self.connection_id)
        if heard_at is None:
            return
        since, found, website_id = heard_at - _OVERLAP, 0, self._opens(self.connection_id).website_id
        for page in itertools.count(1):
            cards = self._reads(self.connection_id, plan.profiles(page))
            recent = [card for card in cards if (card.get("updated_at") or 0) >= since]
            for card in recent:
                self._tell(website_id, card, since)
            found += len(recent)
            self._go_on(heard=False)
            if len(recent) < len(cards) or not cards or self._stop.is_set():
                break
        if found:
            log.info("rtm_caught_up", connection=self.connection_id, profiles=found)

    def _tell(self, website_id: str, card: dict[str, Any], since: int) -> None:
        """As Crisp would have told it. Of what is known already the same is told to nobody."""
        people_id = str(card.get("people_id"))
        made_at = card.get("created_at") or 0
        new = made_at >= since and not self._was_told(people_id)
        event, moment = ("created", made_at) if new else ("updated", card.get("updated_at"))
        data = {"website_id": website_id, "people_id": people_id, "email": card.get("email"), "update": card}
        told = {"website_id": website_id, "event": f"people:profile:{event}", "data": data, "timestamp": moment}
        self._store(told, "listing")

    def _was_told(self, people_id: str) -> bool:
        """Whether it was told that this person was made."""
        with self._ledger.read() as connection:
            return events.is_made(connection, self.connection_id, people_id, gathering=True)
