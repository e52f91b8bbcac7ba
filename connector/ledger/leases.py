"""Leases: the right to deliver for a connection, with a fencing token that grows with every grant."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, literal_column, select, update

from connector.alive import is_dead
from connector.ledger import importing
from connector.ledger.tables import leases, records
from connector.ledger.upsert import insert_or_ignore

# Milliseconds. A holder that has not renewed for so long is taken for dead. One that is known to be dead is waited for
# only as long as its last calls may still be on their way.
TERM, _LANDING = 30_000, 2_000

_RENEW = (
    update(leases)
    .where(leases.c.connection_id == bindparam("b_connection"), leases.c.token == bindparam("b_token"))
    # Of a connection that was removed and added again, tokens begin anew.
    .where(leases.c.holder == bindparam("b_holder"))
    .values(until=bindparam("b_until"), in_flight=bindparam("b_in_flight"))
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
    """The lease, unless somebody else alive has it. What a dead holder had in hand is free again, and marked as unsure.

    A holder that asks again has lost its drain, and could not give the lease back.
    """
    insert_or_ignore(connection, leases, {"connection_id": connection_id, "token": 0, "holder": None, "until": 0})
    row = connection.execute(select(leases).where(leases.c.connection_id == connection_id).with_for_update()).one()
    if not is_free(row.holder, row.until, holder, now):
        return None
    lease = Lease(connection_id, holder, row.token + 1)
    granted = {"token": lease.token, "holder": holder, "until": now + TERM, "in_flight": 0}
    connection.execute(update(leases).where(leases.c.connection_id == connection_id).values(granted))
    _free_orphans(connection, connection_id, now)
    return lease


def is_free(holder: str | None, until: int | None, asks: str, now: int, *, term: int = TERM) -> bool:
    """Whether a lease of this term may be granted to who asks: nobody has it, or who asks, or somebody who is dead."""
    if holder in (None, asks) or (until or 0) <= now:
        return True
    return (until or 0) - term + _LANDING <= now and is_dead(str(holder))


def renew(connection: Connection, lease: Lease, now: int, *, in_flight: int = 0) -> int:
    """Fences this transaction, and tells how many calls are out; until when the lease is ours now (UNIX milliseconds).

    Raises `LeaseLost` when it is not ours any more.
    """
    named = {"b_connection": lease.connection_id, "b_token": lease.token, "b_holder": lease.holder}
    named |= {"b_until": now + TERM, "b_in_flight": in_flight}
    if connection.execute(_RENEW, named).rowcount != 1:
        raise LeaseLost(lease.connection_id)
    return now + TERM


def release(connection: Connection, lease: Lease) -> None:
    """Gives the lease back, if it is still ours."""
    same = (leases.c.connection_id == lease.connection_id) & (leases.c.token == lease.token)
    ours = same & (leases.c.holder == lease.holder)
    connection.execute(update(leases).where(ours).values(holder=None, until=0, in_flight=0))


def _free_orphans(connection: Connection, connection_id: str, now: int) -> None:
    waiting = records.c.status == literal_column("'waiting'")  # written out for the index's sake, as in `work`
    orphans = (records.c.connection_id == connection_id) & waiting & records.c.claim.is_not(None)
    freed = {"claim": None, "unsure": records.c.created_at}
    ids = connection.scalars(select(records.c.id).where(orphans)).all()
    connection.execute(update(records).where(orphans).values(freed))
    if ids:
        importing.hold(connection, ids, now)
