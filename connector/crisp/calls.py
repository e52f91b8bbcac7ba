"""Calls, replies and what a plan knows, says and ends with. Values only."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from connector.contact import Contact, merge
from connector.crisp.card import contact_of
from connector.manifest import Field

Mode = Literal["upsert", "create", "update"]
MODES: tuple[Mode, ...] = ("upsert", "create", "update")
Status = Literal["created", "updated", "unchanged", "superseded", "rejected", "waiting", "dead"]
STATUSES: tuple[Status, ...] = ("created", "updated", "unchanged", "superseded", "rejected", "dead", "waiting")
# What is counted of many records.
TOTALS = ("records", *STATUSES, "calls")

# Statuses that a plan reads as routing; all others are judged by the table in `answers`.
PERSON = frozenset({404, 409})


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Crisp. `path` is below `website/{website_id}/` and has `{who}` where the person stands; with a
    slash before it, it is of no website.

    `tells`: what Crisp knows when the answer is 2xx; `makes`: the outcome that it then is; `changes`: the flat keys
    that it changes; `routes`: other statuses that the plan wants to see.
    """

    method: str
    path: str
    who: str | None = None
    body: Mapping[str, Any] | None = None
    query: Mapping[str, Any] | None = None
    tells: Contact | None = None
    makes: Literal["created", "updated"] | None = None
    changes: tuple[str, ...] = ()
    routes: frozenset[int] = PERSON

    @property
    def route(self) -> str:
        """The call without the person: for counting, showing and logs."""
        return f"{self.method} {self.path.replace('{who}', '{people_id}')}"


@dataclass(frozen=True, slots=True)
class Reply:
    """Crisp's answer: status, the envelope's `reason` and `data`, the seconds of `Retry-After`, the header `Date`;
    `ms`: milliseconds that it took."""

    status: int
    reason: str = ""
    data: Any = None
    retry_after: float | None = None
    date: str | None = None
    ms: float = field(default=0.0, compare=False)

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def label(self) -> str:
        """For counting, showing and logs."""
        return str(self.status)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a plan. `code` and `reason` say why when it is not done; `reason` is Crisp's own word."""

    status: Status
    code: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class How:
    """How this Crisp behaves where its reference is silent; the defaults lose nothing.

    `batch_data` and `batch_segments`: what a batch does with what is there, None when that is not known or there are
    no batches; `batch_size`: people in one call.
    """

    segments: Literal["replace", "append"] = "replace"
    nested: Literal["replace", "merge"] = "replace"
    removal: Literal["null", "empty", "put"] = "null"
    batch_data: Literal["replace", "merge"] | None = None
    batch_segments: Literal["replace", "append"] | None = None
    batch_size: int = 50

    @classmethod
    def found(cls, findings: Mapping[str, Any]) -> "How":
        """What was found out about a connection's Crisp; the defaults for the rest."""
        return cls(**{name: value for name, value in findings.items() if name in cls.__slots__})


NOBODY = Contact()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a person in Crisp. `complete`: `known` has the whole profile. `unsure_since`: UNIX milliseconds
    since when a create may have been applied whose answer was lost."""

    people_id: str | None = None
    known: Contact = NOBODY
    exists: bool = False
    complete: bool = False
    unsure_since: int | None = None

    def after(self, call: Call, reply: Reply, fields: Mapping[str, Field]) -> "Seen":
        """What is known once this reply is in: 409 to a create and 404 for a person begin anew, as the plan does."""
        if reply.status == 409 and call.makes == "created" and not self.exists:
            return Seen(exists=True)
        if reply.status == 404 and "{who}" in call.path:
            return Seen()
        if not reply.ok:
            return self
        if call.method == "GET" and isinstance(reply.data, dict):
            return self._read(call.path, reply.data, fields)
        if call.tells is None:
            return self
        if call.makes == "created":
            return Seen(_people_id(reply), call.tells, exists=True, complete=True)
        return replace(self, known=merge(self.known, call.tells), exists=True, unsure_since=None)

    def _read(self, path: str, data: Mapping[str, Any], fields: Mapping[str, Field]) -> "Seen":
        """With a profile that was read; custom data is read by plans that need it at once."""
        if not path.startswith("people/profile/"):
            return self
        known = contact_of(data, self.known.data, fields)
        return Seen(data.get("people_id", self.people_id), known, exists=True, complete=True)


def _people_id(reply: Reply) -> str | None:
    found = reply.data.get("people_id") if isinstance(reply.data, dict) else None
    return found if isinstance(found, str) else None


Plan = Generator[Call, Reply, Outcome]
