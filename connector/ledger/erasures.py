"""Erasures: records that say that a person is to go. They wait like all others, and one after the other is carried
out by whoever takes in what other systems sent."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, literal_column, select, update

from connector.ledger.lanes import ERASING
from connector.ledger.tables import connections, records

# Written out, so that the index of what is due serves.
_OPEN = and_(
    records.c.status == literal_column("'waiting'"),
    records.c.claim.is_(None),
    records.c.lane == literal_column(str(ERASING)),
)
# Asked for by each drain, so made once.
_ANY_OPEN = select(records.c.id).where(records.c.connection_id == bindparam("b_connection"), _OPEN).limit(1)
_ALL = records.c.connection_id.in_(select(connections.c.id))
# Asked for every second, so made once.
_ANY_DUE = select(records.c.id).where(_ALL, _OPEN, records.c.due_at <= bindparam("b_now")).limit(1)


def due(connection: Connection, now: int) -> bool:
    """Whether one is due."""
    return connection.scalar(_ANY_DUE, {"b_now": now}) is not None


def claim(connection: Connection, now: int, until: int) -> Row[Any] | None:
    """Takes the first that is due in hand; who has not ended it by `until` has died: then another may."""
    wanted = select(records).where(_ALL, _OPEN, records.c.due_at <= now)
    first = wanted.order_by(records.c.due_at, records.c.id).limit(1).with_for_update(skip_locked=True)
    row = connection.execute(first).one_or_none()
    if row is None:
        return None
    values = {"due_at": until, "attempts": row.attempts + 1}
    connection.execute(update(records).where(records.c.id == row.id).values(values))
    return connection.execute(select(records).where(records.c.id == row.id)).one()


def save(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Writes what came of a try, unless another has it in hand by now, or it was cancelled."""
    kept = records.c.status.in_(("waiting", "updated"))  # the erasure itself has made it `updated`
    mine = and_(records.c.id == row.id, records.c.lane == ERASING, records.c.attempts == row.attempts, kept)
    connection.execute(update(records).where(mine).values(values))


def names(connection: Connection, connection_id: str, whos: Collection[str]) -> set[str]:
    """Of these people, those who are to go and are still there."""
    if connection.scalar(_ANY_OPEN, {"b_connection": connection_id}) is None:  # nearly always, and soon told
        return set()
    mine = records.c.connection_id == connection_id
    named: ColumnElement[bool] = records.c.email.in_(whos) | records.c.people_id.in_(whos)
    rows = connection.execute(select(records.c.email, records.c.people_id).where(mine, _OPEN, named))
    return {name for row in rows for name in row if name}
