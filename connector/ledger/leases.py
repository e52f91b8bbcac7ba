"""Leases: the right to deliver for a connection, with a fencing token that grows with every grant."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, bindparam, literal_column, select, update

from connector.alive import is_dead
from connector.ledger import importing
from connector.ledger.tables import leases, records
from connector.ledger.upsert import insert_or_ignore

# Milliseconds. A holder that has not renewed for so long is taken for dead. One that is known to be dead is waited for
# only as long as its last calls may still be on their way.
TERM, _LANDING = 30_000, 2_000

# Each drain asks these, so they are made once.
_MINE = leases.c.connection_id == bindparam("b_connection")
_LOCKED = select(leases).where(_MINE).with_for_update()
_GRANT = (
    update(leases)
    .where(_MINE)
    .values(token=bindparam("b_token"), holder=bindparam("b_holder"), until=bindparam("b_until"), in_flight=0)
)
# Of a connection that was removed and added again, tokens begin anew.
_OURS = and_(_MINE, leases.c.token == bindparam("b_token"), leases.c.holder == bindparam("b_holder"))
_RENEW = update(leases).where(_OURS).values(until=bindparam("b_until"), in_flight=bindparam("b_in_flight"))
_RELEASE = update(leases).where(_OURS).values(holder=None, until=0, in_flight=0)
_ORPHANED = and_(
    records.c.connection_id == bindparam("b_connection"),
    records.c.status == literal_column("'waiting'"),  # written out for the index's sake, as in `work`
    records.c.claim.is_not(None),
)
_ORPHANS = select(records.c.id).where(_ORPHANED)
_FREE_ORPHANS = update(records).where(_ORPHANED).values(claim=None, unsure=records.c.created_at)


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
    row = connection.execute(_LOCKED, {"b_connection": connection_id}).one()
    if not is_free(row.holder, row.until, holder, now):
        return None
    lease = Lease(connection_id, holder, row.token + 1)
    connection.execute(_GRANT, {**_named(lease), "b_until": now + TERM})
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
    told = {"b_until": now + TERM, "b_in_flight": in_flight}
    if connection.execute(_RENEW, {**_named(lease), **told}).rowcount != 1:
        raise LeaseLost(lease.connection_id)
    return now + TERM


def release(connection: Connection, lease: Lease) -> None:
    """Gives the lease back, if it is still ours."""
    connection.execute(_RELEASE, _named(lease))


def _named(lease: Lease) -> dict[str, Any]:
    return {"b_connection": lease.connection_id, "b_token": lease.token, "b_holder": lease.holder}


def _free_orphans(connection: Connection, connection_id: str, now: int) -> None:
    ids = connection.scalars(_ORPHANS, {"b_connection": connection_id}).all()
    if ids:
        connection.execute(_FREE_ORPHANS, {"b_connection": connection_id})
        importing.hold(connection, ids, now)
