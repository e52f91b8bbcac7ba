"""Work: waiting records are claimed by a drain, saved step by step, and finished."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    or_,
    select,
    update,
)

from connector.budget import opens_at
from connector.ledger import quotas as budgets
from connector.ledger.lanes import BULK, LIVE
from connector.ledger.leases import Lease, is_free
from connector.ledger.tables import connections, leases, quotas, records

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
    "attempts",
    "failing_since",
    "claim",
    "due_at",
    "people_id",
    "superseded_by",
    "finished_at",
    "alone",
)
_SAVE = (
    update(records)
    .where(records.c.id == bindparam("b_id"), records.c.claim == bindparam("b_claim"))
    .values({name: bindparam(name) for name in _SAVED})
)
# Written out, not bound: a plan that is made before the value is known cannot use an index with a condition.
_IS_WAITING = records.c.status == literal_column("'waiting'")
_FREE = and_(records.c.connection_id == bindparam("b_connection"), _IS_WAITING, records.c.claim.is_(None))
# Asked for by each drain, so made once.
_HALTED = select(connections.c.halted).where(connections.c.id == bindparam("b_connection"))
_EARLIEST = select(func.min(records.c.due_at)).where(_FREE, records.c.lane == bindparam("b_lane"))
# One lane at a time, in the order of the index: what is not due yet is not looked at.
_ANY_DUE = (
    select(records.c.who)
    .where(_FREE, records.c.lane == bindparam("b_lane"), records.c.due_at <= bindparam("b_now"))
    .where(records.c.who.not_in(bindparam("b_busy", expanding=True)))
    .limit(bindparam("b_limit", type_=Integer))
)
_DUE = _ANY_DUE.order_by(records.c.due_at, records.c.id)
# In turns: who was never tried, which an index finds; then who was tried least.
_UNTRIED = _DUE.where(records.c.attempts == 0)
_LEAST_TRIED = _ANY_DUE.order_by(records.c.attempts, records.c.id)
# Locked, for an erasure may take them away between this look and the claim.
_WAITING = (
    select(records)
    .where(_FREE, records.c.who.in_(bindparam("b_whos", expanding=True)), records.c.due_at.is_not(None))
    .order_by(records.c.who, records.c.id)
    .limit(bindparam("b_most", type_=Integer))
    .with_for_update()
)
_CLAIM = update(records).where(records.c.id.in_(bindparam("b_ids", expanding=True))).values(claim=bindparam("b_token"))


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


def is_in_hand(connection: Connection, connection_id: str, names: Collection[str]) -> bool:
    """Whether a drain has a record of a person of one of these names in hand."""
    claimed = and_(records.c.connection_id == connection_id, _IS_WAITING, records.c.claim.is_not(None))
    theirs = records.c.who.in_(names) | records.c.people_id.in_(names)
    return connection.scalar(select(records.c.id).where(claimed, theirs).limit(1)) is not None


def claim(
    connection: Connection,
    lease: Lease,
    limit: int,
    now: int,
    *,
    busy: Collection[str],
    bulk: bool,
    in_turns: bool = False,
) -> list[Group]:
    """Due work of up to `limit` people whom nobody is busy with, live before bulk (if any), oldest first; `in_turns`:
    who was tried least first, so that records which always fail do not keep all others from being tried.

    All waiting records of a person that can be told in one plan (the same mode) are claimed together.
    """
    mine = {"b_connection": lease.connection_id}
    due = {**mine, "b_now": now, "b_busy": list(busy), "b_limit": limit * _PER_PERSON}
    whos: dict[str, None] = {}
    for look in (_UNTRIED, _LEAST_TRIED) if in_turns else (_DUE,):
        for lane in (LIVE, BULK) if bulk else (LIVE,):
            if len(whos) < limit and not (in_turns and whos):
                whos.update(dict.fromkeys(connection.scalars(look, {**due, "b_lane": lane})))
    if not whos:
        return []
    wanted = list(whos)[:limit]
    rows = connection.execute(_WAITING, {**mine, "b_whos": wanted, "b_most": _MOST}).all()
    groups = [_leading(who, list(each)) for who, each in groupby(rows, key=lambda row: row.who)]
    claimed = [row.id for group in groups for row in group.rows]
    connection.execute(_CLAIM, {"b_token": lease.token, "b_ids": claimed})
    return sorted(groups, key=lambda group: wanted.index(group.who))


def _leading(who: str, rows: list[Row[Any]]) -> Group:
    """Those that can be told in one plan; what was refused together goes by itself."""
    first = rows[0]
    if first.alone:
        return Group(who, (first,))
    return Group(who, tuple(takewhile(lambda row: row.mode == first.mode and not row.alone, rows)))


def save(connection: Connection, lease: Lease, rows: Iterable[Mapping[str, Any]]) -> None:
    """Saves what became of claimed records. Each row has `b_id` and every saved column."""
    # In one order for all who lock records; of two rows of one record the later stays the later.
    fenced = sorted(({**row, "b_claim": lease.token} for row in rows), key=lambda row: str(row["b_id"]))
    if fenced:
        connection.execute(_SAVE, fenced)


def any_waiting(connection: Connection, connection_id: str, import_id: str) -> bool:
    """Whether a record of this import waits."""
    waiting = (records.c.connection_id == connection_id) & (records.c.status == "waiting")
    # By the index of what waits: that of the import would go through all that is done.
    of_import = func.coalesce(records.c.import_id, "") == import_id
    first = select(records.c.id).where(waiting, of_import).limit(1)
    return connection.scalar(first) is not None


def any_in_hand(connection: Connection, connection_id: str, import_id: str) -> bool:
    """Whether somebody has a record of this import in hand: what became of it is not saved yet."""
    claimed = and_(records.c.connection_id == connection_id, _IS_WAITING, records.c.claim.is_not(None))
    # By the index of what is claimed.
    of_import = func.coalesce(records.c.import_id, "") == import_id
    return connection.scalar(select(records.c.id).where(claimed, of_import).limit(1)) is not None


def forgive(connection: Connection, connection_id: str, since: int) -> None:
    """Records that began to fail at this time or later have not failed: Crisp failed for everybody."""
    failing = and_(records.c.connection_id == connection_id, records.c.status == "waiting")
    recent = and_(failing, records.c.failing_since >= since)
    # Locked in the order in which all others lock them, else two transactions may lock each other out.
    connection.execute(select(records.c.id).where(recent).order_by(records.c.who, records.c.id).with_for_update()).all()
    connection.execute(update(records).where(recent).values(failing_since=None))


def _due(lane: int) -> ColumnElement[bool]:
    """Whether a connection has work of this lane that is due by `b_now`, or that somebody has in hand; answered by the
    first."""
    mine = (records.c.connection_id == connections.c.id) & _IS_WAITING & (records.c.lane == lane)
    due = select(records.c.id).where(mine, records.c.claim.is_(None), records.c.due_at <= bindparam("b_now")).exists()
    return due | select(records.c.id).where(mine, records.c.claim.is_not(None)).exists()


def _due_connections() -> Select[Any]:
    now: ColumnElement[int] = bindparam("b_now")
    # One call looks whether the quota is there again: while it is out, no other may go.
    looks = (func.coalesce(quotas.c.used, 0) > quotas.c.believed) & (quotas.c.next_slot_at > now)
    may_go = (func.coalesce(quotas.c.blocked_until, 0) <= now) & ~func.coalesce(looks, false())
    live = _due(LIVE) & may_go
    bulk = _due(BULK) & may_go & (func.coalesce(quotas.c.bulk_until, 0) <= now)
    return (
        select(connections.c.id, live.label("live"), leases.c.holder, leases.c.until)
        .outerjoin(quotas, quotas.c.id == connections.c.quota_id)
        .outerjoin(leases, leases.c.connection_id == connections.c.id)
        .where(connections.c.halted.is_(None), or_(live, bulk))
    )


# Asked for every second, so made once.
_DUE_CONNECTIONS = _due_connections()


def due_connections(connection: Connection, now: int, *, holder: str | None = None) -> dict[str, bool]:
    """Connections with due work that are neither halted nor paused, and whether some of it is live; those first.

    `holder`: without those for which somebody else who is alive delivers.
    """
    rows = connection.execute(_DUE_CONNECTIONS, {"b_now": now}).all()
    found = [row for row in rows if holder is None or is_free(row.holder, row.until, holder, now)]
    return {row.id: bool(row.live) for row in sorted(found, key=lambda row: not row.live)}


def next_due_at(connection: Connection, connection_id: str) -> int | None:
    """When the connection's next waiting record can go out: when it is due and no pause holds it; None when nothing
    can."""
    mine = {"b_connection": connection_id}
    if connection.scalar(_HALTED, mine):
        return None
    budget, found = budgets.get(connection, connection_id), list[int]()
    for lane in (LIVE, BULK):
        if (due_at := connection.scalar(_EARLIEST, {**mine, "b_lane": lane})) is not None:
            found.append(max(due_at, opens_at(budget, live=lane == LIVE)))
    return min(found, default=None)
