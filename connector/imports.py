"""Imports: progress of records that were accepted together."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from connector.budget import seconds_for
from connector.convert.times import moment_of
from connector.ledger import Ledger, importing, news, quotas, records, retention, work
from connector.ledger import connections as tenants

log = structlog.get_logger()

STATES = ("running", "paused", "completed", "completed_with_errors", "cancelled")
# What can be fetched of an import.
_LINKS = {"records": "records", "crisp_csv": "crisp.csv", "failures": "failures.csv"}
# What delivery reaches when nothing was measured yet (calls per second), and calls per record then.
_PACE, _CALLS = 20.0, 2.0


def import_as_json(connection: Connection, row: Row[Any], base_url: str, now: int, *, reserve: float) -> dict[str, Any]:
    """`{id, state, totals, rate_per_second, eta_seconds, links}` and source, mode, file_name, notes, accepted_at."""
    totals = records.totals(connection, row.id).as_json()
    state = state_of(connection, row, totals)
    rate = _rate(connection, row.id)
    path = f"{base_url}/v1/imports/{row.id}"
    return {
        "id": row.id,
        "state": state,
        "totals": totals,
        "rate_per_second": rate,
        "eta_seconds": _eta(connection, row.connection_id, totals, rate, now, reserve) if state == "running" else None,
        "links": {"self": path, **{name: f"{path}/{end}" for name, end in _LINKS.items() if name in _links(row)}},
        "source": row.source,
        "mode": row.mode,
        "file_name": row.file_name,
        "notes": row.notes,
        "accepted_at": moment_of(row.accepted_at),
    }


def _links(row: Row[Any]) -> tuple[str, ...]:
    """What can be fetched of an import: a file of what failed only where it came as a file that is kept."""
    return ("records", "crisp_csv", "failures") if row.file else ("records", "crisp_csv")


def state_of(connection: Connection, row: Row[Any], totals: Mapping[str, int]) -> str:
    """`running`, `paused`, `completed`, `completed_with_errors` or `cancelled`. With a limit it runs until the records
    that the limit lets go are done."""
    if row.cancelled_at is not None:
        return "cancelled"
    if row.accepted_at is None:
        return "running"  # more of it is on its way
    if totals["waiting"]:
        held = row.held_from is not None and not importing.moves(connection, row.connection_id, row.id)
        return "paused" if held else "running"
    return "completed_with_errors" if totals["rejected"] or totals["dead"] else "completed"


def _rate(connection: Connection, import_id: str) -> float | None:
    """Records delivered per second so far."""
    count, first, last = importing.pace(connection, import_id)
    if count < 2 or first is None or last is None or last <= first:
        return None
    return round(count / ((last - first) / 1000), 2)


def _eta(
    connection: Connection, connection_id: str, totals: dict[str, int], rate: float | None, now: int, reserve: float
) -> float | None:
    """Seconds until the rest is delivered, at the rate reached and within the daily quota; None once it is."""
    if not totals["waiting"]:
        return None
    calls = expected_calls(totals)
    pace = rate * (calls / totals["waiting"]) if rate else _PACE
    return eta(connection, connection_id, int(calls), pace, now, reserve=reserve)


def end(ledger: Ledger, connection_id: str, import_id: str) -> bool:
    """What is done when nothing of an import waits any more: its totals are told in the log, and what its rows said is
    dropped when its file was not to be kept. False when something waits."""
    with ledger.snapshot() as connection:
        if work.any_waiting(connection, connection_id, import_id):
            return False
        totals = records.totals(connection, import_id).as_json()
        row = importing.get_import(connection, connection_id, import_id)
    log.info("import_completed", connection=connection_id, import_id=import_id, **totals)
    with ledger.write() as connection:
        news.completed(connection, connection_id, import_id, totals, ledger.clock())
    if row is not None and is_forgotten(row):
        retention.drop_bodies_of(ledger, import_id)
    return True


def is_forgotten(row: Row[Any]) -> bool:
    """Whether it came as a file that was to be forgotten."""
    return bool(row.reading and row.reading.get("forget"))


def expected_calls(totals: Mapping[str, int]) -> float:
    """Calls that what waits will cost, if it goes on as it went so far."""
    finished = totals["created"] + totals["updated"]
    return totals["waiting"] * (totals["calls"] / finished if finished else _CALLS)


def eta(
    connection: Connection, connection_id: str, calls: int, per_second: float, now: int, *, reserve: float
) -> float | None:
    """Seconds that so many calls take from now, when bulk work leaves this share of the day to live work."""
    tenant = tenants.get(connection, connection_id)
    if tenant is None:
        return None
    budget = quotas.get(connection, connection_id)
    return round(seconds_for(calls, budget, replace(tenant.limits, reserve=reserve), now, per_second or _PACE), 1)
