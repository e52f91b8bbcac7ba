"""Following a record, or all that became of an arrival, until something final is known of it, or until it is clear that
it takes longer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Row

from connector.budget import Budget, expected_at, held_by, opens_at
from connector.ledger import arrivals, quotas, records
from connector.ledger import connections as tenants
from connector.ledger.lanes import LIVE
from connector.services import Services

# Of one arrival so many records are followed and told of.
MOST = 500
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Followed:
    """A record, and while it waits: why, and when it is tried again (UNIX milliseconds, None: not by itself)."""

    row: Row[Any]
    reason: str | None = None
    retry_at: int | None = None


@dataclass(frozen=True, slots=True)
class Became:
    """What became of an arrival: `outcome` as the ledger has it, and the first `MOST` of its records."""

    outcome: str
    records: Sequence[Followed]


def follow(services: Services, connection_id: str, record_id: str, seconds: float) -> Followed | None:
    """Waits up to so many seconds for the record's outcome; no longer than it can still come in that time."""
    until = _until(services, seconds)
    return _looking(
        services,
        record_id,
        seconds,
        lambda: state_of(services, connection_id, record_id),
        lambda found: found is None or _settled(found, until),
    )


def follow_arrival(services: Services, arrival_id: str, seconds: float) -> Became | None:
    """Waits up to so many seconds until an arrival is taken in and its records have outcomes; no longer than these can
    still come in that time. None while it is not taken in, or when its address is gone."""
    until = _until(services, seconds)
    return _looking(
        services,
        arrival_id,
        seconds,
        lambda: _became(services, arrival_id),
        lambda found: found is not None and all(_settled(each, until) for each in found.records),
    )


def _until(services: Services, seconds: float) -> int:
    return services.courier.clock() + int(seconds * 1000)


def _looking(
    services: Services, awaited: str, seconds: float, look: Callable[[], Found], enough: Callable[[Found], bool]
) -> Found:
    """What was found last: when it is enough, or the time is up."""
    found: list[Found] = []

    def looked() -> bool:
        found[:] = [look()]
        return enough(found[0])

    services.board.wait(awaited, looked, seconds, time.monotonic)
    return found[0] if found else look()


def _settled(followed: Followed, until: int) -> bool:
    if followed.row.status != "waiting":
        return True
    return followed.reason in ("connection_halted", "import_paused") or (followed.retry_at or 0) > until


def state_of(services: Services, connection_id: str, record_id: str) -> Followed | None:
    """The record as it stands, None when there is none of this id."""
    with services.ledger.read() as connection:
        row = records.get(connection, connection_id, record_id)
        return None if row is None else _states(services, connection, connection_id, [row])[0]


def _became(services: Services, arrival_id: str) -> Became | None:
    with services.ledger.read() as connection:
        arrival = arrivals.get(connection, arrival_id)
        if arrival is None or arrival.outcome is None:
            return None
        rows = _records_of(connection, arrival)
        return Became(arrival.outcome, _states(services, connection, arrival.connection_id, rows))


def _records_of(connection: Connection, arrival: Row[Any]) -> list[Row[Any]]:
    if arrival.import_id is not None:
        return records.of_import(connection, arrival.import_id, after=0, limit=MOST, status=None)
    found = arrival.record_id and records.get(connection, arrival.connection_id, arrival.record_id)
    return [found] if found else []


def _states(services: Services, connection: Connection, connection_id: str, rows: Sequence[Row[Any]]) -> list[Followed]:
    """Records of one connection as they stand."""
    if all(row.status != "waiting" for row in rows):
        return [Followed(row) for row in rows]
    tenant = tenants.get(connection, connection_id)
    halted = tenant is not None and bool(tenant.halted)
    budget, now = quotas.get(connection, connection_id), services.courier.clock()
    return [_state(row, budget, now, halted=halted) for row in rows]


def _state(row: Row[Any], budget: Budget, now: int, *, halted: bool) -> Followed:
    if row.status != "waiting":
        return Followed(row)
    if halted:
        return Followed(row, "connection_halted")
    if row.due_at is None and row.claim is None:
        return Followed(row, "import_paused")
    live = row.lane == LIVE
    reason = held_by(budget, now) if opens_at(budget, live=live) > now else row.code
    return Followed(row, reason, max(row.due_at or 0, expected_at(budget, now, live=live)) or None)
