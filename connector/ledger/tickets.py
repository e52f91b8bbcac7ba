"""Tickets: random secrets that open the pages for a while, kept as hashes."""

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from connector.ledger.connections import Key, digest, get_key
from connector.ledger.tables import tickets

SESSION, LINK, SETUP = "session", "link", "setup"


def add(connection: Connection, kind: str, secret: str, until: int, *, key_id: str | None = None) -> None:
    """Keeps a ticket until then (UNIX milliseconds)."""
    row = {"hash": digest(secret), "kind": kind, "key_id": key_id, "until": until}
    connection.execute(insert(tickets), row)


def key_of(connection: Connection, kind: str, secret: str, now: int) -> Key | None:
    """The key that a ticket was made with, as long as both are good."""
    key_id = connection.scalar(select(tickets.c.key_id).where(_good(kind, secret, now)))
    key = get_key(connection, key_id) if key_id else None
    return key if key is not None and key.revoked_at is None else None


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
