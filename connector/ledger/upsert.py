"""INSERT … ON CONFLICT, which SQLite and PostgreSQL spell the same and SQLAlchemy keeps in two places."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_ignore(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Inserts the row unless one with its key is there; returns whether it was inserted."""
    statement = _insert(connection)(table).on_conflict_do_nothing()
    return bool(connection.execute(statement, dict(row)).rowcount)


def insert_or_update(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: Sequence[str]
) -> None:
    """Inserts rows; where one with this key is there, its other columns become the new row's."""
    if rows:
        statement = _insert(connection)(table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
        connection.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_=changed), [dict(r) for r in rows]
        )


def _insert(connection: Connection) -> Any:
    return sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
