"""Ids of events: what a sender that tries again says again, so that the same is not taken in twice."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from connector.sources import Inbound, registry
from connector.sources.base import EventId

# Headers in which senders put the id of an event: Standard Webhooks, and those who follow no standard.
_HEADERS = ("webhook-id", "x-connector-event", "x-event-id", "x-request-event-id", "idempotency-key")
# Dataverse's way to say that there is none.
_NO_GUID = "00000000-0000-0000-0000-000000000000"


def identity(source: str, request: Inbound) -> tuple[str, bool]:
    """What makes an arrival the same as another (SHA-256), and whether it says which event it is. Without that, the
    same bytes may well be another event: somebody has changed a value and changed it back.

    An id in the body counts before one in a header (their names in lower case), which is not signed: else whoever
    has heard a request sends it once more under another id.
    """
    headers, body = request.headers, request.body
    said = _said(source, request)
    if said is not None:
        way, ids = said
        return _hash(json.dumps(ids), b"" if way.alone else body), True
    names = (*getattr(registry()[source], "EVENT_HEADERS", ()), *_HEADERS)
    event_id = next((headers[name] for name in names if headers.get(name)), "")
    return _hash(event_id, body), bool(event_id)


def _said(source: str, request: Inbound) -> tuple[EventId, list[str]] | None:
    """How the body names its event, and the ids. A large body without such a word is not read."""
    ways: Sequence[EventId] = getattr(registry()[source], "EVENT_IDS", ())
    ways = [way for way in ways if all(_word(path).encode() in request.body for path in way.paths)]
    value = request.said if ways else None
    found = ((way, [_at(value, path) for path in way.paths]) for way in ways)
    return next(((way, ids) for way, ids in found if all(ids)), None)


def _word(path: tuple[str, ...]) -> str:
    """What stands in a body that has this path: a key of JSON's, or the local part of an XML element's name."""
    *_, local = path[-1].rpartition("}")
    return f"<{local}>" if "}" in path[-1] else f'"{local}"'


def _at(value: Any, path: tuple[str, ...]) -> str:
    """The text or number at this path; of all members of a list, together, where the path says `*`."""
    for place, name in enumerate(path):
        if name == "*":
            members = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
            told = [_at(member, path[place + 1 :]) for member in members]
            return json.dumps(told) if any(told) else ""
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() not in ("", _NO_GUID) else ""


def _hash(event_id: str, body: bytes) -> str:
    head = event_id.encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"%d:%b" % (len(head), head) + body).hexdigest()
