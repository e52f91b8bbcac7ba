"""INSERT … ON CONFLICT, which SQLite and PostgreSQL spell the same and SQLAlchemy keeps in two places."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_ignore(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Inserts the row unless one with its key is there; returns whether it was inserted."""
    # Without the option SQLAlchemy need not know the row count of an INSERT: it is -1 with psycopg.
    options = {"preserve_rowcount": True}
    inserted = connection.execute(_ignoring(connection.dialect.name, table), dict(row), execution_options=options)
    return inserted.rowcount == 1


def insert_or_update(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    key: Sequence[str],
    *,
    kept: Sequence[str] = (),
) -> None:
    """Inserts rows; where one with this key is there, its other columns, but those `kept`, become the new row's.

    In the order of the key: two transactions that lock the same rows in different orders would wait for each other.
    """
    if rows:
        changed = tuple(name for name in rows[0] if name not in (*key, *kept))
        statement = _updating(connection.dialect.name, table, tuple(key), changed)
        connection.execute(statement, _ordered(rows, key))


def insert_or_add(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: Sequence[str]) -> None:
    """Inserts rows; where one with this key is there, its other columns grow by the new row's. In the same order."""
    if rows:
        grown = tuple(name for name in rows[0] if name not in key)
        statement = _updating(connection.dialect.name, table, tuple(key), grown, adds=True)
        connection.execute(statement, _ordered(rows, key))


def _ordered(rows: Sequence[Mapping[str, Any]], key: Sequence[str]) -> list[dict[str, Any]]:
    return [dict(row) for row in sorted(rows, key=lambda row: tuple(row[name] for name in key))]


@cache
def _ignoring(dialect: str, table: Table) -> Any:
    return _insert(dialect)(table).on_conflict_do_nothing()


@cache
def _updating(dialect: str, table: Table, key: tuple[str, ...], changed: tuple[str, ...], *, adds: bool = False) -> Any:
    statement = _insert(dialect)(table)
    given = statement.excluded
    values = {name: table.c[name] + given[name] if adds else given[name] for name in changed}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values)


def _insert(dialect: str) -> Any:
    return sqlite.insert if dialect == "sqlite" else postgresql.insert
