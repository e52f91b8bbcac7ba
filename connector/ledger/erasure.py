"""Erasure: every trace of a person goes; outcomes keep their codes and counts, so that totals still add up."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from connector.ledger.tables import idempotency, links, people, records


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows were removed or emptied."""

    people: int
    records: int
    links: int


def identities(connection: Connection, connection_id: str, who: str) -> set[str]:
    """Every email and people_id by which this person is known."""
    mine = people.c.connection_id == connection_id
    rows = connection.execute(
        select(people.c.email, people.c.people_id).where(mine, or_(people.c.email == who, people.c.people_id == who))
    )
    return {who, *(name for row in rows for name in row if name)}


def cancel(connection: Connection, connection_id: str, whos: Collection[str], now: int) -> int:
    """Waiting records of the person that no call has in hand are rejected; returns how many are still in hand."""
    waiting = (records.c.connection_id == connection_id) & (records.c.status == "waiting") & _of(whos)
    values = {"status": "rejected", "code": "contact_erased", "finished_at": now, "due_at": None}
    connection.execute(update(records).where(waiting, records.c.claim.is_(None)).values(values))
    return len(list(connection.scalars(select(records.c.id).where(waiting))))


def erase(connection: Connection, connection_id: str, whos: Collection[str]) -> Erased:
    """Removes the person from people, links and records."""
    mine = records.c.connection_id == connection_id
    personal = ("who", "email", "people_id", "source_id", "contact", "detail")
    blank: dict[str, object] = {**dict.fromkeys(personal), "notes": [], "changed": [], "trail": []}
    touched = list(connection.scalars(select(records.c.id).where(mine, _of(whos))))
    connection.execute(delete(idempotency).where(idempotency.c.record_id.in_(touched)))
    emptied = connection.execute(update(records).where(records.c.id.in_(touched)).values(blank)).rowcount
    unlinked = connection.execute(
        delete(links).where(links.c.connection_id == connection_id, links.c.email.in_(whos))
    ).rowcount
    known = (people.c.connection_id == connection_id) & or_(people.c.email.in_(whos), people.c.people_id.in_(whos))
    return Erased(connection.execute(delete(people).where(known)).rowcount, emptied, unlinked)


def _of(whos: Collection[str]) -> ColumnElement[bool]:
    return or_(records.c.who.in_(whos), records.c.email.in_(whos), records.c.people_id.in_(whos))
