"""What every source module offers: `KEY`, `RULES`, `records`, `claim`, `verify`."""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connector.record import Record


@dataclass(frozen=True, slots=True)
class Rule:
    """A detection test. Rules of all sources are tried by `rank`, the row of the detection table times ten.

    `keys`: an object without any of these need not be tested. None: test everything.
    """

    rank: int
    variant: str
    test: Callable[[Any], bool]
    keys: frozenset[str] | None = None

    def fits(self, member: Any) -> bool:
        """Whether a payload, or one member of a list, is of this variant."""
        if self.keys is not None and (not isinstance(member, dict) or self.keys.isdisjoint(member)):
            return False
        return self.test(member)


@dataclass(frozen=True, slots=True)
class Inbound:
    """A request as it came in: header names in lower case, every value of a query key, the raw body."""

    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes


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


def is_text(value: object) -> bool:
    """Whether this is text that says something."""
    return isinstance(value, str) and bool(value.strip())


def signed(body: bytes, header: str | None, secret: str) -> bool:
    """Whether `header` is `sha256=<hex HMAC-SHA256 of body>`, compared in constant time."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return same(header, expected)


def same(given: str | None, expected: str) -> bool:
    """Constant-time comparison that takes any text; nothing given is never the same."""
    return bool(given) and hmac.compare_digest((given or "").encode("utf-8", "surrogatepass"), expected.encode())
