"""Work: waiting records are claimed by a drain, saved step by step, and finished."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any

from sqlalchemy import Connection, Integer, Row, and_, bindparam, case, func, or_, select, update

from connector.ledger.leases import Lease
from connector.ledger.tables import connections, quotas, records

# Lanes: single contacts and reads go before batches and files.
LIVE, BULK = 0, 1
# Rows looked at for each person that is wanted, and rows claimed at once at most.
_PER_PERSON, _MOST = 2, 5_000

_SAVED = (
    "status",
    "code",
    "detail",
    "changed",
    "calls",
    "trail",
    "step",
    "unsure",
    "failing_since",
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
_FREE = and_(
    records.c.connection_id == bindparam("b_connection"), records.c.status == "waiting", records.c.claim.is_(None)
)
_DUE = (
    select(records.c.who)
    .where(_FREE, records.c.due_at <= bindparam("b_now"), records.c.lane.in_(bindparam("b_lanes", expanding=True)))
    .where(records.c.who.not_in(bindparam("b_busy", expanding=True)))
    .order_by(records.c.lane, records.c.id)
    .limit(bindparam("b_limit", type_=Integer))
)
# Locked, for an erasure may take them away between this look and the claim.
_WAITING = (
    select(records)
    .where(_FREE, records.c.who.in_(bindparam("b_whos", expanding=True)), records.c.due_at.is_not(None))
    .order_by(records.c.who, records.c.id)
    .limit(bindparam("b_most", type_=Integer))
    .with_for_update()
)
_CLAIM = (
    update(records)
    .where(records.c.id.in_(bindparam("b_ids", expanding=True)))
    .values(claim=bindparam("b_token"), attempts=records.c.attempts + 1)
)


@dataclass(frozen=True, slots=True)
class Group:
    """Waiting records of one person that go out together, oldest first."""

    who: str
    rows: tuple[Row[Any], ...]

    @property
    def names(self) -> list[str]:
        """By what the person may be known, the surest first: an address may have changed since, an id does not."""
        ids = (row.people_id for row in reversed(self.rows) if row.people_id)
        return list(dict.fromkeys((*ids, self.who)))


def claim(
    connection: Connection, lease: Lease, limit: int, now: int, *, busy: Collection[str], bulk: bool
) -> list[Group]:
    """Due work of up to `limit` people whom nobody is busy with, live before bulk (if any), oldest first.

    All waiting records of a person that can be told in one plan (the same mode) are claimed together.
    """
    mine, lanes = {"b_connection": lease.connection_id}, (LIVE, BULK) if bulk else (LIVE,)
    due = {**mine, "b_now": now, "b_lanes": lanes, "b_busy": list(busy), "b_limit": limit * _PER_PERSON}
    whos = list(dict.fromkeys(connection.scalars(_DUE, due)))[:limit]
    if not whos:
        return []
    rows = connection.execute(_WAITING, {**mine, "b_whos": whos, "b_most": _MOST}).all()
    groups = [_leading(who, list(each)) for who, each in groupby(rows, key=lambda row: row.who)]
    claimed = [row.id for group in groups for row in group.rows]
    connection.execute(_CLAIM, {"b_token": lease.token, "b_ids": claimed})
    return sorted(groups, key=lambda group: whos.index(group.who))


def _leading(who: str, rows: list[Row[Any]]) -> Group:
    mode = rows[0].mode
    return Group(who, tuple(takewhile(lambda row: row.mode == mode, rows)))


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
    """When the next waiting record can go out: when it is due and no pause holds it; None when nothing can."""
    free = records.c.claim.is_(None) & (records.c.status == "waiting") & connections.c.halted.is_(None)
    bulk_until = case((records.c.lane == LIVE, 0), else_=func.coalesce(quotas.c.bulk_until, 0))
    pauses = (func.coalesce(quotas.c.blocked_until, 0), bulk_until)
    due_at: Any = records.c.due_at
    for pause in pauses:
        due_at = case((due_at > pause, due_at), else_=pause)
    earliest = (
        select(func.min(due_at))
        .select_from(records)
        .join(connections, connections.c.id == records.c.connection_id)
        .outerjoin(quotas, quotas.c.connection_id == records.c.connection_id)
        .where(free, records.c.due_at.is_not(None))
    )
    found: int | None = connection.scalar(earliest)
    return found
