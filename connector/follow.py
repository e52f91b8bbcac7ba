"""Following a record until something final is known of it, or until it is clear that it takes longer."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from connector.budget import expected_at, held_by, opens_at
from connector.ledger import connections as tenants
from connector.ledger import quotas, records
from connector.ledger.work import LIVE
from connector.services import Services


@dataclass(frozen=True, slots=True)
class Followed:
    """A record, and while it waits: why, and when it is tried again (UNIX milliseconds, None: not by itself)."""

    row: Row[Any]
    reason: str | None = None
    retry_at: int | None = None


def follow(services: Services, connection_id: str, record_id: str, seconds: float) -> Followed | None:
    """Waits up to so many seconds for the record's outcome; no longer than it can still come in that time."""
    until = services.courier.clock() + int(seconds * 1000)
    found: list[Followed | None] = []

    def look() -> bool:
        found[:] = [state_of(services, connection_id, record_id)]
        return found[0] is None or _settled(found[0], until)

    services.board.wait(record_id, look, seconds, time.monotonic)
    return state_of(services, connection_id, record_id) if not found else found[0]


def _settled(followed: Followed, until: int) -> bool:
    if followed.row.status != "waiting":
        return True
    return followed.reason in ("connection_halted", "import_paused") or (followed.retry_at or 0) > until


def state_of(services: Services, connection_id: str, record_id: str) -> Followed | None:
    """The record as it stands, None when there is none of this id."""
    now = services.courier.clock()
    with services.ledger.read() as connection:
        row = records.get(connection, connection_id, record_id)
        if row is None or row.status != "waiting":
            return None if row is None else Followed(row)
        tenant = tenants.get(connection, connection_id)
        budget = quotas.get(connection, connection_id)
    if tenant is not None and tenant.halted:
        return Followed(row, "connection_halted")
    if row.due_at is None and row.claim is None:
        return Followed(row, "import_paused")
    live = row.lane == LIVE
    reason = held_by(budget, now) if opens_at(budget, live=live) > now else row.code
    return Followed(row, reason, max(row.due_at or 0, expected_at(budget, now, live=live)) or None)
