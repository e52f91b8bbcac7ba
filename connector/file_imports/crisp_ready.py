"""A Crisp-ready CSV: contacts as Crisp's own Contacts page imports them, which costs no API call."""

import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from connector.contact import NAMES, Contact, fold, named
from connector.errors import Problem
from connector.files.safe import guarded_but_numbers
from connector.files.writing import as_text
from connector.intake.reading import Incoming
from connector.intake.sorting import on_disk
from connector.ledger import Ledger, importing, records

Contacts = Callable[[], Iterator[Contact]]
# Row, code, contact field, message.
Rejected = tuple[int, str, str | None, str]
# What Crisp's import calls a column where that is not our own name for it (help.crisp.chat, import contacts).
_CALLED = {"company_name": "company name"}


def rows(contacts: Contacts, fields: Iterable[str]) -> Iterator[Sequence[str]]:
    """Header and contacts, in the order of the fields; only columns in which something stands."""
    columns, keys = _occurring(contacts, fields)
    yield [*(_CALLED.get(column, column) for column in columns), *(f"data.{key}" for key in keys)]
    for contact in contacts():
        yield [*(_cell(contact, column) for column in columns), *(_shown(contact.data.get(key)) for key in keys)]


def _occurring(contacts: Contacts, fields: Iterable[str]) -> tuple[list[str], list[str]]:
    said: dict[str, None] = {"email": None}
    for contact in contacts():
        said.update(dict.fromkeys(contact.said()))
    columns = [key for key in fields if key in said]
    return columns, [key.removeprefix("data.") for key in said if key.startswith("data.")]


def _cell(contact: Contact, column: str) -> str:
    if column != "segments":
        return _shown(contact.fields.get(column))
    joined = "|".join(contact.segments)
    # Without a mark between, a name of two words would be taken for two names.
    return guarded_but_numbers(f"{joined}|" if " " in joined and "|" not in joined else joined)


def _shown(value: Any) -> str:
    return guarded_but_numbers(as_text(value))


def merged(told: Iterable[tuple[str, int, Mapping[str, Any], int | None]]) -> Iterator[Contact]:
    """One contact for each person: (who, row, flat contact, time of it), person by person."""
    for who, group in groupby(told, key=lambda each: each[0]):
        changes = [(Contact.from_flat(contact), at) for _, _, contact, at in group]
        contact = named(fold(changes, {}, who).contact)
        yield Contact({k: v for k, v in contact.fields.items() if v is not None}, contact.segments, _kept(contact.data))


def _kept(data: Mapping[str, Any]) -> dict[str, Any]:
    """An empty cell removes the key, as it does in Crisp's import: a key that is to go stays, empty."""
    return {key: "" if value is None else value for key, value in data.items()}


def of_import(ledger: Ledger, import_id: str) -> Contacts:
    """The contacts of an import, none when all were rejected. Raises `file_forgotten` when what its records said is not
    kept any more."""

    def read() -> Generator[Contact, None, None]:
        with ledger.read() as connection, closing(importing.told(connection, import_id)) as told:
            yield from merged((row.who, row.row, row.contact, row.at) for row in told)

    with closing(read()) as contacts:
        first = next(contacts, None)
    if first is None and _accepted(ledger, import_id):
        raise Problem("file_forgotten")
    return read


def _accepted(ledger: Ledger, import_id: str) -> int:
    """How many records of an import were not rejected."""
    with ledger.read() as connection:
        totals = records.totals(connection, import_id)
    return totals.records - totals.by_status.get("rejected", 0)


@dataclass(frozen=True, slots=True)
class Converted:
    """A file that is not imported. `rejected` gives (row, code, field, message) in the order of the rows, `count` says
    how many rows those are."""

    contacts: Contacts
    rejected: Callable[[], Iterator[Rejected]]
    count: int


@contextmanager
def of_reading(incoming: Iterable[Incoming]) -> Iterator[Converted]:
    """The contacts of a file, and what is rejected. Both are sorted on disk, so that many need no memory."""
    with on_disk() as database:
        count = _sort(database, incoming)

        def contacts() -> Iterator[Contact]:
            found = database.execute('SELECT who, "row", said FROM told WHERE who IS NOT NULL ORDER BY who, "row"')
            yield from merged((who, row, json.loads(said), None) for who, row, said in found)

        def rejected() -> Iterator[Rejected]:
            found = database.execute('SELECT "row", said FROM told WHERE who IS NULL ORDER BY "row"')
            yield from ((row, *json.loads(said)) for row, said in found)

        yield Converted(contacts, rejected, count)


def _sort(database: sqlite3.Connection, incoming: Iterable[Incoming]) -> int:
    """Rows with what they say under the person; those of nobody with the reason. How many of these there are."""
    database.execute('CREATE TABLE told (who TEXT, "row" INTEGER, said TEXT)')
    database.executemany("INSERT INTO told VALUES (?, ?, ?)", map(_told, incoming))
    database.commit()
    count: int = database.execute("SELECT count(*) FROM told WHERE who IS NULL").fetchone()[0]
    return count


def _told(each: Incoming) -> tuple[str | None, int, str]:
    said = each.translated
    if said.error is not None:
        return None, each.row, json.dumps([said.error.code, said.error.field, said.error.message])
    return said.contact.email, each.row, json.dumps(said.contact.flat())


def columns_of(fields: Iterable[str]) -> list[str]:
    """The fields that such a file can have, in their order: one name instead of four."""
    return ["email", "nickname", *(key for key in fields if key not in (*NAMES, "email", "data"))]
