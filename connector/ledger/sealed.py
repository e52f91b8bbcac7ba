"""Sealed values beside the connections' credentials: where they are, and bringing them under another key."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Column, Connection, Table, select, update

from connector.ledger.tables import connections, inbounds, sinks, subscriptions

_WHERE: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (connections, ("hook_secret_sealed", "hook_key_sealed")),
    (subscriptions, ("secret_sealed", "old_sealed", "token_sealed")),
    (sinks, ("credential_sealed",)),
    (inbounds, ("secret_sealed", "credential_sealed")),
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed value of a connection."""

    connection_id: str
    table: Table
    column: str
    row_id: str
    value: bytes = field(repr=False)


def every(connection: Connection) -> Iterator[Sealed]:
    """All that is sealed."""
    for table, columns in _WHERE:
        owner: Column[str] = table.c.id if table is connections else table.c.connection_id
        for name in columns:
            found = select(table.c.id, owner, table.c[name]).where(table.c[name].is_not(None))
            yield from (Sealed(row[1], table, name, row[0], row[2]) for row in connection.execute(found).all())


def replace(connection: Connection, sealed: Sealed, value: bytes) -> bool:
    """Stores the same under another key, unless it was replaced meanwhile."""
    same = (sealed.table.c.id == sealed.row_id) & (sealed.table.c[sealed.column] == sealed.value)
    return bool(connection.execute(update(sealed.table).where(same).values({sealed.column: value})).rowcount)
