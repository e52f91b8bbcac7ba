"""Work: waiting records are claimed by a drain, saved step by step, and finished."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, or_, select, update

from connector.ledger.leases import Lease
from connector.ledger.tables import connections, quotas, records

# Lanes: single contacts and reads go before batches and files.
LIVE, BULK = 0, 1

_SAVED = (
    "status",
    "code",
    "detail",
    "changed",
    "calls",
    "trail",
    "step",
    "unsure",
    "claim",
    "due_at",
    "people_id",
    "superseded_by",
    "finished_at",
)
_SAVE = (
    update(records)
    .where(records.c.id == bindparam("b_id"), records.c.claim == bindparam("b_claim"))
    .values({name: bindparam(name) for name in _SAVED})
)


@dataclass(frozen=True, slots=True)
class Group:
    """Waiting records of one person that go out together, oldest first."""

    who: str
    rows: tuple[Row[Any], ...]


def claim(
    connection: Connection, lease: Lease, limit: int, now: int, *, busy: Collection[str], bulk: bool
) -> list[Group]:
    """Due work of up to `limit` people whom nobody is busy with, live before bulk (if any), oldest first.

    All waiting records of a person that can be told in one plan (the same mode) are claimed together.
    """
    free = _free(lease.connection_id)
    lanes = (LIVE, BULK) if bulk else (LIVE,)
    due = select(records.c.who).where(free, records.c.due_at <= now, records.c.lane.in_(lanes))
    due = due.order_by(records.c.lane, records.c.id)
    found = dict.fromkeys(connection.scalars(due.limit(limit + len(busy) + limit)))
    whos = [who for who in found if who not in busy][:limit]
    if not whos:
        return []
    waiting = select(records).where(free, records.c.who.in_(whos), records.c.due_at.is_not(None))
    rows = connection.execute(waiting.order_by(records.c.who, records.c.id)).all()
    groups = [_leading(who, list(each)) for who, each in groupby(rows, key=lambda row: row.who)]
    claimed = [row.id for group in groups for row in group.rows]
    marked = {"claim": lease.token, "attempts": records.c.attempts + 1}
    connection.execute(update(records).where(records.c.id.in_(claimed)).values(marked))
    return sorted(groups, key=lambda group: whos.index(group.who))


def _leading(who: str, rows: list[Row[Any]]) -> Group:
    mode = rows[0].mode
    return Group(who, tuple(takewhile(lambda row: row.mode == mode, rows)))


def _free(connection_id: str) -> Any:
    waiting = and_(records.c.connection_id == connection_id, records.c.status == "waiting")
    return and_(waiting, records.c.claim.is_(None))


def save(connection: Connection, lease: Lease, rows: Iterable[Mapping[str, Any]]) -> None:
    """Saves what became of claimed records. Each row has `b_id` and every saved column."""
    fenced = [{**row, "b_claim": lease.token} for row in rows]
    if fenced:
        connection.execute(_SAVE, fenced)


def due_connections(connection: Connection, now: int) -> list[str]:
    """Connections with due work that are neither halted nor paused, those with live work first."""
    bulk_open = or_(records.c.lane == LIVE, func.coalesce(quotas.c.bulk_until, 0) <= now)
    open_now = and_(connections.c.halted.is_(None), func.coalesce(quotas.c.blocked_until, 0) <= now, bulk_open)
    listing = (
        select(records.c.connection_id)
        .join(connections, connections.c.id == records.c.connection_id)
        .outerjoin(quotas, quotas.c.connection_id == records.c.connection_id)
        .where(records.c.status == "waiting", records.c.due_at <= now, open_now)
        .group_by(records.c.connection_id)
        .order_by(func.min(records.c.lane), func.min(records.c.id))
    )
    return list(connection.scalars(listing))


def next_due_at(connection: Connection) -> int | None:
    """When the next waiting record becomes due."""
    free = records.c.claim.is_(None) & (records.c.status == "waiting")
    earliest: int | None = connection.scalar(select(func.min(records.c.due_at)).where(free))
    return earliest
