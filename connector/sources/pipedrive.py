"""Pipedrive: persons from the API (v1 and v2) and from webhooks (v1 and v2).

Shapes: Pipedrive developer docs (Persons, "Guide for webhooks v2", migration to API v2), official PHP client.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connector.notes import Note, note
from connector.record import Record, Value, broken
from connector.sources.base import EventId, Inbound, Rule, claimed_alike, same
from connector.sources.values import flat

KEY = "pipedrive"

# Whom a webhook's HTTP authentication names; the password is the secret.
_USER = "pipedrive"
_POINTS = ("email", "emails", "phone", "phones")
_NESTED = ("org_id", "organization", "postal_address")
# What every person has, and few things of other systems that have emails and phones.
_OWN = ("owner_id", "visible_to", "label_ids")
_NAMES = ("name", "first_name", "last_name", "email", "phone")
_CUSTOM = re.compile(r"[0-9a-f]{40}")
# The API v1 writes its times in UTC without saying so.
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")

# The tries are counted in the body. In v1 the id is the person's, in v2 the event's.
EVENT_IDS = (
    EventId((("event",), ("meta", "id"), ("meta", "timestamp_micro")), alone=True),
    EventId((("meta", "entity"), ("meta", "action"), ("meta", "entity_id"), ("meta", "id")), alone=True),
)


def _is_hook_v2(payload: Any) -> bool:
    meta = payload.get("meta") if isinstance(payload, dict) else None
    return isinstance(meta, dict) and "entity" in meta and "version" in meta


def _is_hook_v1(payload: Any) -> bool:
    meta = payload.get("meta") if isinstance(payload, dict) else None
    return isinstance(meta, dict) and "object" in meta and ("current" in payload or "previous" in payload)


def _is_v2(person: Any) -> bool:
    return _has(person, "emails", "phones") and any(key in person for key in _OWN)


def _is_v1(person: Any) -> bool:
    return _has(person, "email", "phone") and "owner_id" in person


def _has(person: Any, *names: str) -> bool:
    """Whether one of these is a list of contact points, `{value, primary, label}`."""
    if not isinstance(person, dict):
        return False
    for name in names:
        listed = person.get(name)
        if isinstance(listed, list) and all(isinstance(point, dict) and "value" in point for point in listed):
            return True
    return False


def _of_one(payload: Any, test: Callable[[Any], bool]) -> bool:
    return test(payload["data"] if isinstance(payload, dict) and isinstance(payload.get("data"), dict) else payload)


def _of_many(payload: Any, test: Callable[[Any], bool]) -> bool:
    listed = payload.get("data") if isinstance(payload, dict) else None
    return isinstance(listed, list) and test(next((each for each in listed if isinstance(each, dict)), None))


def _is_empty_list(payload: Any) -> bool:
    told = isinstance(payload, dict) and payload.get("success") is True and "additional_data" in payload
    return told and payload.get("data", "") in (None, [])


def _rule_of_one(rank: float, variant: str, test: Callable[[Any], bool], *names: str) -> Rule:
    """One person who has one of these names, by itself or under `data`."""
    held = frozenset(names)
    return Rule(rank, variant, lambda payload: _of_one(payload, test), held | {"data"}, {"data": held})


def _rule_of_many(rank: float, variant: str, test: Callable[[Any], bool]) -> Rule:
    """A list of them, under `data`: an object there is none."""
    return Rule(rank, variant, lambda payload: _of_many(payload, test), frozenset({"data"}), {"data": frozenset()})


RULES = (
    Rule(96.1, "webhook_v2", _is_hook_v2, frozenset({"meta"})),
    Rule(96.2, "webhook_v1", _is_hook_v1, frozenset({"meta"})),
    _rule_of_one(96.3, "person_v2", _is_v2, "emails", "phones"),
    _rule_of_one(96.4, "person_v1", _is_v1, "email", "phone"),
    _rule_of_many(96.5, "person_list_v2", _is_v2),
    _rule_of_many(96.6, "person_list_v1", _is_v1),
    Rule(96.7, "person_list_v2", _is_empty_list, frozenset({"additional_data"})),
)


def claim(payload: Any) -> str | None:
    """Whatever has a person's names, by itself or in an answer; a list of which all members are of one kind."""
    if isinstance(payload, list):
        return claimed_alike(claim, payload) if payload else "person_list_v2"
    if not isinstance(payload, dict):
        return None
    if isinstance(payload.get("meta"), dict):
        return "webhook_v2" if "entity" in payload["meta"] else "webhook_v1" if "object" in payload["meta"] else None
    if isinstance(payload.get("data"), list):
        return "person_list_v2"
    person = payload["data"] if isinstance(payload.get("data"), dict) else payload
    if "emails" in person or "phones" in person or "custom_fields" in person:
        return "person_v2"
    return "person_v1" if any(name in person for name in _NAMES) else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per person; none for hooks of other things."""
    if variant.startswith("webhook"):
        yield from _hook(payload)
    elif variant.startswith("person_list"):
        listed = payload.get("data") if isinstance(payload, dict) else payload
        yield from (_person(each) if isinstance(each, dict) else broken("record_invalid") for each in listed or ())
    else:
        yield _person(payload["data"] if isinstance(payload.get("data"), dict) else payload)


def payload_notes(payload: Any, variant: str) -> list[Note]:
    """An answer of which there are more pages: a cursor in v2, a flag in v1."""
    beside = payload.get("additional_data") if variant.startswith("person_list") and isinstance(payload, dict) else None
    paging = beside.get("pagination") if isinstance(beside, dict) else None
    more = isinstance(beside, dict) and bool(beside.get("next_cursor"))
    more = more or (isinstance(paging, dict) and paging.get("more_items_in_collection") is True)
    return [note("list_incomplete", "data")] if more else []


def _hook(hook: dict[str, Any]) -> Iterator[Record]:
    """What is there now. What was there before is not the person's any more, and serves a deletion alone."""
    meta = hook["meta"]
    kind, action = meta.get("entity", meta.get("object")), meta.get("action")
    if kind != "person":
        return
    told = {"entity_id": meta.get("entity_id", meta.get("id")), "timestamp": meta.get("timestamp"), "action": action}
    envelope = {name: value for name, value in told.items() if isinstance(value, str | int)}
    now, before = hook.get("data", hook.get("current")), hook.get("previous")
    if action in ("delete", "deleted"):
        last = before if isinstance(before, dict) else {}
        yield Record({name: _points(last[name]) for name in ("emails", "email") if name in last}, envelope)
    elif isinstance(now, dict):
        yield _person(now, envelope)
    else:
        yield Record(envelope=envelope, notes=(note("content_missing"),))


def _person(person: Mapping[str, Any], envelope: Mapping[str, Value] | None = None) -> Record:
    return Record(dict(_values(person)), envelope or {})


def _values(person: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for name, value in person.items():
        if name in _POINTS:
            yield name, _points(value)
        elif _CUSTOM.fullmatch(name):
            yield name, _custom(value)
        elif name == "custom_fields" and isinstance(value, dict):
            yield from ((key, _custom(inner)) for key, inner in value.items())
        elif name == "picture_id" and isinstance(value, dict):
            yield from flat({"pictures": value.get("pictures")}, prefix="picture_id.").items()
        elif name in _NESTED and isinstance(value, dict):
            yield from flat(value, prefix=f"{name}.").items()
        elif not isinstance(value, dict | list):
            zoneless = isinstance(value, str) and name.endswith("_time") and _ZONELESS.fullmatch(value)
            yield name, f"{value}Z" if zoneless else value


def _points(value: Any) -> Value:
    """The addresses or numbers, the primary first; empty places are sent as well."""
    if not isinstance(value, list):
        return value if isinstance(value, str | int | float) else None
    members = [member for member in value if isinstance(member, dict)]
    ordered = sorted(members, key=lambda member: member.get("primary") is not True)
    return [*(member.get("value") for member in ordered), *(member for member in value if isinstance(member, str))]


def _custom(value: Any) -> Value:
    """The value inside `{type, value, …}` or `{type, values: […]}`; of options, their ids."""
    if isinstance(value, dict):
        named = next((value[key] for key in ("value", "values", "label", "id") if value.get(key) is not None), None)
        return None if isinstance(named, dict) else _custom(named)
    if isinstance(value, list):
        return [_custom(member) for member in value if not isinstance(member, list)]
    return value if isinstance(value, str | int | float | bool) else None


def verify(inbound: Inbound, secret: str) -> bool:
    """HTTP Basic, the only proof that Pipedrive offers: user and password given when the webhook is made."""
    told = base64.b64encode(f"{_USER}:{secret}".encode()).decode()
    return same(inbound.headers.get("authorization"), f"Basic {told}") if secret else False
