"""Profile cards: how writes change one and how it looks when it is read. Pure."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Card = dict[str, Any]

# Equal to no value of custom data.
NOTHING = object()


@dataclass
class Person:
    """One contact. `card` and `data` are never changed in place, so a reader needs no lock."""

    people_id: str
    card: Card
    created_at: int
    updated_at: int
    data: dict[str, Any] = field(default_factory=dict)
    active_at: int | None = None
    subscribed: bool = True
    events: list[Card] = field(default_factory=list)


def same_email(email: str) -> str:
    """The form in which two spellings of one address are equal: Crisp does not tell case apart."""
    return unicodedata.normalize("NFC", email).lower()


def unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def fresh(body: Mapping[str, Any]) -> Card:
    """The card that a body makes by itself, with nothing before it."""
    return {
        "email": body["email"],
        "person": without_empty(body.get("person", {})),
        "company": without_empty(body.get("company", {})),
        "segments": unique(body.get("segments", [])),
        "notepad": body.get("notepad", ""),
    }


def patched(card: Card, body: Mapping[str, Any], *, segments: str, nested: str) -> Card:
    """The card after Update People Profile.

    The fields of `person` are always merged. `nested` says whether the objects inside it, and `company`, are
    merged too or replaced by what is sent; `segments` whether the list is replaced or appended to. Crisp
    documents neither.
    """
    plain = {name: body[name] for name in ("email", "notepad") if name in body}
    objects = {name: body[name] for name in ("person", "company") if name in body}
    if nested == "replace" and "person" in objects:
        objects["person"] = {**card["person"], **objects["person"]}
    after = merged(card, objects) if nested == "merge" else {**card, **objects}
    if "segments" in body:
        plain["segments"] = unique([*(card["segments"] if segments == "append" else []), *body["segments"]])
    return {
        **after,
        "person": without_empty(after["person"]),
        "company": without_empty(after["company"]),
        **plain,
    }


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> Card:
    """`new` over `old`, objects inside field by field, lists whole."""
    after = dict(old)
    for name, value in new.items():
        before = after.get(name)
        after[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return after


def without_empty(value: Mapping[str, Any]) -> Card:
    """Without objects that hold nothing, as recorded: `"geolocation": {}` is sent and never comes back."""
    kept = {name: without_empty(item) if isinstance(item, dict) else item for name, item in value.items()}
    return {name: item for name, item in kept.items() if item != {}}


def merged_data(old: Mapping[str, Any], new: Mapping[str, Any], removal: str) -> dict[str, Any]:
    """Custom data after Update People Data; `removal` says which value takes a key away, if any does."""
    gone: object = {"null": None, "empty": ""}.get(removal, NOTHING)
    return {key: value for key, value in {**old, **new}.items() if value != gone}


def listed(person: Person) -> Card:
    """A card of List People Profiles, as recorded: `active` without `last`, no custom data, no score."""
    return {
        **person.card,
        "people_id": person.people_id,
        "created_at": person.created_at,
        "updated_at": person.updated_at,
        "active": {"now": False},
    }


def full(person: Person) -> Card:
    """The card of Get People Profile: `active.last` when it is known, and a score."""
    last = {} if person.active_at is None else {"last": person.active_at}
    return {**listed(person), "active": {"now": False, **last}, "score": 0}
