"""Meaning: which of our events one of Crisp's is, and what it says. Pure.

Crisp's events and their data: the hooks reference, namespaces `people:*` and `session:*`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.convert.email import email as canonical
from connector.convert.people import people_id as people_id_of
from connector.crisp.events import Told

EVENTS = (
    "contact_created",
    "contact_updated",
    "contact_removed",
    "conversation_data_changed",
    "conversation_email_changed",
    "segments_changed",
    "import_completed",
    "record_rejected",
)
# Events of Crisp that are known, and of which nobody is told.
_SILENT = frozenset(
    {
        "session:set_phone",
        "session:set_nickname",
        "session:set_avatar",
        "session:set_address",
        "session:set_subject",
        "session:set_state",
        "session:set_block",
        "session:set_routing",
        "session:removed",
        "session:request:initiated",
        "message:send",
        "message:received",
        "message:updated",
        "message:removed",
        "message:acknowledge:read:send",
        "message:acknowledge:read:received",
        "message:compose:send",
        "message:compose:receive",
        "email:subscribe",
        "people:import:progress",
        "people:import:done",
    }
)
# What may become part of an address: `..` would lead a call elsewhere.
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Change:
    """One event of ours, before it is complete. `said`: what is gathered while a burst lasts: `card` (a part of the
    profile) and `email` of a person, `data` and `segments` of a conversation."""

    event: str
    subject: str
    email: str | None = None
    people_id: str | None = None
    session_id: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meaning:
    """`changes`: what others are to be told; `session`: which person a conversation is with, as far as this says."""

    changes: tuple[Change, ...] = ()
    session: Mapping[str, str | None] | None = None


def meaning(told: Told) -> Meaning | None:
    """What Crisp's event means; None for one that is not known here."""
    reader = _READERS.get(told.event)
    if reader is not None:
        return reader(told.data)
    return Meaning() if told.event in _SILENT else None


def _person(event: str) -> Callable[[Mapping[str, Any]], Meaning]:
    def read(data: Mapping[str, Any]) -> Meaning:
        card = _object(data.get("update"))
        who, address = _people_id(data), _email(card) or _email(data)  # the new one, where it says that it changed
        subject = who or address
        if subject is None:
            return Meaning()
        said = {name: value for name, value in (("card", card), ("email", address)) if value}
        return Meaning((Change(event, subject, address, who, None, said),))

    return read


def _synced(data: Mapping[str, Any]) -> Meaning:
    """A profile that takes over what a conversation says."""
    card = _object(data.get("identity"))
    found = _person("contact_updated")({**data, "update": card})
    return Meaning(found.changes, _linked(data))


def _bound(data: Mapping[str, Any]) -> Meaning:
    return Meaning((), _linked(data))


def _session_email(data: Mapping[str, Any]) -> Meaning:
    session, address = _session(data), _email(data)
    if session is None or address is None:
        return Meaning()
    change = Change("conversation_email_changed", session, address, None, session)
    return Meaning((change,), {"session_id": session, "email": address, "people_id": None})


def _session_data(data: Mapping[str, Any]) -> Meaning:
    session, given = _session(data), _object(data.get("data"))
    if session is None:
        return Meaning()
    return Meaning((Change("conversation_data_changed", session, None, None, session, {"data": given}),))


def _session_segments(data: Mapping[str, Any]) -> Meaning:
    session, given = _session(data), data.get("segments")
    if session is None or not isinstance(given, list):
        return Meaning()
    return Meaning((Change("segments_changed", session, None, None, session, {"segments": _texts(given)}),))


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Meaning]] = {
    "people:profile:created": _person("contact_created"),
    "people:profile:updated": _person("contact_updated"),
    "people:profile:removed": _person("contact_removed"),
    "people:bind:session": _bound,
    "people:sync:profile": _synced,
    "session:set_email": _session_email,
    "session:set_data": _session_data,
    "session:set_segments": _session_segments,
}


def gathered(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What a burst says when this comes to it: what happened last counts (`at`: UNIX milliseconds), for Crisp repeats
    what was lost, and then it comes late. What is older than the last of `several` may be newer than another of them:
    then it is `unsure` what counts."""
    late = after.get("at", 0) < before.get("at", 0)
    said = merge(after, before) if late else merge(before, after)
    unsure = {"unsure": True} if late and before.get("several") else {}
    return {**said, "several": True, **unsure}


def merge(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What a burst says: the later counts, field by field. Segments are always told whole."""
    merged = dict(before)
    for key, value in after.items():
        inner = merged.get(key)
        merged[key] = merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _linked(data: Mapping[str, Any]) -> Mapping[str, str | None] | None:
    session = _session(data)
    return {"session_id": session, "email": _email(data), "people_id": _people_id(data)} if session else None


def _session(data: Mapping[str, Any]) -> str | None:
    given = data.get("session_id")
    return given if isinstance(given, str) and _SESSION_ID.fullmatch(given) else None


def _people_id(data: Mapping[str, Any]) -> str | None:
    given = data.get("people_id")
    return people_id_of(given) if isinstance(given, str) else None


def _email(data: Mapping[str, Any]) -> str | None:
    given = data.get("email")
    return canonical(given.strip()) if isinstance(given, str) else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(values: list[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
