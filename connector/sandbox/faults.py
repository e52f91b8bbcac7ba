"""The ways in which a call fails that the caller is not to blame for, drawn with a seed."""

import errno
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from flask import Response

from .envelope import answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

GATEWAY_PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>\n"


@dataclass(frozen=True)
class Fault:
    """What happens to one call: `after` means that its change was applied all the same."""

    kind: str
    after: bool


class Faults:
    """Draws a fault, or none, for each call; the same seed gives the same sequence."""

    def __init__(self, seed: int | None) -> None:
        self._lock = threading.Lock()
        self.reseed(seed)

    def reseed(self, seed: int | None) -> None:
        with self._lock:
            self._random = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret

    def draw(self, *, error_rate: float, timeout_rate: float) -> Fault | None:
        if not error_rate and not timeout_rate:
            return None
        with self._lock:
            dice = self._random.random()
            kind, after = self._random.choice(list(ANSWERS)), self._random.random() < 0.5
        if dice < timeout_rate:
            return Fault("timeout", after=True)
        return Fault(kind, after=after) if dice < timeout_rate + error_rate else None


class Dropped(Response):
    """No answer at all: the connection is reset."""

    def __call__(self, environ: "WSGIEnvironment", _start_response: "StartResponse") -> Iterable[bytes]:
        reset(connection_of(environ))


def connection_of(environ: "WSGIEnvironment") -> socket.socket | None:
    """The socket of this request; Flask's test client has none."""
    return environ.get("gunicorn.socket") or environ.get("werkzeug.socket")


def reset(connection: socket.socket | None) -> NoReturn:
    """Cut the connection and tell the server that it is gone, which it takes for a client that went away.

    With a linger time of 0 closing sends RST. The shutdown lets the server find the end of the stream at once
    instead of waiting for the client to close its side. Without a socket, as in Flask's test client, the error
    is all there is to see.
    """
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):  # The client was faster.
            connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError(errno.ECONNRESET, "the sandbox reset this connection")


def page(status: int, title: str) -> Response:
    return Response(GATEWAY_PAGE.format(f"{status} {title}"), status, mimetype="text/html")


ANSWERS: dict[str, Callable[[], Response]] = {
    "server_error": lambda: answer("server_error", status=500),
    "bad_gateway": lambda: page(502, "Bad Gateway"),
    "unavailable": lambda: Response(b"", 503),
    "gateway_timeout": lambda: page(504, "Gateway Time-out"),
    "reset": Dropped,
}
