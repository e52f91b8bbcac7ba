"""Sorting: what rows say of people, brought together person by person on disk, so that many rows need no memory."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from connector.errors import Problem
from connector.uploads.store import told

_ADD = "INSERT INTO told VALUES (?, ?, ?, ?)"
_SORTED = 'SELECT who, "row", at, contact FROM told ORDER BY who, "row"'


class Told(NamedTuple):
    """What a row says of a person: the flat contact, and the source's time of it (UNIX milliseconds)."""

    who: str
    row: int
    at: int | None
    contact: Mapping[str, Any]


class Sorting:
    """Takes rows in any order, and gives each person with all that is said of it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute('CREATE TABLE told (who TEXT, "row" INTEGER, at INTEGER, contact TEXT)')

    def add(self, rows: Iterable[Told]) -> None:
        """Takes rows."""
        packed = ((each.who, each.row, each.at, json.dumps(each.contact)) for each in rows)
        self._database.executemany(_ADD, packed)
        self._database.commit()

    def people(self) -> Iterator[tuple[str, list[Told]]]:
        """Every person with its rows in their order."""
        found = (Told(who, row, at, json.loads(contact)) for who, row, at, contact in self._database.execute(_SORTED))
        for who, group in groupby(found, key=lambda each: each.who):
            yield who, list(group)


@contextmanager
def sorting() -> Iterator[Sorting]:
    """A place to sort in. Raises as `on_disk` does."""
    with on_disk() as database:
        yield Sorting(database)


@contextmanager
def on_disk() -> Iterator[sqlite3.Connection]:
    """A database to sort in, gone afterwards. Raises `files_unavailable` when there is no room."""
    with told():
        folder = TemporaryDirectory(prefix="crisp-connector-")
    try:
        with folder as name, closing(sqlite3.connect(Path(name) / "told.db")) as database:
            database.execute("PRAGMA journal_mode=OFF")
            yield database
    except sqlite3.Error as problem:
        raise Problem("files_unavailable", reason=str(problem), retry_after=60) from problem
