"""News of our own: what is to be told of records and imports, written in the transaction in which it comes about.

It is told a moment later, when its turn comes among the events: a poll would miss what appears behind it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from connector.event import event_json
from connector.ids import new_id
from connector.ledger import events
from connector.outcomes import why_rejected

EVENTS = ("record_rejected", "import_completed")
_ABOUT = ("row", "source", "import_id")


def rejected(connection: Connection, connection_id: str, rows: Iterable[Mapping[str, Any]], now: int) -> None:
    """Tells `record_rejected` of each of these rows of the records table (`id, code, notes, detail, who, email,
    people_id, contact, row, source, import_id`)."""
    for row in rows:
        about = {name: row[name] for name in _ABOUT if row.get(name) is not None}
        message = why_rejected(row["code"], row["notes"], row.get("detail"))
        data = {"outcome_id": row["id"], "code": row["code"], "message": message, **about}
        people_id, contact = _people_id(row), row.get("contact") or {}
        whom = {"email": row.get("email"), "people_id": people_id}
        _tell(connection, connection_id, "record_rejected", whom, _shown(contact, people_id), data, now)


def _people_id(row: Mapping[str, Any]) -> str | None:
    """Crisp's id of the person whom a record names by that alone, or by its address too."""
    who = row.get("who") or ""
    return row.get("people_id") or (who if who and "@" not in who else None)


def completed(connection: Connection, connection_id: str, import_id: str, totals: Mapping[str, int], now: int) -> None:
    """Tells `import_completed`, with the totals of the import."""
    _tell(connection, connection_id, "import_completed", {}, _shown({}), {"import_id": import_id, **totals}, now)


def _tell(
    connection: Connection,
    connection_id: str,
    event: str,
    whom: Mapping[str, str | None],
    contact: Mapping[str, Any],
    data: Mapping[str, Any],
    now: int,
) -> None:
    event_id = new_id()
    payload = {**event_json(event_id, event, now, connection_id, contact), "data": dict(data)}
    named = {"email": whom.get("email"), "people_id": whom.get("people_id"), "session_id": None, "own": False}
    begun = {"id": event_id, "connection_id": connection_id, "event": event, "subject": event_id}
    events.begin(connection, {**begun, **named, "payload": payload, "occurred_at": now, "due_at": now})


def _shown(contact: Mapping[str, Any], people_id: str | None = None) -> dict[str, Any]:
    """A flat contact as events have it."""
    named = {"people_id": people_id} if people_id else {}
    segments = list(contact.get("segments", ()))
    said = {key: value for key, value in contact.items() if value is not None}
    return {
        **named,
        **said,
        "segments": segments,
        "segments_text": ", ".join(segments),
        "data": dict(contact.get("data", {})),
    }
