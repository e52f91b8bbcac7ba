"""Requests remembered: idempotency keys, saved mappings, imports."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from connector.ledger.tables import idempotency, imports, mappings, records
from connector.ledger.upsert import insert_or_ignore, insert_or_update

IDEMPOTENCY_KEPT = 86_400_000


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


def open_import(connection: Connection, row: Mapping[str, Any]) -> None:
    """Begins an import; its records are not due before `seal_import`."""
    connection.execute(insert(imports), dict(row))


def seal_import(connection: Connection, import_id: str, count: int, now: int, **values: Any) -> None:
    """The whole import is accepted: its records become due."""
    sealed = {"records": count, "accepted_at": now, **values}
    connection.execute(update(imports).where(imports.c.id == import_id).values(sealed))
    waiting = (records.c.import_id == import_id) & (records.c.status == "waiting")
    connection.execute(update(records).where(waiting).values(due_at=now))


def drop_import(connection: Connection, import_id: str) -> None:
    """Removes an import that nobody was told of."""
    connection.execute(delete(records).where(records.c.import_id == import_id))
    connection.execute(delete(imports).where(imports.c.id == import_id))


def drop_unsealed(connection: Connection, before: int) -> int:
    """Removes imports whose sender or process went away before they were accepted; nobody was told of them."""
    open_ones = imports.c.accepted_at.is_(None) & (imports.c.created_at < before)
    ids = list(connection.scalars(select(imports.c.id).where(open_ones)))
    connection.execute(delete(records).where(records.c.import_id.in_(ids)))
    return connection.execute(delete(imports).where(imports.c.id.in_(ids))).rowcount


def get_import(connection: Connection, connection_id: str, import_id: str) -> Row[Any] | None:
    """One import."""
    mine = (imports.c.connection_id == connection_id) & (imports.c.id == import_id)
    return connection.execute(select(imports).where(mine)).one_or_none()


def list_imports(connection: Connection, connection_id: str, *, before: str | None, limit: int) -> list[Row[Any]]:
    """Accepted imports, newest first."""
    listing = select(imports).where(imports.c.connection_id == connection_id, imports.c.accepted_at.is_not(None))
    if before:
        listing = listing.where(imports.c.id < before)
    return list(connection.execute(listing.order_by(imports.c.id.desc()).limit(limit)))


def pace(connection: Connection, import_id: str) -> tuple[int, int | None, int | None]:
    """Records finished by delivery, and when the first and the last of them were."""
    done = (records.c.import_id == import_id) & records.c.finished_at.is_not(None) & (records.c.calls > 0)
    times = (func.count(), func.min(records.c.finished_at), func.max(records.c.finished_at))
    row = connection.execute(select(*times).where(done)).one()
    return row[0], row[1], row[2]


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
