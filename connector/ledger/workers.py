"""Workers: the processes that deliver, and whether they live."""

from sqlalchemy import Connection, delete, func, select

from connector.ledger.tables import workers
from connector.ledger.upsert import insert_or_update

# A worker tells that it lives once in a while; one that has not for so long is taken for dead (milliseconds).
ALIVE = 30_000
_FORGOTTEN = 3_600_000


def beat(connection: Connection, worker_id: str, now: int) -> None:
    """This worker lives. Those that have not been seen for an hour are forgotten."""
    row = {"id": worker_id, "started_at": now, "seen_at": now}
    insert_or_update(connection, workers, [row], ("id",), kept=("started_at",))
    connection.execute(delete(workers).where(workers.c.seen_at < now - _FORGOTTEN))


def leave(connection: Connection, worker_id: str) -> None:
    """This worker ends."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))


def alive(connection: Connection, now: int) -> int:
    """How many workers live."""
    found = select(func.count()).select_from(workers).where(workers.c.seen_at > now - ALIVE)
    return connection.scalar(found) or 0
