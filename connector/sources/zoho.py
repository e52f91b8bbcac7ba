"""Zoho CRM: contacts and leads from the API, notification channels and workflow webhooks.

Shapes: Zoho CRM developer docs (Get Records, Notifications API, Webhooks API), Zoho CRM help (webhooks).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from connector.body import Form
from connector.notes import Note, note
from connector.record import Record, Value, broken
from connector.sources.base import EventId, Inbound, Rule, claimed_alike, in_query, is_text, same
from connector.sources.values import id_text, objects, scalar

KEY = "zoho"

_MODULES = ("Contacts", "Leads")
# Names exactly so are Zoho's and few others'; an `Email` alone is anybody's.
_NAMED = ("First_Name", "Last_Name")
_CLAIMED = (*_NAMED, "Email", "Full_Name", "Secondary_Email")
_NESTED = (dict, list)
# What a channel sends back of what it was made with.
_SECRETS = ("token", "query_params")

# Notifications have no id. The time of the server is to the millisecond, and the body says the rest.
EVENT_IDS = (EventId((("channel_id",), ("server_time",))),)


def _is_notification(payload: Any) -> bool:
    address = payload.get("resource_uri") if isinstance(payload, dict) else None
    return isinstance(address, str) and "/crm/v" in address and "channel_id" in payload


def _is_records(payload: Any) -> bool:
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, list):
        return False
    info = payload.get("info")
    if isinstance(info, dict) and not info.keys().isdisjoint({"per_page", "more_records"}):
        return True
    keys = (key for each in data if isinstance(each, dict) for key in each)
    return any(key == "Modified_Time" or key[:1] == "$" for key in keys)


def _is_form(payload: Any) -> bool:
    return isinstance(payload, Form) and any(name in payload for name in _NAMED)


def _is_flat(payload: Any) -> bool:
    return isinstance(payload, dict) and any(name in payload for name in _NAMED)


RULES = (
    Rule(97.1, "notification", _is_notification, frozenset({"resource_uri"})),
    Rule(97.2, "records", _is_records, frozenset({"data"}), {"data": frozenset()}),
    Rule(192.1, "webhook_form", _is_form, frozenset(_NAMED)),
    Rule(192.2, "webhook_json", _is_flat, frozenset(_NAMED)),
)


def claim(payload: Any) -> str | None:
    """Whatever has Zoho's names, by itself or in an answer; a list of which all members are of one kind."""
    if isinstance(payload, list):
        return claimed_alike(claim, payload) if payload else "records"
    if not isinstance(payload, dict):
        return None
    if "channel_id" in payload or "resource_uri" in payload:
        return "notification"
    if isinstance(payload.get("data"), list):
        return "records"
    named = any(name in payload for name in _CLAIMED)
    return ("webhook_form" if isinstance(payload, Form) else "webhook_json") if named else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per contact or lead; none for notifications of other modules."""
    if variant == "notification":
        yield from _notified(payload)
    elif variant == "records":
        listed = payload["data"] if isinstance(payload, dict) else payload
        yield from (_record(each) if isinstance(each, dict) else broken("record_invalid") for each in listed)
    else:
        yield _record(payload)


def payload_notes(payload: Any, variant: str) -> list[Note]:
    """An answer of which there are more pages."""
    info = payload.get("info") if variant == "records" and isinstance(payload, dict) else None
    more = isinstance(info, dict) and info.get("more_records") is True
    return [note("list_incomplete", "data")] if more else []


def _notified(told: Mapping[str, Any]) -> Iterator[Record]:
    """A record per id; its changed fields only where the channel was made to send them."""
    module = told.get("module") or str(told.get("resource_uri")).rpartition("/")[2]
    if module not in _MODULES:
        return
    about = {name: told.get(name) for name in ("operation", "server_time")}
    envelope = {name: value for name, value in about.items() if isinstance(value, str | int)}
    changed = {id_text(each.get("record_id")): each.get("values") for each in objects(told.get("affected_values"))}
    ids = told.get("ids")
    for its_id in map(id_text, ids if isinstance(ids, list) else changed or [None]):
        values = changed.get(its_id)
        if its_id:
            yield _record(values if isinstance(values, dict) else {}, {**envelope, "id": its_id})
        else:
            yield broken("record_invalid")


def _record(fields: Mapping[str, Any], envelope: Mapping[str, Value] | None = None) -> Record:
    """The fields; Zoho's own, which begin with `$`, around them. A full name holds the salutation too, so that it only
    serves where there is no last name."""
    values: dict[str, Value] = {}
    around = dict(envelope or {})
    for name, value in fields.items():
        nested = isinstance(value, _NESTED)
        if name[:1] != "$":
            values[name] = _plain(value) if nested else value
        elif not nested:
            around[name] = value
    if isinstance(tags := values.get("Tag"), str):
        values["Tag"] = list(tags.split(","))  # a tag may have spaces, so that only commas part them
    alone = "Full_Name" in values and not is_text(values.get("Last_Name"))
    return Record(values, around, fallbacks=(("full_name", "Full_Name"),) if alone else ())


def _plain(value: dict[str, Any] | list[Any]) -> Value:
    """Of what is looked up, its name; of a list, those of its members."""
    if isinstance(value, dict):
        return scalar(value.get("name"))
    return [scalar(each.get("name", each.get("id")) if isinstance(each, dict) else each) for each in value]


def verify(inbound: Inbound, secret: str) -> bool:
    """Zoho signs nothing. A channel sends back the token that it was made with; a workflow's webhook has the secret in
    its address, as `key`. A notification without its token is none, whatever its address."""
    told = _notification(inbound.said)
    if told is None:
        return in_query(inbound, "key", secret)
    token = told.get("token")
    return isinstance(token, str) and same(token, secret)


def senders(inbound: Inbound) -> set[str]:
    """The channel of a notification."""
    told = _notification(inbound.said)
    return set() if told is None else {id_text(told.get("channel_id"))}


def kept(body: bytes) -> bytes:
    """A notification without its token, and without what its address was given. Read by itself, for it must be found in
    what cannot be taken in, too."""
    try:
        told = _notification(json.loads(body)) if b'"channel_id"' in body else None
    except (ValueError, RecursionError):
        told = None
    if told is None:
        return body
    return json.dumps({name: value for name, value in told.items() if name not in _SECRETS}).encode()


def _notification(said: Any) -> dict[str, Any] | None:
    return said if isinstance(said, dict) and "channel_id" in said else None
