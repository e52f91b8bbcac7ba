"""Listeners: one process at a time listens to Crisp's RTM for a connection, and how far it was heard."""

from sqlalchemy import Connection, select, update

from connector.ledger import hooks
from connector.ledger.leases import TERM, is_free
from connector.ledger.tables import listeners
from connector.ledger.upsert import insert_or_ignore


def take(connection: Connection, connection_id: str, holder: str, now: int) -> bool:
    """Whether one may listen: nobody else does who is alive."""
    insert_or_ignore(connection, listeners, {"connection_id": connection_id, "holder": None, "until": 0})
    mine = listeners.c.connection_id == connection_id
    row = connection.execute(select(listeners).where(mine).with_for_update()).one()
    if not is_free(row.holder, row.until, holder, now):
        return False
    connection.execute(update(listeners).where(mine).values(holder=holder, until=now + TERM))
    return True


def renew(connection: Connection, connection_id: str, holder: str, now: int, *, heard: bool) -> bool:
    """Goes on; False when another listens by now. `heard`: nothing that happened until now was missed."""
    mine = (listeners.c.connection_id == connection_id) & (listeners.c.holder == holder)
    until = {"until": now + TERM} | ({"heard_at": now} if heard else {})
    return connection.execute(update(listeners).where(mine).values(until)).rowcount == 1


def release(connection: Connection, connection_id: str, holder: str) -> None:
    """Another may listen at once."""
    mine = (listeners.c.connection_id == connection_id) & (listeners.c.holder == holder)
    connection.execute(update(listeners).where(mine).values(holder=None, until=0))


def heard_at(connection: Connection, connection_id: str) -> int | None:
    """Until when nothing was missed (UNIX milliseconds); where nobody has listened yet, when Crisp told anything last;
    None when it never has."""
    mine = select(listeners.c.heard_at).where(listeners.c.connection_id == connection_id)
    found: int | None = connection.scalar(mine)
    return hooks.last(connection, connection_id) if found is None else found
