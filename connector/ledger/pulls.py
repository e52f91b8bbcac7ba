"""Pulls: how far an address's system was read, who reads on, and when it is read again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, insert, select, update

from connector.ledger.leases import is_free
from connector.ledger.tables import pulls
from connector.ledger.upsert import insert_or_ignore

# Milliseconds until a holder that nothing is heard of is taken for dead. Each request renews it, and each page: a
# request may take half a minute, what it brought is translated, and the database is waited for.
TERM = 120_000
# Asked for every second, so made once.
_DUE = (
    select(pulls.c.connection_id, pulls.c.inbound_id, pulls.c.holder, pulls.c.until)
    .where(pulls.c.due_at <= bindparam("b_now"))
    .order_by(pulls.c.due_at)
)
_NOTHING = {"is_whole": False, "pages": 0, "records": 0, "tries": 0, "token": 0}


class PullLost(Exception):
    """Somebody else has the pull in hand now, or its address is gone: what this one read counts no more."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to go on with a pull. Every write of its holder is refused once a later token was granted."""

    inbound_id: str
    token: int


def get(connection: Connection, inbound_id: str) -> Row[Any] | None:
    """How far an address was read; None when it never was, nor is to be."""
    return connection.execute(select(pulls).where(pulls.c.inbound_id == inbound_id)).one_or_none()


def take(connection: Connection, connection_id: str, inbound_id: str, holder: str, now: int) -> Hold | None:
    """The right to go on, unless somebody else alive has it."""
    insert_or_ignore(connection, pulls, {**_NOTHING, "inbound_id": inbound_id, "connection_id": connection_id})
    row = connection.execute(select(pulls).where(pulls.c.inbound_id == inbound_id).with_for_update()).one()
    if not is_free(row.holder, row.until, holder, now, term=TERM):
        return None
    granted = {"token": row.token + 1, "holder": holder, "until": now + TERM}
    connection.execute(update(pulls).where(pulls.c.inbound_id == inbound_id).values(granted))
    return Hold(inbound_id, row.token + 1)


def save(connection: Connection, hold: Hold, now: int, **values: Any) -> None:
    """Writes how far it is, and holds on to it. Raises `PullLost`."""
    if connection.execute(update(pulls).where(_ours(hold)).values(until=now + TERM, **values)).rowcount != 1:
        raise PullLost(hold.inbound_id)


def release(connection: Connection, hold: Hold) -> None:
    """Gives the pull out of hand, if it still is in it."""
    connection.execute(update(pulls).where(_ours(hold)).values(holder=None, until=None))


def begin(connection: Connection, hold: Hold, now: int, *, import_id: str, since: int | None, **more: Any) -> None:
    """Begins at the first page. Raises `PullLost`."""
    new = {"cursor": None, "ended_at": None, "began_at": now, "code": None, "due_at": now}
    new |= {"is_whole": False, "pages": 0, "records": 0, "tries": 0}
    save(connection, hold, now, **new, import_id=import_id, since=since, **more)


def due(connection: Connection, now: int) -> list[Row[Any]]:
    """Whose time has come: connection, address, and who has it in hand, those first that wait longest."""
    return list(connection.execute(_DUE, {"b_now": now}))


def schedule(connection: Connection, connection_id: str, inbound_id: str, due_at: int | None) -> None:
    """When an address is read again by itself (None: not by itself); one that is being read goes on as it does."""
    row = get(connection, inbound_id)
    if row is None and due_at is not None:
        mine = {"inbound_id": inbound_id, "connection_id": connection_id, "due_at": due_at}
        connection.execute(insert(pulls), {**_NOTHING, **mine})
    elif row is not None and (row.began_at is None or row.ended_at is not None or row.due_at is None):
        connection.execute(update(pulls).where(pulls.c.inbound_id == inbound_id).values(due_at=due_at))


def take_back(connection: Connection, inbound_id: str) -> None:
    """Takes a pull out of whose hands it is in: whoever goes on with it sees how its address is set up by now."""
    values = {"holder": None, "until": None, "token": pulls.c.token + 1}
    connection.execute(update(pulls).where(pulls.c.inbound_id == inbound_id).values(values))


def place(connection: Connection, inbound_id: str, place: str) -> None:
    """Where a pull is from that began before that was written down."""
    unknown = (pulls.c.inbound_id == inbound_id) & pulls.c.began_at.is_not(None) & pulls.c.place.is_(None)
    connection.execute(update(pulls).where(unknown).values(place=place))


def stop(connection: Connection, inbound_id: str, code: str) -> None:
    """It does not go on by itself, for this reason."""
    connection.execute(update(pulls).where(pulls.c.inbound_id == inbound_id).values(due_at=None, code=code))


def _ours(hold: Hold) -> ColumnElement[bool]:
    return (pulls.c.inbound_id == hold.inbound_id) & (pulls.c.token == hold.token) & pulls.c.holder.is_not(None)
