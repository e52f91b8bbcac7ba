"""Makes calls to Crisp over one pooled Session per connection. The only place that knows HTTP and the credential."""

import json
import os
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from requests.auth import HTTPBasicAuth
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from connector.clock import now_ms
from connector.crisp.answers import Failure, reply_of
from connector.crisp.bounded import Session, TooLarge, content
from connector.crisp.calls import Call, Reply
from connector.pauses import retry_after
from connector.version import __version__

# Seconds to connect, and to wait for an answer; where somebody waits for it in person, no longer than the last.
_CONNECT, _READ, _READ_HASTY = 5.0, 30.0, 10.0


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens one website: its id, the tier of the token, identifier and key."""

    website_id: str
    tier: str
    identifier: str
    key: str

    def __repr__(self) -> str:
        return f"Credential(website_id={self.website_id!r}, tier={self.tier!r})"


class Client:
    """Calls for one connection; `send` may be used by many threads at once.

    `read_timeout`: seconds that an answer may take, with a little more for its body; `clock`: the UNIX milliseconds
    that all go by, for an answer that does not say what time it is where it comes from.
    """

    read_timeout = _READ
    clock: Callable[[], int] = staticmethod(now_ms)

    def __init__(self, credential: Credential, base_url: str, connections: int) -> None:
        self.credential = credential
        self._base = base_url.rstrip("/")
        self._root = f"{self._base}/website/{quote(credential.website_id, safe='')}/"
        self._session = Session(connections)
        self._session.auth = HTTPBasicAuth(credential.identifier, credential.key)
        self._session.headers["X-Crisp-Tier"] = credential.tier
        self._session.headers["User-Agent"] = f"crisp-connector/{__version__}"
        # Proxies and certificates: the environment is read once; asking it at every call costs as much as the call.
        self._session.proxies.update(get_environ_proxies(self._root))
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._session.trust_env = False

    def send(self, call: Call) -> Reply | Failure:
        """One request. Never raises for what Crisp or the network does: that is a Reply or a Failure."""
        path = call.path.replace("{who}", quote(call.who or "", safe="@"))
        try:
            response = self._session.request(
                call.method,
                self._base + path if path.startswith("/") else self._root + path,
                json=call.body,
                params=call.query,
                timeout=(_CONNECT, self.read_timeout),
                allow_redirects=False,
                stream=True,
            )
        except OSError as problem:  # as every exception of requests is, and a missing file of certificates
            return _failure(problem)
        with closing(response):  # An end for what was not read; a connection that was read to the end stays open.
            return self._answer(response)

    def _answer(self, response: requests.Response) -> Reply | Failure:
        """The status decides: one that says that it was not done needs no body."""
        body = _body(response)
        if isinstance(body, Failure):
            if 200 <= response.status_code < 300:
                return body
            body = None
        headers = response.headers
        date = headers.get("Date")
        return reply_of(response.status_code, body, retry_after(headers.get("Retry-After"), date, self.clock), date)

    def close(self) -> None:
        """Gives the sockets back."""
        self._session.close()


class Clients:
    """One client per connection, made when first needed and again when the credential changes."""

    def __init__(
        self,
        base_url: str,
        connections: int,
        make: Callable[..., Client] = Client,
        read_timeout: float = _READ,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._base_url, self._connections, self._make = base_url, connections, make
        self._read_timeout, self._clock = read_timeout, clock
        self._known: dict[str, Client] = {}
        self._lock = Lock()

    def get(self, connection_id: str, credential: Credential) -> Client:
        """The client for this connection with this credential."""
        with self._lock:
            known = self._known.get(connection_id)
            if known is None or known.credential != credential:
                if known is not None:
                    known.close()  # Calls that it has in flight end as they would have.
                known = self._known[connection_id] = self._make(credential, self._base_url, self._connections)
                known.read_timeout, known.clock = self._read_timeout, self._clock
            return known

    def hasty(self) -> "Clients":
        """Clients of the same kind that wait less long for an answer."""
        wait = min(self._read_timeout, _READ_HASTY)
        return Clients(self._base_url, self._connections, self._make, wait, self._clock)

    def close(self) -> None:
        """Closes every session."""
        for client in self._known.values():
            client.close()
        self._known.clear()


def _failure(problem: OSError) -> Failure:
    """Whether the request can have been applied: not when no connection was made, or not with Crisp."""
    if not isinstance(problem, requests.exceptions.RequestException):  # the certificates could not be read
        return Failure("crisp_unreachable", sent=False)
    if isinstance(problem, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return Failure("crisp_unreachable", sent=False)
    if isinstance(problem, requests.exceptions.Timeout):
        return Failure("crisp_timeout", sent=True)
    cause = getattr(problem.args[0] if problem.args else None, "reason", None)
    if isinstance(cause, urllib3.exceptions.SSLError) and _is_handshake(cause):
        return Failure("crisp_unreachable", sent=False)
    return Failure("crisp_unreachable", sent=not isinstance(cause, NewConnectionError))


def _is_handshake(problem: BaseException) -> bool:
    """Whether TLS failed before anything could be sent: the certificate is not trusted, or the other speaks no TLS."""
    cause = problem.args[0] if problem.args else None
    reason = getattr(cause, "reason", None)
    return isinstance(cause, ssl.SSLCertVerificationError) or reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST")


def _body(response: requests.Response) -> Any:
    """What the answer says, None for nothing, or the Failure to read it."""
    if response.status_code < 200:
        return None  # An interim answer was taken for the answer: what comes after it is left unread.
    try:
        return _parsed(content(response))
    except (TooLarge, ValueError, RecursionError):  # no JSON: something in between; what Crisp did is not known
        return Failure("crisp_garbled", sent=True)
    except ReadTimeoutError:
        return Failure("crisp_timeout", sent=True)
    except HTTPError:
        return Failure("crisp_unreachable", sent=True)


def _parsed(said: bytes) -> Any:
    """The body as JSON, in whole characters: an escape may be half of one, or a NUL, which no database takes."""
    body = json.loads(said.decode("utf-8-sig")) if said else None  # RFC 8259, 8.1
    return _whole(body) if b"\\u" in said else body


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {_whole(key): _whole(item) for key, item in value.items()} if isinstance(value, dict) else value
