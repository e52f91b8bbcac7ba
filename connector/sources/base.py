"""What every source module offers: `KEY`, `RULES`, `records`, `claim`, `verify`; and what it may offer besides:

- `WHOLE`: variants of which a list is read as one, not member by member (events of one record are folded together).
- `SENT_WITH`: headers that this sender alone puts on its requests, in lower case; they tell it, and prove nothing.
- `READ_WITH`: headers that its payloads are read with, in lower case; what came is kept with them.
- `beside_headers(payload, headers)`: a payload with what those headers say of it, as an object that `RULES` recognise;
  the payload itself where they say nothing.
- `EVENT_HEADERS`: headers that name an event, in lower case, where the body does not.
- `EVENT_IDS`: how a body names its event, so that what is sent again is taken once; the first way that finds all ids.
- `senders(inbound)`: the accounts over there that a request names. An address may be for one of them alone, as one
  secret may sign for many.
- `sender_form(written)`: the one form of such an account's name, of None where none is said; raises ValueError with a
  sentence when it can be none, or has to be said.
- `greets(inbound)`: whether this is the greeting of a sender who looks whether the address is there, unsigned and
  without content. It is answered 200, and not kept.
- `acknowledgement(inbound)`: content type and body of the answer that this sender demands once something is kept.
- `of_everybody(payload, headers)`: of a payload that is about everybody whom this source has sent, a function that
  makes one of an id; else None.
- `kept(body)`: the body as it is kept until it is read: without secrets that the sender puts into it.
- `payload_notes(payload, variant)`: notes about a payload as a whole.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connector.body import read_body
from connector.errors import Problem
from connector.record import Record


@dataclass(frozen=True, slots=True)
class Rule:
    """A detection test. Rules of all sources are tried by `rank`, the row of the detection table times ten; what
    proves itself by an envelope or a key of its own stands between 90 and 100.

    `keys`: an object without any of these need not be tested. None: test everything. `inside`: of an object under one
    of them, the names of which one must be in it for that key to count.
    """

    rank: float
    variant: str
    test: Callable[[Any], bool]
    keys: frozenset[str] | None = None
    inside: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def could_fit(self, keys: Iterable[str], held: Mapping[str, Collection[str]]) -> bool:
        """Whether an object needs to be tested that has these keys, and under some of them objects with names."""
        if self.keys is None:
            return True
        return any(
            key not in self.inside or key not in held or not self.inside[key].isdisjoint(held[key])
            for key in self.keys.intersection(keys)
        )


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request as it came in: header names in lower case, every value of a query key, the raw body; its method, its
    whole `url` as its sender knows it, with the query as it was sent, and when it came, `at` (UNIX milliseconds)."""

    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    method: str = "POST"
    url: str = ""
    at: int = 0
    _said: list[Any] = field(default_factory=list, compare=False, repr=False)

    @property
    def said(self) -> Any:
        """What the body says; None when it cannot be read. It is read once, however many look at it."""
        if not self._said:
            try:
                self._said.append(read_body(self.body, ""))
            except Problem:
                self._said.append(None)
        return self._said[0]


@dataclass(frozen=True, slots=True)
class EventId:
    """Where the ids are in a body that together name one event; `*` in a path means each member of a list. `alone`: the
    rest of the body may differ from one try to the next; where that is not known, the id may be of something larger,
    such as an event that many have come to."""

    paths: tuple[tuple[str, ...], ...]
    alone: bool = False


class SourceModule(Protocol):
    """A module of this folder."""

    KEY: str
    RULES: tuple[Rule, ...]

    def records(self, payload: Any, variant: str) -> Iterator[Record]:
        """The records of one payload of this variant."""

    def claim(self, payload: Any) -> str | None:
        """The variant under which this source reads a payload that the caller says is its own, or None."""

    def verify(self, inbound: Inbound, secret: str) -> bool:
        """Whether the sender knew the secret."""


def claimed_alike(claim: Callable[[Any], str | None], members: Sequence[Any]) -> str | None:
    """The variant that a source claims for each member of a list; None where it does not, or not the same."""
    variants = {claim(member) for member in members}
    return next(iter(variants)) if len(variants) == 1 else None


def is_text(value: object) -> bool:
    """Whether this is text that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_columns(payload: Any) -> bool:
    """Whether this is line items as Zapier sends them: under each name a list, all of one length, of two and more."""
    if not isinstance(payload, dict) or not isinstance(next(iter(payload.values()), None), list):  # nearly always
        return False
    lists = list(payload.values())
    if len(lists) < 2 or not all(isinstance(each, list) for each in lists):
        return False
    lengths = {len(each) for each in lists}
    return len(lengths) == 1 and max(lengths) > 1


def signed(body: bytes, header: str | None, secret: str) -> bool:
    """Whether `header` is `sha256=<hex HMAC-SHA256 of body>`, compared in constant time."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return same(header, expected)


def signed_base64(body: bytes, header: str | None, secret: str) -> bool:
    """Whether `header` is the HMAC-SHA256 of the body in base64, compared in constant time."""
    return same(header, base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode())


def in_query(inbound: Inbound, name: str, secret: str) -> bool:
    """Whether the secret itself came in the address, exactly once, under this name."""
    given = inbound.query.get(name, ())
    return len(given) == 1 and same(given[0], secret)


def same(given: str | None, expected: str) -> bool:
    """Constant-time comparison that takes any text; nothing given is never the same."""
    return bool(given) and hmac.compare_digest((given or "").encode("utf-8", "surrogatepass"), expected.encode())
