"""The RTM API: events told over socket.io, on the port of the app (Crisp RTM reference; its official Node client)."""

import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import socketio  # type: ignore[import-untyped]
from engineio.exceptions import EngineIOError  # type: ignore[import-untyped]

from .events import Notice
from .faults import connection_of
from .options import Options
from .outbox import Outbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/w/rtm/"


class Rtm:
    """The sockets, and which events each asked for when it gave the token."""

    def __init__(self, options: Callable[[], Options]) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._wishes: dict[str, frozenset[str]] = {}
        self._refused_until = 0.0
        self._sent = 0
        self._outbox: Outbox[Notice] = Outbox(self._emit)
        # Crisp's gateway has no long polling; handlers in the socket's own thread keep the order of what it says.
        self._server = socketio.Server(
            async_mode="threading", transports=["websocket"], cors_allowed_origins="*", async_handlers=False
        )
        self._server.on("authentication", self._authenticate)
        self._server.on("disconnect", self._forget)

    def wants(self, event: str) -> bool:
        """Whether anybody asked for it; one socket that listens is enough to look closer."""
        return bool(self._wishes) and any(event in wish for wish in list(self._wishes.values()))

    def put(self, notice: Notice) -> None:
        self._outbox.put(notice)

    def clear(self) -> None:
        self._outbox.clear()
        self._sent = 0

    def counts(self) -> dict[str, int]:
        """`{"listeners": sockets that gave the token, "sent": events told, once for each of them}`."""
        return {"listeners": len(self._wishes), "sent": self._sent}

    def cut(self, seconds: float) -> None:
        """Cut every connection as a failing network does, without a word, and refuse new ones for a while."""
        with self._lock:
            self._refused_until = time.monotonic() + seconds
            self._wishes.clear()
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):  # It is gone already.
                connection.shutdown(socket.SHUT_RDWR)

    def beside(self, app: "WSGIApplication") -> "WSGIApplication":
        """The app, with the sockets on a path of their own."""

        def front(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            if not environ["PATH_INFO"].startswith(PATH):
                return app(environ, start_response)
            return self._serve(environ, start_response)

        return front

    def _serve(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """One socket, until it ends: this takes a thread of the server as long as it lasts."""
        connection = connection_of(environ)
        if connection is None or not self._admit(connection):
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return []
        try:
            answer: Iterable[bytes] = self._server.handle_request(environ, start_response)
        finally:
            with self._lock:
                self._connections.discard(connection)
        return answer

    def _admit(self, connection: socket.socket) -> bool:
        with self._lock:
            if self._options().rtm == "off" or time.monotonic() < self._refused_until:
                return False
            self._connections.add(connection)
            return True

    def _authenticate(self, sid: str, *said: Any) -> None:
        """`{"tier", "username", "password", "events"}`; only these events are told from now on."""
        given = said[0] if said and isinstance(said[0], dict) else {}
        if not self._is_token(given):
            self._server.emit("unauthorized", {}, to=sid)
            self._server.disconnect(sid)
            return
        events = given.get("events")
        names = events if isinstance(events, list) else []
        with self._lock:
            self._wishes[sid] = frozenset(name for name in names if isinstance(name, str))
        self._server.emit("authenticated", {}, to=sid)

    def _is_token(self, given: dict[str, Any]) -> bool:
        options = self._options()
        right = options.admits(f"{given.get('username')}", f"{given.get('password')}")
        return right and given.get("tier") == options.tier

    def _forget(self, sid: str, *_reason: object) -> None:
        with self._lock:
            self._wishes.pop(sid, None)

    def _emit(self, notice: Notice) -> None:
        with self._lock:
            wanting = [sid for sid, wish in self._wishes.items() if notice.event in wish]
        for sid in wanting:
            with suppress(EngineIOError):  # It closed meanwhile.
                self._server.emit(notice.event, notice.data, to=sid)
                self._sent += 1
