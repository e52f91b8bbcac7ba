"""Choosing rows for a replay: by id, by what a column holds, by time. Every condition that is given must hold."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, select


def conditions(
    moment: Column[Any],
    equal: Mapping[Column[Any], str | None],
    *,
    ids: Sequence[str] | None,
    since: int | None,
    until: int | None,
) -> list[ColumnElement[bool]]:
    """The conditions that are given (not None). `since` and `until` are compared with `moment`."""
    found: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if ids is not None:
        found.append(moment.table.c.id.in_(ids))
    if since is not None:
        found.append(moment >= since)
    if until is not None:
        found.append(moment < until)
    return found


def known(connection: Connection, table: Table, connection_id: str, ids: Sequence[str]) -> set[str]:
    """Those of these ids that are rows of the connection."""
    mine = select(table.c.id).where(table.c.connection_id == connection_id, table.c.id.in_(ids))
    return set(connection.scalars(mine))
