"""Quotas: the day's budget of each connection, shared by every process."""

from dataclasses import asdict

from sqlalchemy import Connection, select, update

from connector.budget import Budget
from connector.ledger.tables import quotas
from connector.ledger.upsert import insert_or_ignore


def get(connection: Connection, connection_id: str) -> Budget:
    """The budget as it stands, for showing."""
    row = connection.execute(select(quotas).where(quotas.c.connection_id == connection_id)).one_or_none()
    return Budget() if row is None else Budget(**{name: getattr(row, name) for name in Budget.__slots__})


def locked(connection: Connection, connection_id: str) -> Budget:
    """The budget, locked until this transaction ends."""
    insert_or_ignore(connection, quotas, {"connection_id": connection_id, **asdict(Budget())})
    connection.execute(select(quotas.c.day).where(quotas.c.connection_id == connection_id).with_for_update())
    return get(connection, connection_id)


def save(connection: Connection, connection_id: str, budget: Budget) -> None:
    """Stores a budget that was read with `locked` in the same transaction."""
    connection.execute(update(quotas).where(quotas.c.connection_id == connection_id).values(asdict(budget)))
