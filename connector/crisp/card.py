"""Contact ↔ Crisp's profile card, by the paths of `manifests/fields.json` (Crisp REST reference, people profiles)."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from connector.contact import Contact, Scalar
from connector.convert.times import from_milliseconds, milliseconds
from connector.manifest import Field

# Sub-objects that Crisp may replace whole when a part of them is sent: send them complete when they are known.
GROUPS = ("person.employment.", "person.geolocation.", "company.")


def card_of(contact: Contact, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The card that says what the contact says; custom data has its own route and is not in it."""
    card: dict[str, Any] = {}
    for key, value in contact.fields.items():
        field = fields[key]
        if field.crisp_path is not None:
            *parents, leaf = field.crisp_path.split(".")
            inner = reduce(lambda node, name: node.setdefault(name, {}), parents, card)
            inner[leaf] = _written(field, value)
    if contact.segments:
        card["segments"] = list(contact.segments)
    return card


def contact_of(card: Mapping[str, Any], data: Mapping[str, Any], fields: Mapping[str, Field]) -> Contact:
    """What a card and its custom data say."""
    said: dict[str, Scalar | None] = {}
    for key, field in fields.items():
        if field.crisp_path is None or field.type in ("list", "data"):
            continue
        value = _at(card, field.crisp_path)
        value = value if field.crisp_form == "plain" else _read(field, value)
        if isinstance(value, str | int | float) and value != "":
            said[key] = value
    segments = card.get("segments")
    return Contact(said, tuple(segments) if isinstance(segments, list) else (), dict(data))


def emptied(card: Mapping[str, Any], fields: Mapping[str, Field]) -> Contact:
    """The fields of which a part of a card says that they hold nothing any more, each None."""
    placed = {key: field.crisp_path for key, field in fields.items() if field.type not in ("list", "data")}
    return Contact({key: None for key, path in placed.items() if path is not None and _is_blank(card, path)})


def _is_blank(card: Mapping[str, Any], path: str) -> bool:
    """Whether the place is there, or what holds it, and nothing is in it."""
    node: Any = card
    for name in path.split("."):
        if not isinstance(node, dict) or name not in node:
            return False
        node = node[name]
        if node in (None, "", []):
            return True
    return False


def writable(contact: Contact, fields: Mapping[str, Field]) -> Contact:
    """The contact without fields for which Crisp's profile has no place."""
    placed = {key: value for key, value in contact.fields.items() if fields[key].crisp_path is not None}
    return Contact(placed, contact.segments, contact.data)


def groups_of(contact: Contact, fields: Mapping[str, Field]) -> set[str]:
    """Which of the sub-objects this contact writes into."""
    paths = [fields[key].crisp_path or "" for key in contact.fields]
    return {group for group in GROUPS if any(path.startswith(group) for path in paths)}


def with_groups(news: Contact, whole: Contact, fields: Mapping[str, Field]) -> Contact:
    """The news, and from `whole` all that stands in the sub-objects that they touch."""
    touched = tuple(groups_of(news, fields))
    beside = {
        key: value
        for key, value in whole.fields.items()
        if touched and key in fields and (fields[key].crisp_path or "").startswith(touched)
    }
    return Contact({**beside, **news.fields}, news.segments, news.data)


def _written(field: Field, value: Scalar | None) -> Any:
    if value is None or field.crisp_form == "plain":
        return value
    return [value] if field.crisp_form == "list" else milliseconds(str(value))


def _read(field: Field, value: Any) -> Scalar | None:
    if field.crisp_form == "list":
        return value[0] if isinstance(value, list) and value and isinstance(value[0], str) else None
    # `active` is a number in writes and `{now, last}` in reads.
    moment = value.get("last") if isinstance(value, dict) else value
    return from_milliseconds(moment) if isinstance(moment, int | float) and moment > 0 else None


def _at(card: Mapping[str, Any], path: str) -> Any:
    node: Any = card
    for name in path.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node
