"""Tickets: random secrets that open the pages for a while, kept as hashes."""

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select

from connector.ledger.connections import Key, digest, to_key
from connector.ledger.tables import keys, tickets

SESSION, LINK, SETUP = "session", "link", "setup"
# Asked for with every page, so made once.
_KEY = (
    select(keys)
    .join(tickets, tickets.c.key_id == keys.c.id)
    .where(tickets.c.hash == bindparam("b_hash"), tickets.c.kind == bindparam("b_kind"))
    .where(tickets.c.until > bindparam("b_now"), keys.c.revoked_at.is_(None))
)


def add(connection: Connection, kind: str, secret: str, until: int, *, key_id: str | None = None) -> None:
    """Keeps a ticket until then (UNIX milliseconds)."""
    row = {"hash": digest(secret), "kind": kind, "key_id": key_id, "until": until}
    connection.execute(insert(tickets), row)


def key_of(connection: Connection, kind: str, secret: str, now: int) -> Key | None:
    """The key that a ticket was made with, as long as both are good."""
    named = {"b_hash": digest(secret), "b_kind": kind, "b_now": now}
    row = connection.execute(_KEY, named).one_or_none()
    return None if row is None else to_key(row)


def is_good(connection: Connection, kind: str, secret: str, now: int) -> bool:
    """Whether there is such a ticket now."""
    return connection.scalar(select(tickets.c.hash).where(_good(kind, secret, now))) is not None


def spend(connection: Connection, kind: str, secret: str, now: int) -> bool:
    """Ends a ticket; whether it was good until now. Of two who spend it at once, one is told so."""
    return bool(connection.execute(delete(tickets).where(_good(kind, secret, now))).rowcount)


def end(connection: Connection, kind: str) -> None:
    """Ends every ticket of a kind."""
    connection.execute(delete(tickets).where(tickets.c.kind == kind))


def sweep(connection: Connection, now: int) -> None:
    """Forgets those that are not good any more."""
    connection.execute(delete(tickets).where(tickets.c.until <= now))


def _good(kind: str, secret: str, now: int) -> ColumnElement[bool]:
    return (tickets.c.hash == digest(secret)) & (tickets.c.kind == kind) & (tickets.c.until > now)
