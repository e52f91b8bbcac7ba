"""Erasure: every trace of a person goes; outcomes keep their codes and counts, so that totals still add up."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Text, cast, delete, or_, select, update

from connector.ledger.tables import idempotency, links, people, records

_PERSONAL = ("who", "email", "people_id", "source_id", "contact", "detail")
_BLANK: dict[str, object] = {**dict.fromkeys(_PERSONAL), "notes": [], "changed": [], "trail": []}
_CANCELLED: dict[str, object] = {"status": "rejected", "code": "contact_erased", "due_at": None}
# A sender may put the address into its idempotency key; an answer that is kept may show it.
_TOLD = (idempotency.c.key, cast(idempotency.c.answer, Text))


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows were removed or emptied."""

    people: int
    records: int
    links: int


def identities(connection: Connection, connection_id: str, who: str) -> set[str]:
    """Every email and people_id by which this person is known, or was before the email changed."""
    mine = people.c.connection_id == connection_id
    rows = connection.execute(
        select(people.c.email, people.c.people_id).where(mine, or_(people.c.email == who, people.c.people_id == who))
    )
    names = {who, *(name for row in rows for name in row if name)}
    return names | _former(connection, connection_id, names)


def _former(connection: Connection, connection_id: str, names: Collection[str]) -> set[str]:
    """Names in records of this person, but for those that are another known person's by now."""
    told = (records.c.connection_id == connection_id) & records.c.people_id.in_(names)
    rows = connection.execute(select(records.c.email, records.c.who).where(told).distinct())
    found = {name for row in rows for name in row if name}
    others = (people.c.connection_id == connection_id) & people.c.email.in_(found) & people.c.people_id.not_in(names)
    return found - set(connection.scalars(select(people.c.email).where(others)))


def cancel(connection: Connection, connection_id: str, whos: Collection[str], now: int) -> int:
    """Waiting records of the person that no call has in hand are rejected; returns how many are still in hand."""
    waiting = (records.c.connection_id == connection_id) & (records.c.status == "waiting") & _of(whos)
    values = {**_CANCELLED, "finished_at": now}
    connection.execute(update(records).where(waiting, records.c.claim.is_(None)).values(values))
    return len(list(connection.scalars(select(records.c.id).where(waiting))))


def erase(connection: Connection, connection_id: str, whos: Collection[str]) -> Erased:
    """Removes the person from people, links and records."""
    mine = records.c.connection_id == connection_id
    touched = select(records.c.id).where(mine, _of(whos))
    told = or_(idempotency.c.record_id.in_(touched), *(_names(column, whos) for column in _TOLD))
    connection.execute(delete(idempotency).where(idempotency.c.connection_id == connection_id, told))
    # Whatever still waits would be told to Crisp again; without its claim, a drain that has it in hand saves nothing.
    waiting = records.c.status == "waiting"
    connection.execute(update(records).where(mine, waiting, _of(whos)).values({**_CANCELLED, "claim": None}))
    emptied = connection.execute(update(records).where(mine, _of(whos)).values(_BLANK)).rowcount
    unlinked = connection.execute(
        delete(links).where(links.c.connection_id == connection_id, links.c.email.in_(whos))
    ).rowcount
    known = (people.c.connection_id == connection_id) & or_(people.c.email.in_(whos), people.c.people_id.in_(whos))
    return Erased(connection.execute(delete(people).where(known)).rowcount, emptied, unlinked)


def _names(column: ColumnElement[str], whos: Collection[str]) -> ColumnElement[bool]:
    return or_(*(column.icontains(who, autoescape=True) for who in whos))


def _of(whos: Collection[str]) -> ColumnElement[bool]:
    return or_(records.c.who.in_(whos), records.c.email.in_(whos), records.c.people_id.in_(whos))
