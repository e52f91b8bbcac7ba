"""Figures of one connection's records, for showing: by outcome, what waits and for how long, and the last error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Label, Select, func, select

from connector.crisp.calls import STATUSES
from connector.ledger.lanes import BULK, ERASING, LIVE
from connector.ledger.tables import imports, leases, records

# Ages of waiting records, by what they are less than (milliseconds).
AGES = {"1m": 60_000, "10m": 600_000, "1h": 3_600_000, "1d": 86_400_000}
OLDER = "older"
# Those that drains deliver, and all in which something waits.
DELIVERED = {LIVE: "live", BULK: "bulk"}
LANES = {**DELIVERED, ERASING: "erasing"}
_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Error:
    """Why the newest record that is in trouble waits, is dead or was rejected, and since when (UNIX milliseconds)."""

    code: str
    at: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Records of imports that are still coming in are not among them.

    `accepted`: records in, as the imports and the single records say it; `by_status`: as the records say it themselves.
    `waiting`: (lane, age) → count, each record under the least age that it has not reached; `oldest`: when the oldest
    waiting one was accepted; `calls`: what all cost; `last_minute`: records that were delivered in it.
    """

    accepted: int
    by_status: Mapping[str, int]
    waiting: Mapping[tuple[str, str], int]
    oldest: int | None
    calls: int
    last_minute: int
    last_error: Error | None

    def waiting_in(self, lane: str) -> int:
        """Records of one lane that wait."""
        return sum(count for (of, _), count in self.waiting.items() if of == lane)


@dataclass(frozen=True, slots=True)
class Hold:
    """The lease as it stands: how often it was granted, who has it (None: nobody), and the calls that are out."""

    grants: int
    holder: str | None
    in_flight: int


def of_records(connection: Connection, connection_id: str, now: int) -> Figures:
    """One look at all records of a connection. In a `Ledger.snapshot` its parts are of one moment."""
    row: Any = connection.execute(_looking(connection_id, now)).one()
    accepted = select(func.coalesce(func.sum(imports.c.records), 0)).where(
        imports.c.connection_id == connection_id, imports.c.accepted_at.is_not(None)
    )
    return Figures(
        row.single + (connection.scalar(accepted) or 0),
        {status: getattr(row, status) for status in STATUSES},
        _by_age(row),
        row.oldest,
        row.calls,
        row.last_minute,
        _error(connection, row.failed),
    )


def of_lease(connection: Connection, connection_id: str, now: int) -> Hold:
    """Who delivers. A lease that ran out has no holder, and nothing of it is out any more."""
    row = connection.execute(select(leases).where(leases.c.connection_id == connection_id)).one_or_none()
    if row is None or row.holder is None or row.until <= now:
        return Hold(0 if row is None else row.token, None, 0)
    return Hold(row.token, row.holder, row.in_flight)


def _looking(connection_id: str, now: int) -> Select[Any]:
    """Everything in one pass, without sorting: on SQLite, grouping costs more than the pass itself."""
    coming_in = select(imports.c.id).where(imports.c.accepted_at.is_(None))
    accepted = records.c.import_id.is_(None) | records.c.import_id.not_in(coming_in)
    waits = records.c.status == "waiting"
    failed = records.c.status.in_(("waiting", "dead", "rejected")) & records.c.code.is_not(None)
    columns: list[Label[Any]] = [_count(records.c.status == status).label(status) for status in STATUSES]
    columns += [
        _count(waits & (records.c.lane == lane) & (records.c.created_at > now - age)).label(f"{name}_{shown}")
        for lane, name in LANES.items()
        for shown, age in AGES.items()
    ]
    columns += [_count(waits & (records.c.lane == lane)).label(f"{name}_{OLDER}") for lane, name in LANES.items()]
    columns += [
        func.min(records.c.created_at).filter(waits).label("oldest"),
        _count(records.c.import_id.is_(None)).label("single"),
        func.coalesce(func.sum(records.c.calls), 0).label("calls"),
        _count((records.c.finished_at > now - _MINUTE) & (records.c.attempts > 0)).label("last_minute"),
        func.max(records.c.id).filter(failed).label("failed"),
    ]
    return select(*columns).where(records.c.connection_id == connection_id, accepted)


def _count(condition: Any) -> Any:
    return func.count().filter(condition)


def _by_age(row: Any) -> dict[tuple[str, str], int]:
    """Counts of "less than" taken apart: every record in one place."""
    found: dict[tuple[str, str], int] = {}
    for lane in LANES.values():
        below = 0
        for age in (*AGES, OLDER):
            upto = getattr(row, f"{lane}_{age}")
            found[lane, age] = upto - below
            below = upto
    return found


def _error(connection: Connection, record_id: str | None) -> Error | None:
    if record_id is None:
        return None
    columns = (records.c.code, records.c.finished_at, records.c.created_at, records.c.trail)
    row = connection.execute(select(*columns).where(records.c.id == record_id)).one()
    tried_at = row.trail[-1]["at"] if row.trail else row.created_at
    return Error(row.code, row.finished_at or tried_at)
