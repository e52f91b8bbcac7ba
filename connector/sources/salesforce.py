"""Salesforce: contacts, leads and person accounts from its API, outbound messages, change and platform events, flows.

Shapes: Salesforce developer guides (REST, outbound messages, Change Data Capture, platform events, person accounts).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connector.markup import begins
from connector.notes import Note, note
from connector.record import Record, Value
from connector.saying import say
from connector.sources.base import EventId, Inbound, Rule, in_query, is_text
from connector.sources.values import flat

KEY = "salesforce"

_SOAP, _OUTBOUND = "{http://schemas.xmlsoap.org/soap/envelope/}", "{http://soap.sforce.com/2005/09/outbound}"
_TYPE = "@{http://www.w3.org/2001/XMLSchema-instance}type"
_NOTIFICATIONS = (f"{_SOAP}Envelope", f"{_SOAP}Body", f"{_OUTBOUND}notifications")
# What is a person: contacts, leads, and accounts that say so themselves.
_PEOPLE, _ACCOUNT = ("Contact", "Lead"), "Account"
_PERSON_ID = re.compile(r"(?:003|00Q)[A-Za-z0-9]{12}(?:[A-Z0-5]{3})?")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")
_ORGANISATION = re.compile(r"00D[A-Za-z0-9]{12}(?:[A-Z0-5]{3})?")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# Around an event: CometD, Event Relay, and the event's own envelope.
_ENVELOPES = ("data", "detail", "payload")
_OF_CHANGES = frozenset({"ChangeEventHeader", *_ENVELOPES})
# Names that are enough for whoever says that this is Salesforce's.
_FLAT = ("Id", "Email", "LastName", "FirstName", "PersonEmail", "Email__c")
# What is around the fields of an object.
_AROUND = frozenset({"attributes", "ChangeEventHeader"})
_ADDRESSES = ("MailingAddress", "Address")
# A live credential of the user whose change it was (SOAP API guide, outbound messaging).
_SESSION = re.compile(rb"(<(?:\w+:)?SessionId)\b[^>]*(?<!/)>.*?</(?:\w+:)?SessionId\s*>", re.DOTALL)
# Anything else than this, also an error, is sent again for 24 hours (the same guide).
ACKNOWLEDGED = b"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">
 <soapenv:Body>
  <notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">
   <Ack>true</Ack>
  </notificationsResponse>
 </soapenv:Body>
</soapenv:Envelope>
"""

# The ids of its notifications name a message; it holds the latest state of each record, whenever it is sent.
EVENT_IDS = (EventId(((*_NOTIFICATIONS, f"{_OUTBOUND}Notification", "*", f"{_OUTBOUND}Id"),), alone=True),)


def _message(payload: Any) -> dict[str, Any] | None:
    for name in _NOTIFICATIONS:
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload if isinstance(payload, dict) else None


def change_of(payload: Any) -> dict[str, Any] | None:
    """The fields of a change event, with its header among them; None for anything else."""
    for _ in range(4):
        if not isinstance(payload, dict):
            return None
        if isinstance(payload.get("ChangeEventHeader"), dict):
            return payload
        payload = next((payload[name] for name in _ENVELOPES if isinstance(payload.get(name), dict)), None)
    return None


def apart(event: Any) -> list[Any]:
    """A change event that is about several records, as one about each; anything else as it is."""
    header = (change_of(event) or {}).get("ChangeEventHeader")
    ids = header.get("recordIds") if isinstance(header, dict) else None
    return [_about(event, each) for each in ids] if isinstance(ids, list) and len(ids) > 1 else [event]


def _about(event: Any, its_id: Any) -> dict[str, Any]:
    if "ChangeEventHeader" in event:
        return {**event, "ChangeEventHeader": {**event["ChangeEventHeader"], "recordIds": [its_id]}}
    return {name: _about(told, its_id) if change_of(told) else told for name, told in event.items()}


def _platform(payload: Any) -> dict[str, Any] | None:
    """A platform event, without CometD's envelope around it."""
    inner = payload.get("data", payload) if isinstance(payload, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("payload"), dict):
        return None
    event = inner.get("event")
    return inner if isinstance(event, dict) and "replayId" in event else None


def _kind(payload: Any) -> str | None:
    """Which kind of object this is, by the attributes that the API puts into each."""
    attributes = payload.get("attributes") if isinstance(payload, dict) else None
    if not isinstance(attributes, dict) or not isinstance(attributes.get("url"), str):
        return None
    kind = attributes.get("type")
    return kind if isinstance(kind, str) and attributes["url"].startswith("/services/data/") else None


def _is_query(payload: Any) -> bool:
    listed = payload.get("records") if isinstance(payload, dict) and "totalSize" in payload else None
    if not isinstance(listed, list):
        return False
    return "done" in payload or any(_kind(member) for member in listed[:1])


def _is_flat(payload: Any) -> bool:
    its_id = payload.get("Id") if isinstance(payload, dict) else None
    return isinstance(its_id, str) and bool(_PERSON_ID.fullmatch(its_id))


RULES = (
    Rule(93.1, "outbound_message", lambda payload: _message(payload) is not None, frozenset({_NOTIFICATIONS[0]})),
    Rule(
        94.1,
        "change_event",
        lambda payload: change_of(payload) is not None,
        _OF_CHANGES,
        dict.fromkeys(_ENVELOPES, _OF_CHANGES),
    ),
    Rule(94.2, "sobject", lambda payload: _kind(payload) is not None, frozenset({"attributes"})),
    Rule(94.3, "query", _is_query, frozenset({"totalSize"})),
    Rule(
        94.4,
        "platform_event",
        lambda payload: _platform(payload) is not None,
        frozenset({"event", "data"}),
        {"data": frozenset({"event"})},
    ),
    Rule(192, "flow_json", _is_flat, frozenset({"Id"})),
)


def claim(payload: Any) -> str | None:
    """Whatever has Salesforce's names, and an empty list."""
    if isinstance(payload, dict) and any(name in payload for name in _FLAT):
        return "flow_json"
    return "query" if payload == [] else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per contact, lead or person account; none for anything else."""
    if variant == "query":
        listed = payload["records"] if isinstance(payload, dict) else payload
        yield from (each for member in listed if isinstance(member, dict) for each in _person(member, _kind(member)))
    elif variant == "outbound_message":
        yield from _notified(_message(payload) or {})
    elif variant == "change_event":
        yield from _changed(change_of(payload) or {})
    elif variant == "platform_event":
        yield from _published(_platform(payload) or {})
    else:
        yield from _person(payload, _kind(payload))


def payload_notes(payload: Any, variant: str) -> list[Note]:
    """A query's answer of which there is more, and an event that says that others were left out."""
    if variant == "query" and isinstance(payload, dict) and payload.get("done") is False:
        return [note("list_incomplete", "records")]
    header = (change_of(payload) or {}).get("ChangeEventHeader") if variant == "change_event" else None
    lost = isinstance(header, dict) and header.get("changeType") == "GAP_OVERFLOW"
    return [note("changes_lost", "changeType")] if lost else []


def _person(fields: Mapping[str, Any], kind: str | None) -> Iterator[Record]:
    """An object of the API, or one that somebody designed."""
    if kind is None or _is_person(kind, fields):
        yield _record(fields, {"record_id": _id_of(fields)})


def _is_person(kind: Any, fields: Mapping[str, Any]) -> bool:
    return kind in _PEOPLE or (kind == _ACCOUNT and fields.get("IsPersonAccount") in (True, "true"))


def _company(fields: Mapping[str, Any]) -> list[str]:
    """The names of a contact's account where that is a person account: it is the same person, and no company."""
    return [name for name in fields if re.match(r"Account(\.|__|$)", name)] if _is_person(_ACCOUNT, fields) else []


def _record(fields: Mapping[str, Any], envelope: Mapping[str, Value], table: str = "") -> Record:
    """`Name` holds the salutation too, so that it counts only where there is no last name."""
    values = flat(fields, but=_AROUND.union(_company(fields)))
    named = is_text(values.get("LastName")) or is_text(values.get("Name.LastName"))
    return Record(values, envelope, table, fallbacks=() if named else (("full_name", "Name"),))


def _id_of(fields: Mapping[str, Any]) -> Value:
    """The id in 18 characters, from the object's address where it was not selected."""
    its_id = fields.get("Id")
    if not is_text(its_id) and _kind(fields):
        its_id = str(fields["attributes"]["url"]).rpartition("/")[2]
    return _long(its_id)


def _long(its_id: Any) -> Value:
    """An id of 15 characters with its checksum: those that differ in their case alone are different records.

    Of each five characters a bit is set where one is upper case, the first the lowest (Salesforce help, record ids).
    """
    if not isinstance(its_id, str) or len(its_id) != 15 or not _ID.fullmatch(its_id):
        return its_id if isinstance(its_id, str) else None
    groups = (its_id[0:5], its_id[5:10], its_id[10:15])
    bits = (sum(1 << place for place, char in enumerate(group) if char.isupper()) for group in groups)
    return its_id + "".join(_LETTERS[each] for each in bits)


def _notified(message: Mapping[str, Any]) -> Iterator[Record]:
    listed = message.get(f"{_OUTBOUND}Notification")
    for each in listed if isinstance(listed, list) else [listed]:
        told = each.get(f"{_OUTBOUND}sObject") if isinstance(each, dict) else None
        if isinstance(told, dict):
            fields = {name.rpartition("}")[2]: value for name, value in told.items() if name[:1] != "@"}
            yield from _person(fields, str(told.get(_TYPE)).rpartition(":")[2])


def _changed(event: Mapping[str, Any]) -> Iterator[Record]:
    """One record per id: what is changed in the same way comes once (Change Data Capture guide, merged events)."""
    header = event.get("ChangeEventHeader")
    if not isinstance(header, dict) or not _is_person(header.get("entityName"), event):
        return
    kind, ids = header.get("changeType"), header.get("recordIds")
    fields = _whole_addresses(event) if kind == "UPDATE" else event
    for each in ids if isinstance(ids, list) and kind != "GAP_OVERFLOW" else ():
        told = {"record_id": _long(each), "changeType": kind, "commitTimestamp": header.get("commitTimestamp")}
        yield _record(fields, told)


def _whole_addresses(event: Mapping[str, Any]) -> dict[str, Any]:
    """Without a street that alone has changed: it would cut the rest off the line that Crisp has."""
    fields = dict(event)
    for name in _ADDRESSES:
        parts = fields.get(name)
        if isinstance(parts, dict) and not parts.keys() >= {"Street", "City", "PostalCode"}:
            fields[name] = {key: value for key, value in parts.items() if key != "Street"}
    return fields


def _published(event: Mapping[str, Any]) -> Iterator[Record]:
    """Fields of a platform event are all the customer's own; which record it is of is one of them."""
    fields = event["payload"]
    named = {key.removesuffix("__c").replace("_", "").lower(): value for key, value in fields.items()}
    its_id = next((named[name] for name in ("recordid", "contactid") if is_text(named.get(name))), None)
    told = {"record_id": _long(its_id), "published": fields.get("CreatedDate")}
    yield _record(fields, told, "platform_event")


def verify(inbound: Inbound, secret: str) -> bool:
    """Salesforce signs nothing: the secret in the address, as `key`, of an outbound message. Which organisation it is
    from is looked at besides (`senders`)."""
    return in_query(inbound, "key", secret) and begins(inbound.body)


def senders(inbound: Inbound) -> set[str]:
    """The organisation that a message names."""
    named = (_message(inbound.said) or {}).get(f"{_OUTBOUND}OrganizationId")
    return {str(_long(named))} if isinstance(named, str) else set()


def sender_form(written: str | None) -> str:
    """An organisation's id in 18 characters. Raises ValueError without one: the secret stands in an address that
    others may come to see."""
    if written is None or not _ORGANISATION.fullmatch(written.strip()):
        raise ValueError(
            say("Give the id of your organisation, which begins with 00D: in Salesforce, Setup, Company Information.")
        )
    return str(_long(written.strip()))


def acknowledgement(inbound: Inbound) -> tuple[str, bytes] | None:
    """What an outbound message is answered with."""
    return ("text/xml; charset=utf-8", ACKNOWLEDGED) if begins(inbound.body) else None


def kept(body: bytes) -> bytes:
    """A message without the session in it."""
    return _SESSION.sub(rb"\1/>", body)
