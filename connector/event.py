"""The event: the one shape in which all are told, stored and shown. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.convert.times import from_milliseconds


def event_json(
    event_id: str,
    name: str,
    occurred_at: int,
    connection_id: str,
    contact: Mapping[str, Any],
    changed: Iterable[str] = (),
    previous: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The event as JSON. `occurred_at`: UNIX milliseconds; `contact`: as events show it; `changed`: paths in it;
    `previous`: what they held, where that is known."""
    return {
        "id": event_id,
        "event": name,
        "occurred_at": from_milliseconds(occurred_at),
        "connection_id": connection_id,
        "contact": dict(contact),
        "changed": list(changed),
        "previous": dict(previous or {}),
    }
