"""Subscriptions: who wants to be told of which events, and at which address."""

import hashlib
import hmac
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from connector.ledger.tables import subscriptions
from connector.ledger.upsert import insert_or_ignore


@dataclass(frozen=True, slots=True)
class Subscription:
    """One REST hook. `token_hash`: of the capability to end it; `old_sealed` signs as well until `old_until`; times are
    UNIX milliseconds."""

    id: str
    connection_id: str
    event: str
    target_url: str = field(repr=False)
    filter: dict[str, list[str]]
    include_own: bool
    fingerprint: str
    created_at: int
    secret_sealed: bytes = field(repr=False)
    token_sealed: bytes = field(repr=False)
    token_hash: str = field(repr=False)
    old_sealed: bytes | None = field(default=None, repr=False)
    old_until: int | None = None
    failing_since: int | None = None
    resume_at: int | None = None
    disabled_at: int | None = None
    disabled_reason: str | None = None


_NAMES = tuple(each.name for each in fields(Subscription))


def add(connection: Connection, wanted: Subscription) -> bool:
    """Inserts a subscription; False when the connection has one of this fingerprint."""
    return insert_or_ignore(connection, subscriptions, {name: getattr(wanted, name) for name in _NAMES})


def get(connection: Connection, connection_id: str, subscription_id: str) -> Subscription | None:
    """One subscription."""
    mine = (subscriptions.c.connection_id == connection_id) & (subscriptions.c.id == subscription_id)
    return _of(connection.execute(select(subscriptions).where(mine)).one_or_none())


def of_fingerprint(connection: Connection, connection_id: str, fingerprint: str) -> Subscription | None:
    """The subscription to the same event, at the same address, with the same filter."""
    same = (subscriptions.c.connection_id == connection_id) & (subscriptions.c.fingerprint == fingerprint)
    return _of(connection.execute(select(subscriptions).where(same)).one_or_none())


def of_token(connection: Connection, subscription_id: str, token: str) -> Subscription | None:
    """The subscription of this id, when the token is the one that ends it."""
    found = _of(connection.execute(select(subscriptions).where(subscriptions.c.id == subscription_id)).one_or_none())
    return found if found is not None and hmac.compare_digest(found.token_hash, hash_of(token)) else None


def hash_of(token: str) -> str:
    """SHA-256; the tokens have 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def newest(connection: Connection, connection_id: str, *, before: str | None, limit: int) -> list[Subscription]:
    """A connection's subscriptions, newest first, those before a cursor."""
    listing = select(subscriptions).where(subscriptions.c.connection_id == connection_id)
    if before:
        listing = listing.where(subscriptions.c.id < before)
    rows = connection.execute(listing.order_by(subscriptions.c.id.desc()).limit(limit))
    return [Subscription(**row._mapping) for row in rows]


def count(connection: Connection, connection_id: str) -> int:
    """How many subscriptions a connection has."""
    mine = select(func.count()).select_from(subscriptions).where(subscriptions.c.connection_id == connection_id)
    return connection.scalar(mine) or 0


def disabled(connection: Connection, connection_id: str) -> list[Subscription]:
    """Those that nobody is told by any more, for nothing but failures came of it."""
    ended = (subscriptions.c.connection_id == connection_id) & subscriptions.c.disabled_at.is_not(None)
    rows = connection.execute(select(subscriptions).where(ended).order_by(subscriptions.c.id))
    return [Subscription(**row._mapping) for row in rows]


def change(connection: Connection, connection_id: str, subscription_id: str, **values: Any) -> bool:
    """Changes columns; False when it is not there."""
    mine = (subscriptions.c.connection_id == connection_id) & (subscriptions.c.id == subscription_id)
    return bool(connection.execute(update(subscriptions).where(mine).values(values)).rowcount)


def remove(connection: Connection, connection_id: str, subscription_id: str) -> bool:
    """Removes a subscription with all its deliveries; False when it is not there."""
    mine = (subscriptions.c.connection_id == connection_id) & (subscriptions.c.id == subscription_id)
    return bool(connection.execute(delete(subscriptions).where(mine)).rowcount)


def _of(row: Row[Any] | None) -> Subscription | None:
    return None if row is None else Subscription(**row._mapping)
