"""Rows: a decided record as the ledger keeps it."""

from typing import Any

from connector.crisp.calls import Mode
from connector.ids import new_id
from connector.intake.decide import Decision
from connector.intake.reading import Incoming
from connector.ledger.lanes import ERASING


def row_of(
    connection_id: str, incoming: Incoming, decision: Decision, mode: Mode, lane: int, now: int
) -> dict[str, Any]:
    """A row of the records table, not due yet when it is waiting; what it does not say is as of a new record."""
    waits = decision.status == "waiting"
    return {
        "id": new_id(),
        "connection_id": connection_id,
        "import_id": None,
        "row": incoming.row,
        "source": incoming.source,
        "source_id": incoming.translated.id,
        "who": decision.who,
        "email": decision.contact.email,
        "people_id": decision.people_id,
        "mode": decision.mode or mode,
        "lane": ERASING if decision.erases else lane,
        "status": decision.status,
        "code": decision.code,
        "contact": decision.contact.flat(),
        "at": decision.at,
        "notes": [note.as_json() for note in decision.notes],
        "due_at": None,
        "created_at": now,
        "finished_at": None if waits else now,
    }
