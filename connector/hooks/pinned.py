"""One HTTP request, over a connection to one given address: no other, no proxy, no cookie, no redirect."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from connector.hooks.addresses import Place
from connector.hooks.alarm import Alarm

# urllib3 takes no time limit of zero.
_SHORTEST = 0.001
# A name may have any number of addresses; so many are tried.
_MOST_ADDRESSES = 4


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a connection may take, and the wait between two pieces of an answer. `authorities`: a file or directory
    of certificates that are trusted; those of requests when None."""

    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    authorities: str | None = None


class _Watched(HTTPConnection):
    def __init__(self, *args: Any, alarm: Alarm, **others: Any) -> None:
        super().__init__(*args, **others)
        self._alarm = alarm

    def connect(self) -> None:
        super().connect()
        self._alarm.watch(self.sock)


class _WatchedTLS(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _WatchedTLS


class _Pinned(HTTPAdapter):
    """Sends to the address of its pool, whatever the name in the request's address means by now."""

    def __init__(self, pool: HTTPConnectionPool) -> None:
        super().__init__()
        self._pool = pool

    def init_poolmanager(self, *_: Any, **__: Any) -> None:
        """There is none: a request that is not pinned has no way out."""

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        """The pinned one."""
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """The pool's TLS context does it, against the host's name."""

    def close(self) -> None:
        """Gives the socket back."""
        self._pool.close()


@contextmanager
def sent(
    request: requests.PreparedRequest, place: Place, addresses: Sequence[str], alarm: Alarm, terms: Terms
) -> Iterator[requests.Response]:
    """The answer of the first of these addresses (there is one) that can be connected to; its body is still to be read.

    Raises what requests and urllib3 raise. No Session takes part, for it would read a redirect's body to its end.
    """
    adapter, response = _answered(request, place, addresses, alarm, terms)
    try:
        yield response
    finally:
        response.close()
        adapter.close()
        alarm.hang_up()


def _answered(
    request: requests.PreparedRequest, place: Place, addresses: Sequence[str], alarm: Alarm, terms: Terms
) -> tuple[_Pinned, requests.Response]:
    *others, last = [
        _Pinned(_pool(place, address, alarm, terms.authorities)) for address in addresses[:_MOST_ADDRESSES]
    ]
    for adapter in others:
        try:
            return adapter, _send(adapter, request, alarm, terms)
        except requests.ConnectionError:
            adapter.close()
            if alarm.connected:  # the request may have been read
                raise
    return last, _send(last, request, alarm, terms)


def _send(adapter: _Pinned, request: requests.PreparedRequest, alarm: Alarm, terms: Terms) -> requests.Response:
    # Half of what is left, for the TLS handshake may take as long as the connection again.
    connect = max(min(terms.connect_seconds, alarm.left / 2), _SHORTEST)
    return adapter.send(request, stream=True, timeout=(connect, terms.read_seconds))


def _pool(place: Place, address: str, alarm: Alarm, authorities: str | None) -> HTTPConnectionPool:
    if place.scheme == "http":
        return _Pool(address, place.port, alarm=alarm)
    return _PoolTLS(address, place.port, alarm=alarm, ssl_context=_tls(authorities), server_hostname=place.host)


@cache
def _tls(authorities: str | None) -> ssl.SSLContext:
    """Made once: reading the authorities takes longer than a request."""
    chosen = authorities or DEFAULT_CA_BUNDLE_PATH
    if Path(chosen).is_dir():
        return ssl.create_default_context(capath=chosen)
    return ssl.create_default_context(cafile=chosen)
