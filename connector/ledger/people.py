"""People: what Crisp was last told about each, and which source's record is which person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, or_, select, update

from connector.contact import Contact
from connector.ledger.tables import links, people
from connector.ledger.upsert import insert_or_update

# Written once: these run several times a second.
_SAVED = ("email", "people_id", "known", "times", "complete", "updated_at")
_SAVE = update(people).where(people.c.id == bindparam("b_id")).values({name: bindparam(name) for name in _SAVED})
_WHOS: BindParameter[str] = bindparam("b_whos", expanding=True)
_BY_WHO = select(people).where(
    people.c.connection_id == bindparam("b_connection"), or_(people.c.email.in_(_WHOS), people.c.people_id.in_(_WHOS))
)


@dataclass(frozen=True, slots=True)
class Person:
    """A person whom Crisp has, as far as we know. `times`: flat key → the source's time of it (UNIX milliseconds)."""

    email: str | None
    people_id: str | None = None
    known: Contact = field(default_factory=Contact)
    times: Mapping[str, int] = field(default_factory=dict)
    complete: bool = False
    id: int | None = None


def by_who(connection: Connection, connection_id: str, whos: Iterable[str]) -> dict[str, Person]:
    """Email or people_id → person, for those that are known."""
    rows = connection.execute(_BY_WHO, {"b_connection": connection_id, "b_whos": list(whos)})
    found: dict[str, Person] = {}
    for row in rows:
        person = Person(row.email, row.people_id, Contact.from_flat(row.known), row.times, row.complete, row.id)
        found.update({who: person for who in (row.people_id, row.email) if who})
    return found


def save(connection: Connection, connection_id: str, persons: Iterable[Person], now: int) -> None:
    """Inserts or updates."""
    rows = [_row(connection_id, person, now) for person in persons]
    known = [row for row in rows if row["b_id"] is not None]
    new = [{key: value for key, value in row.items() if key != "b_id"} for row in rows if row["b_id"] is None]
    if known:
        connection.execute(_SAVE, [{key: row[key] for key in (*_SAVED, "b_id")} for row in known])
    insert_or_update(connection, people, [row for row in new if row["email"]], ("connection_id", "email"))
    nameless = [row for row in new if not row["email"]]
    if nameless:
        connection.execute(insert(people), nameless)


def save_times(connection: Connection, persons: Iterable[Person]) -> None:
    """Only the times: what is known of a person is for those to write who have told Crisp."""
    rows = [{"b_id": person.id, "times": dict(person.times)} for person in persons]
    if rows:
        changed = update(people).where(people.c.id == bindparam("b_id")).values(times=bindparam("times"))
        connection.execute(changed, rows)


def _row(connection_id: str, person: Person, now: int) -> dict[str, Any]:
    return {
        "b_id": person.id,
        "connection_id": connection_id,
        "email": person.email,
        "people_id": person.people_id,
        "known": person.known.flat(),
        "times": dict(person.times),
        "complete": person.complete,
        "updated_at": now,
    }


def displace(connection: Connection, connection_id: str, person: Person) -> None:
    """Forgets another person under this person's new email: Crisp has given the address to this one."""
    same = (people.c.connection_id == connection_id) & (people.c.email == person.email)
    connection.execute(delete(people).where(same, people.c.id.is_distinct_from(person.id)))


def forget(connection: Connection, connection_id: str, who: str) -> None:
    """The person is not in Crisp any more."""
    named = or_(people.c.email == who, people.c.people_id == who)
    connection.execute(delete(people).where(people.c.connection_id == connection_id, named))


def linked(connection: Connection, connection_id: str, source: str, source_ids: Iterable[str]) -> dict[str, str]:
    """A source's record ids → the emails that came with them."""
    mine = (links.c.connection_id == connection_id) & (links.c.source == source)
    rows = connection.execute(
        select(links.c.source_id, links.c.email).where(mine, links.c.source_id.in_(list(source_ids)))
    )
    return {row.source_id: row.email for row in rows}


def link(connection: Connection, connection_id: str, source: str, emails: Mapping[str, str]) -> None:
    """Remembers which email came with which of the source's record ids."""
    rows = [
        {"connection_id": connection_id, "source": source, "source_id": source_id, "email": email}
        for source_id, email in emails.items()
    ]
    insert_or_update(connection, links, rows, ("connection_id", "source", "source_id"))
