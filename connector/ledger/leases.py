"""Leases: the right to deliver for a connection, with a fencing token that grows with every grant."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from connector.ledger.tables import leases, records
from connector.ledger.upsert import insert_or_ignore

# A holder that has not renewed for so long is taken for dead (milliseconds).
TERM = 30_000

_RENEW = (
    update(leases)
    .where(leases.c.connection_id == bindparam("b_connection"), leases.c.token == bindparam("b_token"))
    .values(until=bindparam("b_until"))
)


class LeaseLost(Exception):
    """Another drain has the connection now; whatever this one still holds is not its own."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A grant. Every write of its holder is refused once a later token was granted."""

    connection_id: str
    holder: str
    token: int


def take(connection: Connection, connection_id: str, holder: str, now: int) -> Lease | None:
    """The lease, unless somebody alive has it. What a dead holder had in hand is free again, and marked as unsure."""
    insert_or_ignore(connection, leases, {"connection_id": connection_id, "token": 0, "holder": None, "until": 0})
    row = connection.execute(select(leases).where(leases.c.connection_id == connection_id).with_for_update()).one()
    if row.holder is not None and row.until > now:
        return None
    lease = Lease(connection_id, holder, row.token + 1)
    granted = {"token": lease.token, "holder": holder, "until": now + TERM}
    connection.execute(update(leases).where(leases.c.connection_id == connection_id).values(granted))
    _free_orphans(connection, connection_id)
    return lease


def renew(connection: Connection, lease: Lease, now: int) -> None:
    """Fences this transaction: raises `LeaseLost` when the lease is not ours any more."""
    named = {"b_connection": lease.connection_id, "b_token": lease.token, "b_until": now + TERM}
    if connection.execute(_RENEW, named).rowcount != 1:
        raise LeaseLost(lease.connection_id)


def release(connection: Connection, lease: Lease) -> None:
    """Gives the lease back, if it is still ours."""
    ours = (leases.c.connection_id == lease.connection_id) & (leases.c.token == lease.token)
    connection.execute(update(leases).where(ours).values(holder=None, until=0))


def _free_orphans(connection: Connection, connection_id: str) -> None:
    orphans = (
        (records.c.connection_id == connection_id) & (records.c.status == "waiting") & records.c.claim.is_not(None)
    )
    freed = {"claim": None, "unsure": records.c.created_at}
    connection.execute(update(records).where(orphans).values(freed))
