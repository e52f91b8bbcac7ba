"""People: what Crisp was last told about each, and which source's record is which person."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, delete, insert, select, union, update

from connector.contact import Contact
from connector.crisp.calls import Seen
from connector.ledger.tables import links, people
from connector.ledger.upsert import insert_or_update

# Names looked up in one statement.
_CHUNK = 100
# Written once: these run several times a second.
_SAVED = ("email", "people_id", "known", "times", "complete", "updated_at")
_SAVE = update(people).where(people.c.id == bindparam("b_id")).values({name: bindparam(name) for name in _SAVED})
_WHOS: BindParameter[str] = bindparam("b_whos", expanding=True)
_MINE = select(people.c.id).where(people.c.connection_id == bindparam("b_connection"))
# Two looks: for "one or the other" SQLite uses neither index, and would go through everybody.
_EITHER = union(_MINE.where(people.c.email.in_(_WHOS)), _MINE.where(people.c.people_id.in_(_WHOS)))
_BY_WHO = select(people).where(people.c.id.in_(_EITHER))
_FORGET = delete(people).where(people.c.id.in_(_EITHER))


@dataclass(frozen=True, slots=True)
class Person:
    """A person whom Crisp has, as far as we know. `times`: flat key → the source's time of it (UNIX milliseconds)."""

    email: str | None
    people_id: str | None = None
    known: Contact = field(default_factory=Contact)
    times: Mapping[str, int] = field(default_factory=dict)
    complete: bool = False
    id: int | None = None

    @property
    def names(self) -> list[str]:
        """What the person is called, the surest name first."""
        return [name for name in (self.people_id, self.email) if name]

    @property
    def seen(self) -> Seen:
        """What a plan is to know of the person."""
        known = self.known.with_email(self.email) if self.email else self.known
        return Seen(self.people_id, known, exists=True, complete=self.complete)


def by_who(connection: Connection, connection_id: str, whos: Iterable[str]) -> dict[str, Person]:
    """Email or people_id → person, for those that are known."""
    rows = connection.execute(_BY_WHO, {"b_connection": connection_id, "b_whos": list(whos)})
    found: dict[str, Person] = {}
    for row in rows:
        person = Person(row.email, row.people_id, Contact.from_flat(row.known), row.times, row.complete, row.id)
        found.update({who: person for who in (row.people_id, row.email) if who})
    return found


def save(connection: Connection, connection_id: str, persons: Iterable[Person], now: int) -> None:
    """Inserts or updates. Whoever else is known under one of the names is the same person, or has lost it to this one:
    there is one row for each person, and for each name."""
    rows = [_row(connection_id, person, now) for person in _alone(connection, connection_id, list(persons))]
    known = [row for row in rows if row["b_id"] is not None]
    new = [{key: value for key, value in row.items() if key != "b_id"} for row in rows if row["b_id"] is None]
    if known:
        known.sort(key=lambda row: int(row["b_id"]))  # one order for all, else two transactions may lock each other out
        connection.execute(_SAVE, [{key: row[key] for key in (*_SAVED, "b_id")} for row in known])
    insert_or_update(connection, people, [row for row in new if row["email"]], ("connection_id", "email"))
    nameless = [row for row in new if not row["email"]]
    if nameless:
        connection.execute(insert(people), nameless)


def _alone(connection: Connection, connection_id: str, persons: list[Person]) -> list[Person]:
    """The same persons with the ids of their rows, once all other rows under their names are gone."""
    named = _by_name(_named(connection, connection_id, {name for person in persons for name in person.names}))
    kept, spare = list[Person](), set[int]()
    gone = _gone(connection, {person.id for person in persons if person.id is not None}, named)
    for person in persons:
        same = list({row.id: row for name in person.names for row in named.get(name, ())}.values())
        by_email = sorted(same, key=lambda row: row.email != person.email)
        its_own = None if person.id in gone else person.id
        row_id = its_own or next((row.id for row in by_email), None)
        kept.append(replace(person, id=row_id, times=_newest(person, same)))
        spare |= {row.id for row in same if row.id != row_id}
    if spare:
        _lock(connection, spare | {person.id for person in kept if person.id is not None})
        connection.execute(delete(people).where(people.c.id.in_(spare)))
    return kept


def _gone(connection: Connection, ids: set[int], named: Mapping[str, Collection[Row[Any]]]) -> set[int]:
    """Rows that an erasure has removed since they were read; nearly all are still there under a name of their own."""
    unseen = ids - {row.id for rows in named.values() for row in rows}
    return unseen - set(connection.scalars(select(people.c.id).where(people.c.id.in_(unseen)))) if unseen else set()


def _lock(connection: Connection, ids: Collection[int]) -> None:
    """In the order in which rows are saved: what is deleted first would be locked out of turn."""
    connection.execute(select(people.c.id).where(people.c.id.in_(ids)).order_by(people.c.id).with_for_update()).all()


def _named(connection: Connection, connection_id: str, names: Iterable[str]) -> Iterator[Row[Any]]:
    """Rows under these names, some at a time: a driver keeps every statement, and one of each length would be much."""
    whos = list(names)
    for start in range(0, len(whos), _CHUNK):
        chunk = {"b_connection": connection_id, "b_whos": whos[start : start + _CHUNK]}
        yield from connection.execute(_BY_WHO, chunk)


def _by_name(rows: Iterable[Row[Any]]) -> dict[str, list[Row[Any]]]:
    """Rows by each of their names: many people are saved at once, and each has few rows of all."""
    named: dict[str, list[Row[Any]]] = {}
    for row in rows:
        for name in {row.email, row.people_id} - {None}:
            named.setdefault(name, []).append(row)
    return named


def _newest(person: Person, same: Iterable[Row[Any]]) -> Mapping[str, int]:
    """The times of all rows of the person; one with another people_id was somebody else's."""
    times = dict(person.times)
    for row in same:
        if row.people_id in (None, person.people_id):
            times.update({key: max(at, times.get(key, at)) for key, at in row.times.items()})
    return times


def save_times(connection: Connection, persons: Iterable[Person]) -> None:
    """Only the times: what is known of a person is for those to write who have told Crisp."""
    given = {person.id: person.times for person in persons if person.id is not None}
    if not given:
        return
    # As they stand now: somebody may have told Crisp of a newer time since they were read.
    now = select(people.c.id, people.c.times).where(people.c.id.in_(given)).order_by(people.c.id).with_for_update()
    rows = [{"b_id": row.id, "times": _later(row.times, given[row.id])} for row in connection.execute(now)]
    if rows:
        changed = update(people).where(people.c.id == bindparam("b_id")).values(times=bindparam("times"))
        connection.execute(changed, rows)


def _later(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {**one, **{key: max(at, one.get(key, at)) for key, at in other.items()}}


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


def forget(connection: Connection, connection_id: str, names: Collection[str]) -> None:
    """The person is not in Crisp any more."""
    connection.execute(_FORGET, {"b_connection": connection_id, "b_whos": list(names)})


def linked(connection: Connection, connection_id: str, source: str, source_ids: Iterable[str]) -> dict[str, str]:
    """A source's record ids → the emails that came with them."""
    mine = (links.c.connection_id == connection_id) & (links.c.source == source)
    rows = connection.execute(
        select(links.c.source_id, links.c.email).where(mine, links.c.source_id.in_(list(source_ids)))
    )
    return {row.source_id: row.email for row in rows}


def leading(connection: Connection, connection_id: str, source: str, emails: Iterable[str]) -> dict[str, set[str]]:
    """Emails → the source's record ids that lead there."""
    mine = (links.c.connection_id == connection_id) & (links.c.source == source) & links.c.email.in_(list(emails))
    found: dict[str, set[str]] = {}
    for row in connection.execute(select(links.c.email, links.c.source_id).where(mine)):
        found.setdefault(row.email, set()).add(row.source_id)
    return found


def ids_leading(connection: Connection, connection_id: str, emails: Collection[str]) -> dict[str, frozenset[str]]:
    """Source → its record ids that lead to one of these emails."""
    mine = (links.c.connection_id == connection_id) & links.c.email.in_(emails)
    found: dict[str, set[str]] = {}
    for row in connection.execute(select(links.c.source, links.c.source_id).where(mine)):
        found.setdefault(row.source, set()).add(row.source_id)
    return {source: frozenset(ids) for source, ids in found.items()}


def ids_of(connection: Connection, connection_id: str, source: str) -> list[str]:
    """All record ids of a source that lead to somebody."""
    mine = (links.c.connection_id == connection_id) & (links.c.source == source)
    return list(connection.scalars(select(links.c.source_id).where(mine).order_by(links.c.source_id)))


def relink(connection: Connection, connection_id: str, moved: Mapping[str, str]) -> None:
    """What led to an email leads to another from now on: old → new."""
    for old, new in sorted(moved.items()):
        mine = (links.c.connection_id == connection_id) & (links.c.email == old)
        connection.execute(update(links).where(mine).values(email=new))


def link(connection: Connection, connection_id: str, source: str, emails: Mapping[str, str]) -> None:
    """Remembers which email came with which of the source's record ids."""
    rows = [
        {"connection_id": connection_id, "source": source, "source_id": source_id, "email": email}
        for source_id, email in emails.items()
    ]
    insert_or_update(connection, links, rows, ("connection_id", "source", "source_id"))
