"""News of our own: what is told of records and imports, in the transaction in which it comes about."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from connector.event import event_json
from connector.ids import new_id
from connector.ledger import deliveries, events

_ABOUT = ("row", "source", "import_id")


def rejected(connection: Connection, connection_id: str, rows: Iterable[Mapping[str, Any]], now: int) -> None:
    """Tells `record_rejected` of each of these rows of the records table (`id, code, email, contact, row, source,
    import_id`)."""
    for row in rows:
        about = {name: row[name] for name in _ABOUT if row.get(name) is not None}
        data = {"outcome_id": row["id"], "code": row["code"], **about}
        _tell(
            connection, connection_id, "record_rejected", row.get("email"), _shown(row.get("contact") or {}), data, now
        )


def completed(connection: Connection, connection_id: str, import_id: str, totals: Mapping[str, int], now: int) -> None:
    """Tells `import_completed`, with the totals of the import."""
    _tell(connection, connection_id, "import_completed", None, _shown({}), {"import_id": import_id, **totals}, now)


def _tell(
    connection: Connection,
    connection_id: str,
    event: str,
    email: str | None,
    contact: Mapping[str, Any],
    data: Mapping[str, Any],
    now: int,
) -> None:
    event_id = new_id()
    payload = {**event_json(event_id, event, now, connection_id, contact), "data": dict(data)}
    whom = {"email": email, "people_id": None, "session_id": None, "own": False}
    begun = {"id": event_id, "connection_id": connection_id, "event": event, "subject": event_id}
    events.begin(connection, {**begun, **whom, "payload": payload, "occurred_at": now, "told_at": now})
    who, own = email or "", False
    deliveries.tell(
        connection, connection_id, event_id=event_id, event=event, own=own, who=who, payload=payload, now=now
    )


def _shown(contact: Mapping[str, Any]) -> dict[str, Any]:
    """A flat contact as events have it."""
    segments = list(contact.get("segments", ()))
    said = {key: value for key, value in contact.items() if value is not None}
    return {**said, "segments": segments, "segments_text": ", ".join(segments), "data": dict(contact.get("data", {}))}
