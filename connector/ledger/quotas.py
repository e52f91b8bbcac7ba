"""Quotas: the day's budget of each connection, shared by every process."""

from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from connector.budget import Budget, Limits, raised, reopened
from connector.ledger.tables import quotas
from connector.ledger.upsert import insert_or_ignore

# Written once: these run several times a second.
_MINE = quotas.c.connection_id == bindparam("b_connection")
_LOCK = select(quotas).where(_MINE).with_for_update()
_SAVE = update(quotas).where(_MINE).values({name: bindparam(name) for name in Budget.__slots__})


def get(connection: Connection, connection_id: str) -> Budget:
    """The budget as it stands, for showing."""
    row = connection.execute(select(quotas).where(quotas.c.connection_id == connection_id)).one_or_none()
    return Budget() if row is None else _of(row)


def locked(connection: Connection, connection_id: str) -> Budget:
    """The budget, locked until this transaction ends."""
    named = {"b_connection": connection_id}
    row = connection.execute(_LOCK, named).one_or_none()
    if row is None:
        insert_or_ignore(connection, quotas, {"connection_id": connection_id, **asdict(Budget())})
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


def _of(row: Row[Any]) -> Budget:
    return Budget(**{name: getattr(row, name) for name in Budget.__slots__})
