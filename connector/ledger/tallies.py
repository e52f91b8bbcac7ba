"""Tallies: how many records ended when and how, and how many failed or wait by kind, without looking at the records.

The database's own triggers count (migration 0009). On SQLite they add to slot 0 of a count; on PostgreSQL, where many
write at once, each change has a slot of its own until `fold` adds it to slot 0. A count is the sum of its slots.
"""

from collections import Counter
from typing import Any

from sqlalchemy import Connection, delete, func, or_, select

from connector.ledger.tables import tallies
from connector.ledger.upsert import insert_or_add

HOUR = 3_600_000
# Hours that are kept apart: longer than any chart goes back.
_HOURS = 32 * 24
_KEY = ("connection_id", "hour", "status", "code", "slot")
_FOLDING = 0x63726974  # "crit": one process at a time folds on PostgreSQL


def by_span(connection: Connection, connection_id: str, since: int, span: int) -> list[tuple[int, str, int, int]]:
    """`(span, status, records, calls)` of what ended since then; a span is counted from 1970, and is whole hours, all
    in milliseconds."""
    at = (tallies.c.hour // (span // HOUR)).label("at")
    wanted = (tallies.c.connection_id == connection_id) & (tallies.c.hour >= max(1, since // HOUR))
    counted = select(at, tallies.c.status, func.sum(tallies.c.records), func.sum(tallies.c.calls)).where(wanted)
    rows = connection.execute(counted.group_by(at, tallies.c.status))
    return [(int(row[0]), row[1], int(row[2]), int(row[3])) for row in rows if row[2]]


def kinds(connection: Connection, connection_id: str) -> list[tuple[str, str | None, int]]:
    """`(status, code, records)` of what failed or waits, the most first."""
    count = func.sum(tallies.c.records)
    wanted = (tallies.c.connection_id == connection_id) & tallies.c.status.in_(("waiting", "rejected", "dead"))
    listing = select(tallies.c.status, tallies.c.code, count).where(wanted).group_by(tallies.c.status, tallies.c.code)
    rows = connection.execute(listing.having(count > 0).order_by(count.desc(), tallies.c.status, tallies.c.code))
    return [(row[0], row[1] or None, int(row[2])) for row in rows]


def fold(connection: Connection, now: int) -> None:
    """Adds up what stands in several rows and need not: slots, hours that no chart shows any more, and nothing."""
    if connection.dialect.name != "sqlite" and not connection.scalar(select(func.pg_try_advisory_xact_lock(_FOLDING))):
        return  # another process is at it
    oldest = now // HOUR - _HOURS
    past = (tallies.c.hour > 0) & (tallies.c.hour < oldest)
    apart = delete(tallies).where(or_(tallies.c.slot > 0, past)).returning(tallies)
    counted, cost = Counter[tuple[Any, ...]](), Counter[tuple[Any, ...]]()
    for row in connection.execute(apart):
        key = (row.connection_id, row.hour if row.hour >= oldest else 0, row.status, row.code, 0)
        counted[key] += row.records
        cost[key] += row.calls
    rows = [{**dict(zip(_KEY, key, strict=True)), "records": counted[key], "calls": cost[key]} for key in counted]
    insert_or_add(connection, tallies, rows, _KEY)
    empty = (tallies.c.slot == 0) & (tallies.c.records == 0) & (tallies.c.calls == 0)
    connection.execute(delete(tallies).where(empty))
