"""Records: one row for everything that was ever accepted, and what became of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Row,
    Select,
    Subquery,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from connector.contact import Contact, dated
from connector.crisp.calls import STATUSES
from connector.ids import first_id
from connector.ledger import choosing, people
from connector.ledger.lanes import ERASING
from connector.ledger.people import Person
from connector.ledger.tables import imports, records

DELIVERED = ("created", "updated", "unchanged", "superseded")
# What was delivered without a time of its source.
_TOLD = select(records.c.who, records.c.people_id, records.c.contact, records.c.created_at).where(
    records.c.status.in_(DELIVERED), records.c.contact.is_not(None), records.c.at.is_(None)
)
# Asked for with every record that is sent alone, so made once.
_MINE = records.c.connection_id == bindparam("b_connection")
_ONE = select(records).where(_MINE, records.c.id == bindparam("b_id"))
_OPEN_WHOS = (
    select(records.c.who)
    .where(_MINE, records.c.status == "waiting", records.c.who.in_(bindparam("b_whos", expanding=True)))
    .distinct()
)
# Names looked up in one statement.
_CHUNK = 500
_DAY = 86_400_000


class IdentityBroken(AssertionError):
    """Records in are not the sum of their outcomes: something was lost or counted twice."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Records in, by outcome, and the calls they cost."""

    records: int
    by_status: Mapping[str, int]
    calls: int

    def __post_init__(self) -> None:
        if self.records != sum(self.by_status.values()):
            raise IdentityBroken(f"{self.records} records in, outcomes {dict(self.by_status)}")

    def as_json(self) -> dict[str, int]:
        """`{records, created, updated, unchanged, superseded, rejected, dead, waiting, calls}`."""
        return {"records": self.records, **{s: self.by_status.get(s, 0) for s in STATUSES}, "calls": self.calls}


# What a new record has; every other column that is not said is NULL.
_NEW = {"changed": "'[]'", "trail": "'[]'", "calls": "0", "attempts": "0"}


@cache
def _inserting(said: frozenset[str]) -> Insert:
    """Written out, for binding what is the same in every row takes a third of the time of an insertion."""
    return insert(records).values({name: literal_column(value) for name, value in _NEW.items() if name not in said})


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts accepted records, all with the same columns; a column that they do not have is as of a new record."""
    connection.execute(_inserting(frozenset(rows[0])), list(rows))


def supersede(connection: Connection, by: Mapping[str, str]) -> None:
    """Records that another has taken the place of: id → the other's id."""
    rows = [{"b_id": record_id, "superseded_by": other} for record_id, other in by.items()]
    if rows:
        values = {"status": "superseded", "superseded_by": bindparam("superseded_by")}
        connection.execute(update(records).where(records.c.id == bindparam("b_id")).values(values), rows)


def get(connection: Connection, connection_id: str, record_id: str) -> Row[Any] | None:
    """One record."""
    return connection.execute(_ONE, {"b_connection": connection_id, "b_id": record_id}).one_or_none()


def newest(
    connection: Connection,
    connection_id: str,
    *,
    before: str | None,
    limit: int,
    since: int | None = None,
    until: int | None = None,
    **equal: str,
) -> list[Row[Any]]:
    """Records newest first, those before a cursor, with these columns equal; none that is still being accepted. `since`
    and `until`: when they came (UNIX milliseconds), which their ids say."""
    accepted = select(imports.c.id).where(imports.c.id == records.c.import_id, imports.c.accepted_at.is_not(None))
    known = records.c.import_id.is_(None) | accepted.exists()
    listing = select(records).where(records.c.connection_id == connection_id, known, *_equal(equal))
    if before:
        listing = listing.where(records.c.id < before)
    if since is not None:
        listing = listing.where(records.c.id >= first_id(since))
    if until is not None:
        listing = listing.where(records.c.id < first_id(until))
    return list(connection.execute(listing.order_by(records.c.id.desc()).limit(limit)))


def of_import(connection: Connection, import_id: str, *, after: int, limit: int, status: str | None) -> list[Row[Any]]:
    """Records of an import in the order of its rows, those after a row."""
    listing = select(records).where(records.c.import_id == import_id, records.c.row > after)
    if status:
        listing = listing.where(records.c.status == status)
    return list(connection.execute(listing.order_by(records.c.row).limit(limit)))


def failed(connection: Connection, import_id: str, *, after: int, limit: int) -> list[Row[Any]]:
    """Rejected and dead records of an import in the order of its rows, those after a row."""
    listing = select(records).where(records.c.import_id == import_id, records.c.row > after)
    listing = listing.where(records.c.status.in_(("rejected", "dead")))
    return list(connection.execute(listing.order_by(records.c.row).limit(limit)))


def _equal(equal: Mapping[str, str]) -> list[Any]:
    return [records.c[name] == value for name, value in equal.items()]


def open_whos(connection: Connection, connection_id: str, whos: Sequence[str]) -> set[str]:
    """Of these people, those who have a record that is still waiting."""
    return set(connection.scalars(_OPEN_WHOS, {"b_connection": connection_id, "b_whos": list(whos)}))


def unchanged_in(connection: Connection, import_id: str, emails: Sequence[str]) -> dict[str, str]:
    """Unchanged records of an import by their address; found by the index of addresses, for an import may be long."""
    if not emails:
        return {}
    mine = and_(records.c.email.in_(emails), records.c.import_id == import_id, records.c.status == "unchanged")
    return {row.email: row.id for row in connection.execute(select(records.c.email, records.c.id).where(mine))}


def totals(connection: Connection, import_id: str) -> Totals:
    """An import's totals; raises `IdentityBroken` when they do not add up."""
    count = connection.scalar(select(imports.c.records).where(imports.c.id == import_id)) or 0
    return _totals(list(connection.execute(_counted().where(records.c.import_id == import_id))), count)


def totals_of_connection(connection: Connection, connection_id: str) -> Totals:
    """All of a connection's records by outcome."""
    # One statement, so that records which come in meanwhile are in both sides of the sum or in neither.
    rows: list[Any] = list(connection.execute(_counted().where(records.c.connection_id == connection_id)))
    return _totals(rows, sum(row[1] for row in rows))


def _counted() -> Select[Any]:
    return select(records.c.status, func.count(), func.coalesce(func.sum(records.c.calls), 0)).group_by(
        records.c.status
    )


def _totals(rows: Sequence[Any], count: int) -> Totals:
    return Totals(count, {row[0]: row[1] for row in rows}, sum(row[2] for row in rows))


def chosen(
    *,
    ids: Sequence[str] | None = None,
    import_id: str | None = None,
    code: str | None = None,
    since: int | None = None,
    until: int | None = None,
) -> list[ColumnElement[bool]]:
    """Conditions for `replay`: every one that is given must hold. `since` and `until`: when the record ended
    (UNIX milliseconds)."""
    equal = {records.c.import_id: import_id, records.c.code: code}
    return choosing.conditions(records.c.finished_at, equal, ids=ids, since=since, until=until)


def known(connection: Connection, connection_id: str, ids: Sequence[str]) -> set[str]:
    """Those of these ids that are records of the connection."""
    return choosing.known(connection, records, connection_id, ids)


def beyond_replay(connection: Connection, connection_id: str, conditions: Sequence[Any]) -> int:
    """How many of the dead and rejected records cannot be replayed: nothing of them names a person to tell Crisp of."""
    failed = (records.c.connection_id == connection_id, records.c.status.in_(("dead", "rejected")))
    return connection.scalar(select(func.count()).select_from(records).where(*failed, _nobody(), *conditions)) or 0


def _nobody() -> ColumnElement[bool]:
    """Whether nothing of a record says whom to tell of; what is to be erased has its person by the address alone."""
    unnamed = records.c.who.is_(None) & (records.c.lane != ERASING)
    return unnamed | records.c.contact.is_(None)


def replay(connection: Connection, connection_id: str, conditions: Sequence[Any], now: int) -> int:
    """Dead and rejected records that had a contact wait again; returns how many.

    What was delivered since then is not undone: without a time of its source, a record counts as of when it came.
    """
    failed = records.c.status.in_(("dead", "rejected")) & ~_nobody()
    chosen_ones = (records.c.connection_id == connection_id, failed, *conditions)
    _date_deliveries(connection, connection_id, select(records).where(*chosen_ones, records.c.at.is_(None)).subquery())
    values = {"status": "waiting", "due_at": now, "at": func.coalesce(records.c.at, records.c.created_at)}
    blank = dict.fromkeys(("finished_at", "code", "detail", "failing_since"))
    return connection.execute(update(records).where(*chosen_ones).values(**values, **blank, attempts=0)).rowcount


def _date_deliveries(connection: Connection, connection_id: str, failed: Subquery) -> None:
    """Gives the people of these records the times of what was delivered without one after the first of them."""
    named = connection.execute(select(failed.c.who, failed.c.people_id).distinct()).all()
    known = _people(connection, connection_id, sorted({name for row in named for name in row if name}))
    _date(connection, known, connection.execute(_delivered(connection_id, failed)) if known else ())


def date_people(connection: Connection, connection_id: str, record_ids: Collection[str]) -> None:
    """Gives the people of these records the times of those of them that were delivered without one."""
    mine = _TOLD.where(records.c.connection_id == connection_id, records.c.id.in_(record_ids))
    told = connection.execute(mine).all()
    names = {name for row in told for name in (row.who, row.people_id) if name}
    _date(connection, _people(connection, connection_id, sorted(names)), told)


def date_since(connection: Connection, connection_id: str, since: int, *, but: str) -> None:
    """Gives people the times of what was delivered without one since then (UNIX milliseconds), `but` by this import."""
    others = func.coalesce(records.c.import_id, "") != but
    # Ids begin with the time at which they were made: no other clock is a day late.
    made = records.c.id > f"{max(0, since - _DAY):012x}"
    told = _TOLD.where(records.c.connection_id == connection_id, made, records.c.created_at >= since, others)
    with connection.execute(told.order_by(records.c.id).execution_options(yield_per=_CHUNK)) as found:
        for chunk in found.partitions():
            names = sorted({name for row in chunk for name in (row.who, row.people_id) if name})
            _date(connection, _people(connection, connection_id, names), chunk)


def _date(connection: Connection, known: Mapping[str | None, Person], told: Iterable[Any]) -> None:
    times: dict[int | None, dict[str, int]] = {}
    for row in told:
        person = known.get(row.people_id) or known.get(row.who)
        if person is not None:
            of_person = times.setdefault(person.id, dict(person.times))
            for key in dated(Contact.from_flat(row.contact)):
                of_person[key] = max(row.created_at, of_person.get(key, 0))
    persons = {person.id: person for person in known.values() if person.id in times}
    people.save_times(connection, [replace(person, times=times[person.id]) for person in persons.values()])


def _people(connection: Connection, connection_id: str, names: Sequence[str]) -> dict[str | None, Person]:
    found: dict[str | None, Person] = {}
    for start in range(0, len(names), _CHUNK):
        found.update(people.by_who(connection, connection_id, names[start : start + _CHUNK]))
    return found


def _delivered(connection_id: str, failed: Subquery) -> Select[Any]:
    """What was delivered to the people of these records after the first of them, without a time of its source."""
    same = records.c.who.in_(select(failed.c.who)) | records.c.people_id.in_(select(failed.c.people_id))
    since = select(func.min(failed.c.created_at)).scalar_subquery()
    return _TOLD.where(records.c.connection_id == connection_id, records.c.created_at >= since, same)
