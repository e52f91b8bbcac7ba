"""HubSpot: contacts from the CRM API, workflows and an app's webhooks.

Shapes: HubSpot developer docs (CRM API v3, webhooks API, "Validating requests"), knowledge base (workflow webhooks).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.notes import Note, note
from connector.record import Record, Value, broken
from connector.sources.base import EventId, Inbound, Rule, claimed_alike, same
from connector.sources.values import id_text, objects, scalar

KEY = "hubspot"

_CONTACT = "0-1"
_EMPTIED = re.compile(r"\.(?:deletion|privacyDeletion|merge)$")
_FILLED = re.compile(r"\.(?:creation|restore)$")
# How Zapier and Make write a nested name.
_NESTED = ("properties.", "properties__")
# Names that are enough for whoever says that this is HubSpot's.
_FLAT = ("email", "firstname", "lastname", "lifecyclestage", "hs_object_id", "vid")
_SIGNATURE, _SIGNATURE_V3 = "x-hubspot-signature", "x-hubspot-signature-v3"
# Milliseconds that a signed time may differ from ours ("Validating requests": older than five minutes is refused).
_FRESH = 300_000
# The escapes that HubSpot takes off an address before it signs it (the same page).
_UNESCAPED = {"3A": ":", "2F": "/", "3F": "?", "40": "@", "21": "!", "24": "$", "27": "'", "28": "(", "29": ")"}
_UNESCAPED |= {"2A": "*", "2C": ",", "3B": ";"}
_ESCAPE = re.compile("%(" + "|".join(_UNESCAPED) + ")", re.IGNORECASE)

SENT_WITH = (_SIGNATURE, _SIGNATURE_V3)
WHOLE = ("subscription_events",)
_OF_EACH = (("*", "eventId"), ("*", "subscriptionId"), ("*", "objectId"), ("*", "occurredAt"))
# An eventId is not unique; the tries are counted in each event.
EVENT_IDS = (EventId((*_OF_EACH, ("*", "propertyName")), alone=True), EventId(_OF_EACH, alone=True))


def _is_event(payload: Any) -> bool:
    return isinstance(payload, dict) and isinstance(payload.get("subscriptionType"), str) and "portalId" in payload


def _is_v1(payload: Any) -> bool:
    properties = payload.get("properties") if isinstance(payload, dict) and "vid" in payload else None
    members = properties.values() if isinstance(properties, dict) else ()
    return any(isinstance(each, dict) and "value" in each for each in members)


def _is_object(payload: Any) -> bool:
    properties = payload.get("properties") if isinstance(payload, dict) else None
    if not isinstance(properties, dict):
        return False
    return "hs_object_id" in properties or payload.keys() >= {"id", "createdAt", "archived"}


def _is_list(payload: Any) -> bool:
    results = payload.get("results") if isinstance(payload, dict) else None
    return isinstance(results, list) and bool(results) and _is_object(results[0])


def _is_flat(payload: Any) -> bool:
    return isinstance(payload, dict) and any(f"{prefix}hs_object_id" in payload for prefix in ("", *_NESTED))


RULES = (
    Rule(95.1, "subscription_events", _is_event, frozenset({"subscriptionType"})),
    Rule(95.2, "workflow_v1", _is_v1, frozenset({"vid"})),
    Rule(95.3, "crm_v3_list", _is_list, frozenset({"results"})),
    Rule(95.4, "crm_v3_object", _is_object, frozenset({"properties"})),
    Rule(191, "flat", _is_flat, frozenset(f"{prefix}hs_object_id" for prefix in ("", *_NESTED))),
)


def claim(payload: Any) -> str | None:
    """Whatever has HubSpot's names; events of which some are broken; a list of which all members are of one kind."""
    if isinstance(payload, list):
        if any(isinstance(member, dict) and "subscriptionType" in member for member in payload):
            return "subscription_events"
        return claimed_alike(claim, payload) if payload else "crm_v3_list"
    if not isinstance(payload, dict):
        return None
    if "subscriptionType" in payload:
        return "subscription_events"
    if isinstance(payload.get("properties"), dict):
        return "workflow_v1" if _is_v1(payload) else "crm_v3_object"
    if isinstance(payload.get("results"), list):
        return "crm_v3_list"
    named = any(f"{prefix}{name}" in payload for prefix in ("", *_NESTED) for name in _FLAT)
    return "flat" if named else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per contact; none for events of other objects."""
    if variant == "subscription_events":
        yield from _folded(payload if isinstance(payload, list) else [payload])
    elif variant == "crm_v3_list":
        listed = payload["results"] if isinstance(payload, dict) else payload
        yield from (_object(each) if isinstance(each, dict) else broken("record_invalid") for each in listed)
    elif variant == "workflow_v1":
        yield _v1(payload)
    elif variant == "crm_v3_object":
        yield _object(payload)
    else:
        yield Record(dict(_bare(payload)))


def payload_notes(payload: Any, variant: str) -> list[Note]:
    """A list of which there are more pages."""
    paging = payload.get("paging") if variant == "crm_v3_list" and isinstance(payload, dict) else None
    return [note("list_incomplete", "results")] if isinstance(paging, dict) and paging.get("next") else []


def _object(contact: dict[str, Any]) -> Record:
    """A contact of the CRM API; only the properties that were asked for are there."""
    properties = contact.get("properties")
    envelope = {key: contact.get(key) for key in ("id", "createdAt", "updatedAt", "archived")}
    return Record(dict(_scalars(properties if isinstance(properties, dict) else {})), envelope)


def _bare(body: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for name, value in _scalars(body):
        yield next((name.removeprefix(prefix) for prefix in _NESTED if name.startswith(prefix)), name), value


def _v1(contact: dict[str, Any]) -> Record:
    """The contact of the old API, as workflows send it: each property with its versions."""
    values = dict(_values(contact))
    company = contact.get("associated-company")
    for name, value in _values(company) if isinstance(company, dict) else ():
        values[f"associated-company.properties.{name}.value"] = value
    return Record({**values, "identity-profiles": _emails(contact)}, {"vid": scalar(contact.get("vid"))})


def _values(holder: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    properties = holder.get("properties")
    for name, versioned in properties.items() if isinstance(properties, dict) else ():
        yield name, scalar(versioned.get("value")) if isinstance(versioned, dict) else scalar(versioned)


def _emails(contact: Mapping[str, Any]) -> list[object]:
    """The addresses of a contact's identities, the primary first."""
    profiles = objects(contact.get("identity-profiles"))
    identities = [each for profile in profiles for each in objects(profile.get("identities"))]
    emails = [each for each in identities if each.get("type") == "EMAIL"]
    return [each.get("value") for each in sorted(emails, key=lambda each: each.get("is-primary") is not True)]


@dataclass
class _Told:
    """What events say of one contact: its changed properties, and what kind of event last made or ended it."""

    values: dict[str, Value] = field(default_factory=dict)
    kind: str = ""
    at: int = 0


def _folded(events: list[Any]) -> Iterator[Record]:
    """One record per contact: events come in any order, so they are put in the order in which they happened."""
    good = [event for event in events if _subjects(event)]
    told = {its_id: _Told() for event in good for its_id in _subjects(event) or ()}
    for event in sorted(good, key=_moment):
        for its_id in _subjects(event) or ():
            _tell(told[its_id], event)
    for its_id, each in told.items():
        yield Record(each.values, {"objectId": its_id, "subscriptionType": each.kind, "occurredAt": each.at or None})
    yield from (broken("record_invalid") for event in events if _subjects(event) is None)


def _subjects(event: Any) -> list[str] | None:
    """The ids of the contacts that an event is about; None when it cannot be understood. Associations change none."""
    kind = event.get("subscriptionType") if isinstance(event, dict) else None
    if not isinstance(kind, str):
        return None
    named = kind.startswith("contact.") or (kind.startswith("object.") and event.get("objectTypeId") == _CONTACT)
    if not named or kind.endswith(".associationChange"):
        return []
    if kind.endswith(".merge"):
        return _lost(event)
    its_id = id_text(event.get("objectId"))
    return [its_id] if its_id else None


def _lost(event: Mapping[str, Any]) -> list[str]:
    """Ids that a merge ended. Lists that name the one that is kept as well have been seen."""
    merged = event.get("mergedObjectIds")
    kept = {id_text(event.get("primaryObjectId")), id_text(event.get("newObjectId")), ""}
    return [its_id for each in (merged if isinstance(merged, list) else []) if (its_id := id_text(each)) not in kept]


def _tell(told: _Told, event: Mapping[str, Any]) -> None:
    kind, name, value = event["subscriptionType"], event.get("propertyName"), event.get("propertyValue")
    told.at = max(told.at, _moment(event))
    if _EMPTIED.search(kind) or _FILLED.search(kind):
        told.kind = kind
    hidden = event.get("isSensitive") is True and value == "REDACTED"
    if isinstance(name, str) and name and not hidden:
        told.values[name] = scalar(value)


def _moment(event: Mapping[str, Any]) -> int:
    at = event.get("occurredAt")
    return at if isinstance(at, int) and not isinstance(at, bool) else 0


def _scalars(properties: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    yield from ((name, value) for name, value in properties.items() if not isinstance(value, dict | list))


def senders(inbound: Inbound) -> set[str]:
    """The portals that a body names: an app's secret signs for every portal that has installed the app."""
    said = inbound.said
    members = objects(said if isinstance(said, list) else [said])
    return {id_text(each[key]) for each in members for key in ("portalId", "portal-id") if key in each}


def verify(inbound: Inbound, secret: str) -> bool:
    """HubSpot's signatures with the app's client secret ("Validating requests"). Once the third version is there, no
    older one counts; the first says nothing of the address, and neither it nor the second of the time."""
    headers = inbound.headers
    if _SIGNATURE_V3 in headers:
        return _is_fresh(inbound) and _is_v3(inbound, secret)
    signature, version = headers.get(_SIGNATURE), headers.get(f"{_SIGNATURE}-version")
    if version == "v1":
        return same(signature, hashlib.sha256(secret.encode() + inbound.body).hexdigest())
    if version == "v2":
        heads = [secret + inbound.method + url for url in _urls(inbound)]
        return any(same(signature, hashlib.sha256(_bytes(head) + inbound.body).hexdigest()) for head in heads)
    return False


def _is_fresh(inbound: Inbound) -> bool:
    stamp = inbound.headers.get("x-hubspot-request-timestamp", "")
    return stamp.isascii() and stamp.isdecimal() and len(stamp) < 16 and abs(inbound.at - int(stamp)) <= _FRESH


def _is_v3(inbound: Inbound, secret: str) -> bool:
    stamp, given = inbound.headers["x-hubspot-request-timestamp"], inbound.headers[_SIGNATURE_V3]
    signed = [_bytes(inbound.method + url) + inbound.body + stamp.encode() for url in _urls(inbound)]
    macs = [hmac.new(secret.encode(), message, hashlib.sha256).digest() for message in signed]
    return any(same(given, base64.b64encode(mac).decode()) for mac in macs)


def _urls(inbound: Inbound) -> tuple[str, str]:
    """The address as it came, and without some of its escapes: HubSpot signs the second, its own client the first."""
    return inbound.url, _ESCAPE.sub(lambda match: _UNESCAPED[match[1].upper()], inbound.url)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
