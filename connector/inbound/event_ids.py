"""Ids of events: what a sender that tries again says again, so that the same is not taken in twice."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# Headers in which senders put the id of an event: Standard Webhooks, and those who follow no standard.
_HEADERS = ("webhook-id", "x-connector-event", "x-event-id", "x-request-event-id", "idempotency-key")
# Where it is in a body, by source: Notion's integrations and automations, Dataverse's contexts, our own form.
_PATHS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "notion": (("subscription_id",), ("integration_id",), ("source", "event_id")),
    "dynamics": (("RequestId",), ("OperationId",)),
    "generic": (("event_id",),),
}
# Dataverse's way to say that there is none.
_NO_GUID = "00000000-0000-0000-0000-000000000000"


def in_headers(headers: Mapping[str, str]) -> str:
    """The id that a header says, "" without one. Header names are in lower case."""
    return next((headers[name] for name in _HEADERS if headers.get(name)), "")


def digest(event_id: str, body: bytes) -> str:
    """What makes an arrival the same as another: SHA-256 of the id in its headers and of its bytes."""
    head = event_id.encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"%d:%b" % (len(head), head) + body).hexdigest()


def in_body(source: str, body: bytes) -> bool:
    """Whether the body says which event it is. Without that, the same bytes may well be another event: somebody has
    changed a value and changed it back."""
    paths = _PATHS.get(source, ())
    try:
        value = json.loads(body) if paths else None
    except (ValueError, RecursionError):
        return False
    return any(_says(value, path) for path in paths)


def _says(value: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return isinstance(value, str) and value.strip() not in ("", _NO_GUID)
