"""Comparing: what an event changed, from what Crisp says now and what was known. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.contact import Contact, Scalar, named
from connector.convert.email import email as canonical
from connector.crisp.card import contact_of, emptied
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
    known = person.seen.known if person else Contact()
    now = _whole(card, known, fields) if card is not None else _updated(known, update, fields)
    asked = tuple(sorted(_keys(known, now))) if person is not None or card is None else said(update, fields)
    changed = tuple(key for key in asked if _value(known, key) != _value(now, key))
    known_before = () if person is None else changed
    return Difference(now, changed, {key: _value(known, key) for key in known_before})


def _whole(card: Mapping[str, Any], known: Contact, fields: Mapping[str, Field]) -> Contact:
    """What the card says; custom data is not in it and stays as it was."""
    told = contact_of(card, known.data, fields)
    return _addressed(told.fields, told._replace(fields={}), known)


def _updated(known: Contact, update: Mapping[str, Any], fields: Mapping[str, Field]) -> Contact:
    told = _told(update, fields)
    segments = told.segments if isinstance(update.get("segments"), list) else known.segments
    return _addressed(told.fields, known._replace(segments=segments), known)


def _addressed(told: Mapping[str, Scalar | None], contact: Contact, known: Contact) -> Contact:
    """The contact with what is told on top, under its canonical address; under the known one where it says none."""
    given, fields = told.get("email"), {key: value for key, value in told.items() if key != "email"}
    email = (canonical(given) if isinstance(given, str) else None) or known.email
    found = contact._replace(fields={**contact.fields, **fields})
    return found.with_email(email) if email else found


def _told(update: Mapping[str, Any], fields: Mapping[str, Field]) -> Contact:
    """What an update says; what it empties is None."""
    told = contact_of(update, {}, fields)
    return told._replace(fields={**told.fields, **emptied(update, fields).fields})


def said(update: Mapping[str, Any], fields: Mapping[str, Field]) -> tuple[str, ...]:
    """The keys that an update names."""
    named = {"segments"} if isinstance(update.get("segments"), list) else set[str]()
    return tuple(sorted(named | set(_told(update, fields).said())))


def true(update: Mapping[str, Any], now: Contact, fields: Mapping[str, Field]) -> tuple[str, ...]:
    """The keys of which an update says what is so now."""
    told = _told(update, fields)
    return tuple(key for key in said(update, fields) if _value(told, key) == _value(now, key))


def was_told(key: str, now: Contact, told: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of these events told that this key has changed to what it is now."""
    return any(
        key in each["changed"] and _value(Contact.from_flat(each["contact"]), key) == _value(now, key) for each in told
    )


def echoed(
    found: Difference,
    known: Contact,
    update: Mapping[str, Any],
    written: Iterable[Contact],
    fields: Mapping[str, Field],
) -> frozenset[str]:
    """Of the changed keys those that are no news of anybody else: one of these contacts, which we told Crisp of late,
    says the same. When that is so of all that the event itself says, it is our own, whatever else is seen by now.

    Segments are only ever added, so an echo has no other than those that are known.
    """
    ours, told = [named(contact) for contact in written], _told(update, fields)
    told = _addressed(told.fields, told._replace(fields={}), Contact())
    keys = (*said(update, fields), *(("email",) if _is_renamed(known, told) else ()))
    own = {key for key in keys if any(_says(each, key, told, known) for each in ours)}
    news = {key for key in keys if key not in own and _value(told, key) != _value(known, key)}
    if own and not news:
        return frozenset(found.changed)
    return frozenset(key for key in found.changed if any(_says(each, key, found.contact, known) for each in ours))


def _says(ours: Contact, key: str, now: Contact, known: Contact) -> bool:
    if key == "segments":
        return bool(ours.segments) and set(now.segments) <= {*known.segments, *ours.segments}
    if key == "email":
        return ours.email == now.email
    return key in ours.said() and _value(ours, key) == _value(now, key)


def without(found: Difference, known: Contact, keys: Collection[str]) -> Difference:
    """The same, as if nothing were said of these keys."""
    changed = tuple(key for key in found.changed if key not in keys)
    previous = {key: value for key, value in found.previous.items() if key not in keys}
    return Difference(_with(found.contact, known, keys), changed, previous)


def learnt(known: Contact, base: Contact, told: Contact, keys: Iterable[str]) -> Contact:
    """What is known by now, with these keys as they are told; what changed since it was `base` stays."""
    return _with(known, told, [key for key in keys if _value(known, key) == _value(base, key)])


def _with(contact: Contact, other: Contact, keys: Collection[str]) -> Contact:
    """The contact with these keys as the other has them."""
    fields = {key: value for key, value in contact.fields.items() if key not in keys}
    fields |= {key: value for key, value in other.fields.items() if key in keys}
    return Contact(fields, other.segments if "segments" in keys else contact.segments, contact.data)


def _keys(known: Contact, now: Contact) -> set[str]:
    return {*known.said(), *now.said()} | ({"email"} if _is_renamed(known, now) else set())


def _is_renamed(known: Contact, now: Contact) -> bool:
    """Whether a person whose address is known has another now."""
    return None not in (known.email, now.email) and known.email != now.email


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
