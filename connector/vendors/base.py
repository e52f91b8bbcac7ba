"""What every vendor's module offers: `KEY`, `GAP`, `PER_PAGE`, `CREDENTIALS`, `page`; and what it may offer besides:

- `CHECKS`: part of a credential, or option of a pull → what gives it its one form; raises ValueError with a sentence.
- `DEFAULTS`: parts of a credential that need not be given, and what they are then.
- `OPTIONS`: which options a pull has, each as the names that are given together; the first is needed.
- `PLACE`: parts of a credential that say whose contacts are pulled; the others only say who asks. Options of a pull
  always do.
- `SINCE`: the vendor can be asked for what has changed since a time.
- `XML`: its answers are XML; else they are JSON.
- `PAUSE`: seconds to wait when it asks for a pause and does not say how long.
- `BUSY`: statuses by which it asks for another try, beside those that ask everybody.
- `login(said, now)`: asks for an access token, where these parts of a credential are none by themselves; else None.
- `thin(payload)`: what of a notification has to be read before it says anything.
- `read(account, ids)`: reads it.
- `without(payload, named)`: of a notification of several, what it says of those whom `named` does not find in what it
  says of one by itself; None when of nobody.
- `meaning(status, value)`: what an answer that refuses says beyond its status.

`page` and `read` are generators without I/O: they yield a `Request`, and are sent the `Reply` to it.
"""

import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode, urlsplit

T = TypeVar("T")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a vendor. Its address may name a shop, and its headers and body hold secrets: none is shown."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that refuses nothing: header names in lower case; `value`: what the body says, None for no body."""

    status: int
    headers: Mapping[str, str]
    value: Any = field(repr=False)


Asking = Generator[Request, Reply, T]


class Trouble(Exception):
    """An answer that means something else than its status says; `code` is that of a problem (`source_busy`, …),
    `seconds` the pause that is asked for."""

    def __init__(self, code: str, seconds: int | None = None) -> None:
        super().__init__(code)
        self.code, self.seconds = code, seconds


@dataclass(frozen=True, slots=True)
class Page:
    """What one page says, in shapes that the source reads, and where the next begins: None after the last."""

    payloads: Sequence[Any]
    cursor: Any = None


@dataclass(frozen=True, slots=True)
class Access:
    """An access token, for how many seconds it is good, and where the API is, where the vendor says so."""

    token: str = field(repr=False)
    seconds: int = 3_600
    base: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Whoever asks: the parts of the credential, an access token where these are none, what is pulled, and which fields
    of the vendor's are read."""

    said: Mapping[str, str] = field(repr=False)
    access: Access = field(default_factory=lambda: Access(""), repr=False)
    pull: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()

    def size(self, most: int) -> int:
        """How many are on a page: fewer than may be, for who has a slow server."""
        return min(int(self.pull.get("page_size", most)), most)


@dataclass(frozen=True, slots=True)
class Thin:
    """What a notification names alone: ids of what is to be read, and the payload of what it says in full. Neither: it
    is about no contact."""

    ids: frozenset[str]
    rest: Any = None


def events_without(
    events: Sequence[Any], thin: Callable[[Any], Thin | None], named: Callable[[Any], bool]
) -> list[Any] | None:
    """Of events that came together, those that are about nobody whom `named` finds in one of them."""
    about = [(event, frozenset() if (said := thin(event)) is None else said.ids) for event in events]
    theirs = frozenset[str]().union(*(ids for event, ids in about if named(event)))
    return [event for event, ids in about if not (named(event) or ids & theirs)] or None


class VendorModule(Protocol):
    """A module of this folder. `GAP`: milliseconds between two requests; `PER_PAGE`: the most that come at once;
    `CREDENTIALS`: which parts a credential has, in each of the ways in which one can be given."""

    KEY: str
    GAP: int
    PER_PAGE: int
    CREDENTIALS: tuple[tuple[str, ...], ...]

    def page(self, account: Account, since: int | None, cursor: Any) -> Asking[Page]:
        """The page at this cursor (None: the first) of all contacts, or of those changed since (UNIX milliseconds)."""


def get(url: str, query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Request:
    """A GET; of the query what is None is left out. Blanks are %20, which every vendor understands."""
    asked = urlencode({name: value for name, value in (query or {}).items() if value is not None}, quote_via=quote)
    return Request("GET", f"{url}?{asked}" if asked else url, headers or {})


def post(url: str, value: Any, headers: Mapping[str, str]) -> Request:
    """A POST of JSON."""
    return Request("POST", url, {**headers, "Content-Type": "application/json"}, json.dumps(value).encode())


def post_form(url: str, fields: Mapping[str, str]) -> Request:
    """A POST of a form, as OAuth asks for it (RFC 6749, 4.4.2)."""
    return Request("POST", url, {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields).encode())


def access_in(value: Any, *, base: str = "") -> Access:
    """The token of an answer of OAuth's. Raises `Trouble` when there is none."""
    said = value if isinstance(value, dict) else {}
    token, seconds = said.get("access_token"), said.get("expires_in")
    if not isinstance(token, str) or not token:
        raise Trouble("source_credential_refused")
    return Access(token, int(str(seconds)) if str(seconds).isdecimal() else 3_600, base)


def inside(value: Any, *names: str) -> Any:
    """What stands at a path; None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def listed(value: Any, *names: str) -> list[Any]:
    """The list at a path of an answer. Raises `Trouble` when there is none: it is no answer."""
    found = inside(value, *names)
    if not isinstance(found, list):
        raise Trouble("source_unreachable")
    return found


def iso(milliseconds: int) -> str:
    """A time as all vendors read it: UTC, in whole seconds."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def origin(sentence: str) -> Callable[[str], str]:
    """Gives a server's address its one form: https, the host and perhaps a folder."""

    def checked(written: str) -> str:
        parts = urlsplit(written if "://" in written else f"https://{written}")
        host = parts.netloc.lower()
        if parts.scheme != "https" or not _HOST.fullmatch(host) or parts.query or parts.fragment:
            raise ValueError(sentence)
        return f"https://{host}{parts.path.rstrip('/')}"

    return checked
