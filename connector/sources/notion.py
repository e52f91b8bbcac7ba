"""Notion: pages of a database, from the API, automation webhooks, integration webhooks, n8n and Make.

Shapes: Notion API reference (page, property values, webhooks), n8n's Notion node, Make's database modules.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from connector.convert.email import email
from connector.notes import Note, note
from connector.record import Record, Unusable, Value
from connector.sources.base import EventId, Inbound, Rule, is_text, signed
from connector.sources.values import objects

KEY = "notion"

_EVENTS = re.compile(r"(page|database|data_source|comment)\.\w+")
_SITES = re.compile(r"https://(?:[\w-]+\.)*(?:notion\.so|notion\.site|app\.notion\.com)/")
# Ids, times and flags of a page; its properties are the record's values.
_ENVELOPE = ("id", "created_time", "last_edited_time", "in_trash", "archived", "is_archived")
_STRUCTURAL = {"button", "created_by", "created_time", "last_edited_by", "last_edited_time", "verification"}
_MOST_REFERENCES = 25
# Its integrations and automations count their tries in the body.
EVENT_IDS = (
    EventId((("entity", "id"), ("id",)), alone=True),
    EventId((("source", "event_id"), ("source", "action_id"), ("data", "id")), alone=True),
    EventId((("source", "event_id"),)),
)


def _is_verification(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.keys() == {"verification_token"}


def _is_automation(payload: Any) -> bool:
    source, data = (payload.get(key) if isinstance(payload, dict) else None for key in ("source", "data"))
    from_automation = isinstance(source, dict) and (source.get("type") == "automation" or "automation_id" in source)
    return from_automation and isinstance(data, dict) and data.get("object") == "page"


def _is_event(payload: Any) -> bool:
    entity = payload.get("entity") if isinstance(payload, dict) else None
    named = isinstance(entity, dict) and "id" in entity and "type" in entity
    subscribed = named and ("subscription_id" in payload or "integration_id" in payload)
    return subscribed and bool(_EVENTS.fullmatch(str(payload.get("type"))))


def _is_page(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.get("object") == "page" and isinstance(payload.get("properties"), dict)


def _is_list(payload: Any) -> bool:
    if not isinstance(payload, dict) or payload.get("object") != "list":
        return False
    kind, results = str(payload.get("type")), payload.get("results")
    first = results[0] if isinstance(results, list) and results else None
    return kind == "page" or kind.startswith("page_or_") or _is_page(first)


def _is_make_item(payload: Any) -> bool:
    if not isinstance(payload, dict) or not isinstance(payload.get("properties_value"), dict):
        return False
    return payload.get("object") == "page" or _on_notion(payload)


def _is_simplified(payload: Any) -> bool:
    if not isinstance(payload, dict) or "id" not in payload or not _on_notion(payload):
        return False
    return any(key.startswith("property_") for key in payload)


def _on_notion(payload: Mapping[str, Any]) -> bool:
    return isinstance(payload.get("url"), str) and bool(_SITES.match(payload["url"]))


RULES = (
    Rule(20, "verification", _is_verification, frozenset({"verification_token"})),
    Rule(30, "automation", _is_automation, frozenset({"source"})),
    Rule(40, "event", _is_event, frozenset({"entity"})),
    Rule(50, "page", _is_page, frozenset({"properties"})),
    Rule(60, "list", _is_list, frozenset({"object"})),
    Rule(70, "make_item", _is_make_item, frozenset({"properties_value"})),
    Rule(80, "n8n_simplified", _is_simplified, frozenset({"url"})),
)


def claim(payload: Any) -> str | None:
    """A partial page, such as an integration without the read capability gets, is a page without content."""
    if isinstance(payload, dict) and payload.get("object") == "page":
        return "page"
    return "list" if payload == [] else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per page; none for the handshake; an event has ids and times alone."""
    if variant == "list":
        yield from _listed(payload)
    elif variant == "event":
        yield _event(payload)
    elif variant == "n8n_simplified":
        yield _simplified(payload)
    elif variant != "verification":
        yield _page(payload["data"] if variant == "automation" else payload)


def _listed(payload: Any) -> Iterator[Record]:
    results = payload["results"] if isinstance(payload, dict) and isinstance(payload.get("results"), list) else []
    # A search mixes databases and data sources between the pages.
    yield from (_page(member) for member in results if isinstance(member, dict) and member.get("object") == "page")


def _event(payload: dict[str, Any]) -> Record:
    envelope = {"id": payload["entity"]["id"], "timestamp": payload.get("timestamp"), "type": payload["type"]}
    return Record(envelope=envelope, notes=(note("content_missing"),))


def _page(page: dict[str, Any]) -> Record:
    properties = page.get("properties", page.get("properties_value"))
    envelope = {key: page.get(key) for key in _ENVELOPE}
    if not isinstance(properties, dict):
        return Record(envelope=envelope, notes=(note("content_missing"),))
    values: dict[str, Value] = {}
    fallbacks: list[tuple[str, str]] = []
    notes: list[Note] = []
    for name, prop in properties.items():
        kind = str(prop.get("type")) if isinstance(prop, dict) and "properties" in page else ""
        if kind in _STRUCTURAL:
            continue
        values[name] = _unwrapped(prop) if kind else _by_shape(prop)
        fallbacks.extend(_by_type(kind, name, values[name]))
        if kind and _is_cut(prop):
            notes.append(note("list_incomplete", name))
    return Record(values, envelope, fallbacks=(*fallbacks, ("created_at", "created_time")), notes=tuple(notes))


def _by_type(kind: str, name: str, value: Value) -> Iterator[tuple[str, str]]:
    """What a property's type says where its name says nothing."""
    if kind == "email":
        yield "email", name
    elif kind == "phone_number":
        yield "phone", name
    elif kind == "title":
        yield ("email" if _is_address(value) else "full_name"), name


def _is_address(value: object) -> bool:
    return isinstance(value, str) and "@" in value and email(value.strip()) is not None


def _unwrapped(prop: dict[str, Any]) -> Value:
    """The plain value of a property value object (Notion API reference, property values)."""
    kind = str(prop.get("type"))
    inner = prop.get(kind)
    if kind in ("title", "rich_text"):
        return _joined(inner)
    if kind in ("select", "status"):
        return inner.get("name") if isinstance(inner, dict) else None
    if kind == "rollup":
        return _rollup(inner)
    if kind == "formula" and isinstance(inner, dict):
        return _unwrapped(inner)
    return _collected(kind, inner)


def _collected(kind: str, inner: Any) -> Value:
    if kind == "multi_select":
        return [item.get("name") for item in objects(inner)]
    if kind == "people":
        return [_person(item) for item in objects(inner)]
    if kind == "relation":
        return [item.get("id") for item in objects(inner)]
    if kind == "files":
        return next((_file(item) for item in objects(inner)), None)
    if kind in ("unique_id", "place", "date") and isinstance(inner, dict):
        return _object(inner)
    return inner if isinstance(inner, str | int | float | bool) else None


def _object(inner: dict[str, Any]) -> Value:
    """A date's start, a place's address or name, an id with its prefix."""
    if "number" in inner:
        return f"{inner['prefix']}-{inner['number']}" if inner.get("prefix") else inner["number"]
    found = inner.get("start") or inner.get("address") or inner.get("name")
    return found if isinstance(found, str) else None


def _joined(chunks: Any) -> str:
    """All chunks of a text; Notion cuts one at 2,000 characters."""
    return "".join(str(chunk.get("plain_text") or "") for chunk in objects(chunks))


def _person(user: dict[str, Any]) -> Any:
    known = user.get("person")
    return (known.get("email") if isinstance(known, dict) else None) or user.get("name")


def _file(item: dict[str, Any]) -> Value:
    """An external address. Notion's own are signed and stop working after about an hour."""
    external = item.get("external")
    if isinstance(external, dict):
        return external.get("url")
    return Unusable("url_dropped") if "file" in item else None


def _rollup(inner: Any) -> Value:
    if not isinstance(inner, dict):
        return None
    if inner.get("type") != "array":
        return _unwrapped(inner)
    found: list[object] = []
    for item in objects(inner.get("array")):
        value = _unwrapped(item)
        members = value if isinstance(value, list) else [value]
        found.extend(member for member in members if member not in (None, "") and member not in found)
    return found


def _by_shape(inner: Any) -> Value:
    """The value inside Make's items, which come without their types."""
    if isinstance(inner, list):
        members = objects(inner)
        if members and all("plain_text" in member for member in members):
            return _joined(members)
        return [_by_shape(member) for member in inner]
    if isinstance(inner, dict):
        found = next((inner[key] for key in ("name", "start", "email", "url") if key in inner), None)
        return found if isinstance(found, str | int | float | bool) else None
    return inner if isinstance(inner, str | int | float | bool) else None


def _is_cut(prop: dict[str, Any]) -> bool:
    """Whether the API gave only the first 25 references of this property."""
    inner = prop.get(str(prop.get("type")))
    full = prop.get("type") in ("relation", "people") and isinstance(inner, list) and len(inner) >= _MOST_REFERENCES
    return full or prop.get("has_more") is True


def _simplified(item: dict[str, Any]) -> Record:
    """n8n's flat item: `name` is the title, every property is `property_<snake case>`, accented letters are gone.

    The title comes twice, as `name` and under its property's own name, so the second says nothing new.
    """
    title = item.get("name")
    values = {key: _by_shape(inner) for key, inner in item.items() if key.startswith("property_")}
    twins = [("full_name", key) for key, value in values.items() if is_text(title) and value == title]
    known = {} if _is_address(title) else {"name": _by_shape(title)}
    fallbacks = (("email", "name"),) if not known else ()
    return Record(
        {**known, **values},
        {"id": item["id"], "name": title},
        fallbacks=(*fallbacks, *twins),
        accents_lost=True,
        prefix="property_",
    )


def payload_notes(payload: Any, variant: str) -> list[Note]:
    """A query's answer of which there are more pages."""
    more = variant == "list" and isinstance(payload, dict) and payload.get("has_more") is True
    return [note("list_incomplete", "results")] if more else []


def verify(inbound: Inbound, secret: str) -> bool:
    """Notion's `X-Notion-Signature` with the subscription's verification token (Notion reference, webhooks).

    The raw bytes are tried first, then the compact re-serialisation that Notion's own examples sign.
    """
    header = inbound.headers.get("x-notion-signature")
    if signed(inbound.body, header, secret):
        return True
    try:
        compact = json.dumps(json.loads(inbound.body), separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return signed(compact, header, secret)
