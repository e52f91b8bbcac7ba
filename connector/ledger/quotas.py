"""Quotas: the day's budget of each credential, shared by every process, and by all websites of a plugin's token."""

import hashlib
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from connector.budget import Budget, Limits, raised, reopened
from connector.ledger.tables import connections, quotas
from connector.ledger.upsert import insert_or_ignore

# Written once: these run several times a second.
_ME = connections.alias("me")
_ID = select(_ME.c.quota_id).where(_ME.c.id == bindparam("b_connection")).scalar_subquery()
_MINE = quotas.c.id == _ID
_SHOW = select(quotas).where(_MINE)
_LOCK = select(quotas).where(_MINE).with_for_update()
_SAVE = update(quotas).where(_MINE).values({name: bindparam(name) for name in Budget.__slots__})


def get(connection: Connection, connection_id: str) -> Budget:
    """The budget as it stands, for showing."""
    row = connection.execute(_SHOW, {"b_connection": connection_id}).one_or_none()
    return Budget() if row is None else _of(row)


def locked(connection: Connection, connection_id: str) -> Budget:
    """The budget, locked until this transaction ends."""
    named = {"b_connection": connection_id}
    row = connection.execute(_LOCK, named).one_or_none()
    if row is None:
        insert_or_ignore(connection, quotas, {"id": _id_of(connection, connection_id), **asdict(Budget())})
        row = connection.execute(_LOCK, named).one()
    return _of(row)


def hold(connection: Connection, connection_id: str) -> None:
    """Locks the budget, if there is one yet: whoever locks a connection too locks its budget first, as a drain does."""
    connection.execute(_LOCK, {"b_connection": connection_id})


def save(connection: Connection, connection_id: str, budget: Budget) -> None:
    """Stores a budget that was read with `locked` in the same transaction."""
    connection.execute(_SAVE, {"b_connection": connection_id, **asdict(budget)})


def reopen(connection: Connection, connection_id: str, limits: Limits, *, more: bool) -> None:
    """The limits were changed: what they leave room for is not paused any more. `more`: there are more calls a day."""
    row = connection.execute(_LOCK, {"b_connection": connection_id}).one_or_none()
    before = Budget() if row is None else _of(row)
    # The reserve is not known here. Without one too much is opened, and the next call that is bought closes it again.
    budget = reopened(raised(before) if more else before, replace(limits, reserve=0))
    if budget != before:
        save(connection, connection_id, budget)


def quota_id(connection_id: str, tier: str, identifier: str) -> str:
    """Which quota calls count in: a website token is its website's, a plugin's token serves many (Crisp REST API,
    quotas by token)."""
    if tier != "plugin":
        return connection_id
    return "plugin:" + hashlib.sha256(identifier.encode()).hexdigest()[:56]


def forget(connection: Connection, connection_id: str) -> None:
    """The connection goes: so does its quota, unless it is others' as well."""
    not_mine = connections.c.id != bindparam("b_connection")
    others = select(connections.c.id).where(connections.c.quota_id == quotas.c.id, not_mine)
    connection.execute(delete(quotas).where(_MINE, ~others.exists()), {"b_connection": connection_id})


def _id_of(connection: Connection, connection_id: str) -> str | None:
    found: str | None = connection.scalar(select(connections.c.quota_id).where(connections.c.id == connection_id))
    return found


def _of(row: Row[Any]) -> Budget:
    return Budget(**{name: getattr(row, name) for name in Budget.__slots__})
