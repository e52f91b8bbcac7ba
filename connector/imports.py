"""Imports: progress of records that were accepted together."""

from typing import Any

from sqlalchemy import Connection, Row

from connector.budget import Limits, seconds_for
from connector.convert.times import from_milliseconds
from connector.ledger import connections as tenants
from connector.ledger import quotas, records, requests

# What delivery reaches when nothing was measured yet (calls per second), and calls per record then.
_PACE, _CALLS = 20.0, 2.0


def import_as_json(connection: Connection, row: Row[Any], base_url: str, now: int) -> dict[str, Any]:
    """`{id, state, totals, rate_per_second, eta_seconds, links}` and source, mode, notes, accepted_at."""
    totals = records.totals(connection, row.id).as_json()
    rate = _rate(connection, row.id)
    path = f"{base_url}/v1/imports/{row.id}"
    return {
        "id": row.id,
        "state": _state(totals),
        "totals": totals,
        "rate_per_second": rate,
        "eta_seconds": _eta(connection, row.connection_id, totals, rate, now),
        "links": {"self": path, "records": f"{path}/records"},
        "source": row.source,
        "mode": row.mode,
        "notes": row.notes,
        "accepted_at": from_milliseconds(row.accepted_at),
    }


def _state(totals: dict[str, int]) -> str:
    if totals["waiting"]:
        return "running"
    return "completed_with_errors" if totals["rejected"] or totals["dead"] else "completed"


def _rate(connection: Connection, import_id: str) -> float | None:
    """Records delivered per second so far."""
    count, first, last = requests.pace(connection, import_id)
    if count < 2 or first is None or last is None or last <= first:
        return None
    return round(count / ((last - first) / 1000), 2)


def _eta(
    connection: Connection, connection_id: str, totals: dict[str, int], rate: float | None, now: int
) -> float | None:
    """Seconds until the rest is delivered, at the rate reached and within the daily quota; None once it is."""
    if not totals["waiting"]:
        return None
    finished = totals["created"] + totals["updated"]
    calls = totals["waiting"] * (totals["calls"] / finished if finished else _CALLS)
    return eta(connection, connection_id, int(calls), rate * (calls / totals["waiting"]) if rate else _PACE, now)


def eta(connection: Connection, connection_id: str, calls: int, per_second: float, now: int) -> float | None:
    """Seconds that so many calls take from now."""
    tenant = tenants.get(connection, connection_id)
    if tenant is None:
        return None
    limits = Limits(tenant.daily_quota, tenant.rate)
    return round(seconds_for(calls, quotas.get(connection, connection_id), limits, now, per_second or _PACE), 1)
