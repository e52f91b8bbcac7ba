"""HTTP answers that come to an end: in time, and in size, whatever the other side does.

A time limit of a socket is one for the next byte only: an answer that drips, its headers or its body, would take for
ever. Here the wait between two bytes is limited as before, and the whole of an answer from the moment that the request
is sent: to the same seconds and a little. What comes before that is limited by itself (connecting, for each address of
the host; the handshake; sending), but for the system's look-up of the name.
"""

import io
import math
import socket
from http.client import HTTPResponse
from time import monotonic
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, PoolManager

# Seconds that an answer may take beyond the longest wait for its first byte.
_MORE = 2.0
# Bytes. Crisp's answers are small; the second is what is taken from the socket, for a size that is told may be a lie.
_MOST, _MOST_RAW = 10_000_000, 20_000_000
_PIECE = 65_536


class TooLarge(Exception):
    """There is more of the body than is taken."""


def content(response: requests.Response) -> bytes:
    """The body, inflated. Read to its end, so that its connection can be used again. Raises `TooLarge`, and what
    urllib3 raises."""
    pieces, size = list[bytes](), 0
    while piece := response.raw.read(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > _MOST:
            raise TooLarge
    return b"".join(pieces)


class Session(requests.Session):
    """A session that follows nothing, and whose answers come to an end. What it is asked for is streamed."""

    def __init__(self, connections: int) -> None:
        super().__init__()
        adapter = _Adapter(pool_connections=1, pool_maxsize=connections)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, _resp: requests.Response) -> None:
        """Never: for one that need not be followed, too, the body would be read, however large."""


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *settings: Any, **others: Any) -> None:
        super().init_poolmanager(*settings, **others)
        _bind(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **settings)
        _bind(manager)
        return manager


def _bind(manager: PoolManager) -> None:
    kinds = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _bound(kind) for scheme, kind in kinds.items()}


def _bound(kind: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """The same kind of pool, plain, TLS or through a proxy, with answers that end."""
    line = kind.ConnectionCls
    if issubclass(line.response_class, _Answer):  # type: ignore[attr-defined] # http.client has it
        return kind
    bound = type(line.__name__, (line,), {"response_class": _Answer})
    return cast(type[HTTPConnectionPool], type(kind.__name__, (kind,), {"ConnectionCls": bound}))


class _Answer(HTTPResponse):
    """An answer, or a proxy's to CONNECT; made when the request is sent."""

    def __init__(self, sock: socket.socket, *others: Any, **more: Any) -> None:
        super().__init__(sock, *others, **more)
        self.fp = io.BufferedReader(_Ending(self.fp.detach(), sock))


class _Ending(io.RawIOBase):
    """What comes over a socket, until the time is up or there was too much of it."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        limit = sock.gettimeout()
        self._patience = math.inf if limit is None else limit
        self._until, self._room = monotonic() + self._patience + _MORE, _MOST_RAW

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        if self._room <= 0:
            return 0
        count = self._raw.readinto(buffer) if left >= self._patience else self._within(left, buffer)
        self._room -= count or 0
        return count

    def _within(self, seconds: float, buffer: Any) -> int | None:
        """One read that ends in time. The socket is left as it was, for the next call goes over it."""
        self._sock.settimeout(seconds)
        try:
            return self._raw.readinto(buffer)
        finally:
            self._sock.settimeout(self._patience)

    def close(self) -> None:
        self._raw.close()
        super().close()
