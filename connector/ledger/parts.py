"""Parts: files that imports came in, in pieces that a database takes."""

from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from connector.ledger.tables import file_parts
from connector.ledger.upsert import insert_or_ignore


def save(connection: Connection, connection_id: str, digest: str, chunks: Iterable[bytes], now: int) -> None:
    """Keeps a file. One of the same hash is the same, also one that somebody else is just keeping: it is new again."""
    row = {"connection_id": connection_id, "hash": digest, "created_at": now}
    for number, chunk in enumerate(chunks):
        insert_or_ignore(connection, file_parts, {**row, "part": number, "bytes": chunk})
    first = _of(connection_id, digest) & (file_parts.c.part == 0)
    connection.execute(update(file_parts).where(first).values(created_at=now))


def read(connection: Connection, connection_id: str, digest: str) -> Iterator[bytes]:
    """The pieces in their order; none when there is no such file."""
    mine = _of(connection_id, digest)
    count = connection.scalar(select(func.count()).select_from(file_parts).where(mine)) or 0
    for number in range(count):
        yield connection.scalars(select(file_parts.c.bytes).where(mine, file_parts.c.part == number)).one()


def drop(connection: Connection, connection_id: str, digest: str) -> None:
    """Removes a file."""
    connection.execute(delete(file_parts).where(_of(connection_id, digest)))


def every(connection: Connection) -> list[tuple[str, str, int]]:
    """Connection, hash and time (UNIX milliseconds) of each file."""
    columns = (file_parts.c.connection_id, file_parts.c.hash, file_parts.c.created_at)
    rows = connection.execute(select(*columns).where(file_parts.c.part == 0).order_by(*columns[:2]))
    return [(row.connection_id, row.hash, row.created_at) for row in rows]


def _of(connection_id: str, digest: str) -> ColumnElement[bool]:
    return (file_parts.c.connection_id == connection_id) & (file_parts.c.hash == digest)
