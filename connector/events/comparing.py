"""Comparing: what an event changed, from what Crisp says now and what was known. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.contact import Contact, Scalar
from connector.crisp.card import contact_of
from connector.ledger.people import Person
from connector.manifest import Field


@dataclass(frozen=True, slots=True)
class Difference:
    """`contact`: the person as it is now; `changed`: flat keys in which that differs from what was known; `previous`:
    what was known of these."""

    contact: Contact
    changed: tuple[str, ...]
    previous: Mapping[str, Any]


def difference(
    person: Person | None, card: Mapping[str, Any] | None, update: Mapping[str, Any], fields: Mapping[str, Field]
) -> Difference:
    """`card`: the whole profile when it was read; `update`: the part of it that the event holds."""
    known = person.known if person else Contact()
    now = _whole(card, known, fields) if card is not None else _updated(known, update, fields)
    asked = tuple(sorted(_keys(known, now))) if person is not None or card is None else said(update, fields)
    changed = tuple(key for key in asked if _value(known, key) != _value(now, key))
    known_before = () if person is None else changed
    return Difference(now, changed, {key: _value(known, key) for key in known_before})


def _whole(card: Mapping[str, Any], known: Contact, fields: Mapping[str, Field]) -> Contact:
    """What the card says; custom data is not in it and stays as it was."""
    told = contact_of(card, known.data, fields)
    return replace(told, fields={key: value for key, value in told.fields.items() if key != "email"})


def _updated(known: Contact, update: Mapping[str, Any], fields: Mapping[str, Field]) -> Contact:
    told = contact_of(update, {}, fields)
    given: dict[str, Scalar | None] = {key: value for key, value in told.fields.items() if key != "email"}
    segments = told.segments if isinstance(update.get("segments"), list) else known.segments
    return Contact({**known.fields, **given}, segments, known.data)


def said(update: Mapping[str, Any], fields: Mapping[str, Field]) -> tuple[str, ...]:
    """The keys that an update names."""
    return tuple(sorted(key for key in contact_of(update, {}, fields).said()))


def _keys(known: Contact, now: Contact) -> set[str]:
    return {*known.said(), *now.said()} - {"email"}


def _value(contact: Contact, key: str) -> Any:
    if key == "segments":
        return sorted(contact.segments)
    if key.startswith("data."):
        return contact.data.get(key.removeprefix("data."))
    return contact.fields.get(key)


def shown(contact: Contact, people_id: str | None, email: str | None) -> dict[str, Any]:
    """The contact as events have it: the keys of the plain payload, and the segments as a text as well."""
    told = {key: value for key, value in contact.fields.items() if value is not None and key != "email"}
    named = {key: value for key, value in (("people_id", people_id), ("email", email)) if value}
    data = {key: value for key, value in contact.data.items() if value is not None}
    segments = list(contact.segments)
    return {**named, **told, "segments": segments, "segments_text": ", ".join(segments), "data": data}
