"""What ended when: records and calls by span of time, and what failed or waits by kind."""

from typing import Any

from sqlalchemy import Connection, func, select

from connector.ledger.tables import records


def by_span(connection: Connection, connection_id: str, since: int, span: int) -> list[tuple[int, str, int, int]]:
    """`(span, status, records, calls)` of what ended since then; a span is counted from 1970, all in milliseconds."""
    at = (records.c.finished_at // span).label("at")
    wanted = (records.c.connection_id == connection_id) & (records.c.finished_at >= since)
    counted = select(at, records.c.status, func.count(), func.sum(records.c.calls)).where(wanted)
    rows = connection.execute(counted.group_by(at, records.c.status))
    return [(int(row[0]), row[1], row[2], int(row[3])) for row in rows]


def kinds(connection: Connection, connection_id: str) -> list[Any]:
    """`(status, code, records)` of what failed or waits, the most first."""
    count = func.count().label("records")
    wanted = (records.c.connection_id == connection_id) & records.c.status.in_(("waiting", "rejected", "dead"))
    listing = select(records.c.status, records.c.code, count).where(wanted).group_by(records.c.status, records.c.code)
    return list(connection.execute(listing.order_by(count.desc(), records.c.status)))
