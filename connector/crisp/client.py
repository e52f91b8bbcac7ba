"""Makes calls to Crisp over one pooled Session per connection. The only place that knows HTTP and the credential."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.utils import get_environ_proxies
from urllib3.exceptions import NewConnectionError

from connector.crisp.answers import Failure, reply_of
from connector.crisp.calls import Call, Reply
from connector.version import __version__

# Seconds to connect, and to wait for an answer; where somebody waits for it in person, no longer than the last.
_CONNECT, _READ, _READ_HASTY = 5.0, 30.0, 10.0
_LONGEST_PAUSE = 86_400.0


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
    """Calls for one connection; `send` may be used by many threads at once."""

    read_timeout = _READ

    def __init__(self, credential: Credential, base_url: str, connections: int) -> None:
        self.credential = credential
        self._root = f"{base_url.rstrip('/')}/website/{quote(credential.website_id, safe='')}/"
        self._session = requests.Session()
        self._session.auth = HTTPBasicAuth(credential.identifier, credential.key)
        self._session.headers["X-Crisp-Tier"] = credential.tier
        self._session.headers["User-Agent"] = f"crisp-connector/{__version__}"
        # Proxies and certificates: the environment is read once; asking it at every call costs as much as the call.
        self._session.proxies.update(get_environ_proxies(self._root))
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(self, call: Call) -> Reply | Failure:
        """One request. Never raises for what Crisp or the network does: that is a Reply or a Failure."""
        path = call.path.replace("{who}", quote(call.who or "", safe="@"))
        try:
            response = self._session.request(
                call.method,
                self._root + path,
                json=call.body,
                params=call.query,
                timeout=(_CONNECT, self.read_timeout),
                allow_redirects=False,
            )
        except OSError as problem:  # as every exception of requests is, and a missing file of certificates
            return _failure(problem)
        return _reply(response)

    def close(self) -> None:
        """Gives the sockets back."""
        self._session.close()


class Clients:
    """One client per connection, made when first needed and again when the credential changes."""

    def __init__(self, base_url: str, connections: int, make: Callable[..., Client] = Client) -> None:
        self._base_url, self._connections, self._make = base_url, connections, make
        self._read_timeout = _READ
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
                known.read_timeout = self._read_timeout
            return known

    def hasty(self) -> "Clients":
        """Clients of the same kind that wait less long for an answer."""
        made = Clients(self._base_url, self._connections, self._make)
        made._read_timeout = _READ_HASTY
        return made

    def close(self) -> None:
        """Closes every session."""
        for client in self._known.values():
            client.close()
        self._known.clear()


def _failure(problem: OSError) -> Failure:
    """Whether the request can have been applied: not when no connection was made."""
    if isinstance(problem, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return Failure("crisp_unreachable", sent=False)
    if isinstance(problem, requests.exceptions.Timeout):
        return Failure("crisp_timeout", sent=True)
    cause = getattr(problem.args[0] if problem.args else None, "reason", None)
    return Failure("crisp_unreachable", sent=not isinstance(cause, NewConnectionError))


def _reply(response: requests.Response) -> Reply | Failure:
    try:
        body = response.json() if response.content else None
    except ValueError:
        body = None
        if response.ok:  # a 200 that is no JSON comes from something in between; what Crisp did is not known
            return Failure("crisp_garbled", sent=True)
    return reply_of(
        response.status_code, body, _retry_after(response.headers.get("Retry-After")), response.headers.get("Date")
    )


def _retry_after(header: str | None) -> float | None:
    """Seconds from `Retry-After`, as a number or a date (RFC 9110, 10.2.3); nonsense is None, a day is the most."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE) if math.isfinite(seconds) else None
