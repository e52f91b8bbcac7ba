"""Requests remembered: idempotency keys and saved mappings."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from connector.budget import DAY
from connector.ledger.tables import idempotency, mappings
from connector.ledger.upsert import insert_or_ignore, insert_or_update

IDEMPOTENCY_KEPT = DAY


def begin_once(connection: Connection, connection_id: str, key: str, request_hash: str, now: int) -> Row[Any] | None:
    """Takes an idempotency key. None: it is new; else the row of the request that had it first."""
    row = {"connection_id": connection_id, "key": key, "request_hash": request_hash, "created_at": now}
    old = (idempotency.c.connection_id == connection_id) & (idempotency.c.key == key)
    connection.execute(delete(idempotency).where(old, idempotency.c.created_at <= now - IDEMPOTENCY_KEPT))
    if insert_or_ignore(connection, idempotency, row):
        return None
    return connection.execute(select(idempotency).where(old)).one()


def get_once(connection: Connection, connection_id: str, key: str, now: int) -> Row[Any] | None:
    """The row of the request that has this idempotency key, as long as it is kept."""
    mine = (idempotency.c.connection_id == connection_id) & (idempotency.c.key == key)
    kept = idempotency.c.created_at > now - IDEMPOTENCY_KEPT
    return connection.execute(select(idempotency).where(mine, kept)).one_or_none()


def made(connection: Connection, connection_id: str, key: str, **what: Any) -> None:
    """Remembers what the request with this key made: `record_id`, `import_id` or a whole `answer`."""
    mine = (idempotency.c.connection_id == connection_id) & (idempotency.c.key == key)
    connection.execute(update(idempotency).where(mine).values(what))


def purge(connection: Connection, now: int) -> int:
    """Forgets idempotency keys that are older than a day."""
    return connection.execute(delete(idempotency).where(idempotency.c.created_at <= now - IDEMPOTENCY_KEPT)).rowcount


def save_mapping(connection: Connection, connection_id: str, name: str, rows: Mapping[str, Any], now: int) -> None:
    """Saves a mapping under a name."""
    row = {"connection_id": connection_id, "name": name, "rows": dict(rows), "updated_at": now}
    insert_or_update(connection, mappings, [row], ("connection_id", "name"))


def get_mapping(connection: Connection, connection_id: str, name: str) -> dict[str, Any] | None:
    """A saved mapping's rows."""
    mine = (mappings.c.connection_id == connection_id) & (mappings.c.name == name)
    return connection.scalar(select(mappings.c.rows).where(mine))


def list_mappings(connection: Connection, connection_id: str) -> list[Row[Any]]:
    """Saved mappings by name."""
    listing = select(mappings).where(mappings.c.connection_id == connection_id).order_by(mappings.c.name)
    return list(connection.execute(listing))


def remove_mapping(connection: Connection, connection_id: str, name: str) -> bool:
    """Removes a saved mapping."""
    mine = (mappings.c.connection_id == connection_id) & (mappings.c.name == name)
    return bool(connection.execute(delete(mappings).where(mine)).rowcount)
