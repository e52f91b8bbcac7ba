"""Uploaded files are forgotten: after a while, and for one person at once."""

import json
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from re import Pattern
from typing import Any

import structlog

from connector.budget import DAY
from connector.convert.text import clean
from connector.errors import Problem
from connector.files.options import ReadOptions
from connector.files.reading import read_table
from connector.files.table import Cell, Row, Table
from connector.files.traces import named_in, spellings
from connector.files.writing import ERASED, PLAIN, as_text, written
from connector.ledger import Ledger, importing
from connector.ledger import connections as tenants
from connector.ledger.naming import whole_name
from connector.uploads.store import Store

log = structlog.get_logger()

# A file that no import names may be of one that is just coming in (seconds).
_SETTLED = 3_600.0


def sweep(ledger: Ledger, store: Store, days: int, now: int) -> None:
    """Files of imports that are older than so many days (0: kept for ever) and of which nothing waits are dropped, and
    files that no import names."""
    if days:
        with ledger.write() as connection:
            importing.forget_files(connection, now - days * DAY)
    with ledger.read() as connection:
        named = importing.files_kept(connection)
    for connection_id, digest, kept_at in store.every():
        if (connection_id, digest) not in named and time.time() - kept_at > _SETTLED:
            drop_unused(ledger, store, connection_id, digest)


def drop_unused(ledger: Ledger, store: Store, connection_id: str, digest: str) -> None:
    """Drops a file that no import names. An import that begins meanwhile waits, and keeps its file after that."""
    with ledger.write() as connection:
        tenants.locked(connection, connection_id)
        if not importing.names_file(connection, connection_id, digest):
            store.drop(connection_id, digest)


def erase(ledger: Ledger, store: Store, connection_id: str, whos: Collection[str]) -> int:
    """Takes a person out of every file of the connection that names it, and out of what is remembered of files; how
    many files were changed.

    Such a file is written anew with its column names and rows alone. The row of the person stays, empty, so that the
    other rows keep their numbers. A file that cannot be read any more is dropped.
    """
    addresses = [name for name in whos if "@" in name]
    if not addresses:
        return 0
    names = spellings(addresses)
    with ledger.read() as connection:
        files = {row.file: row for row in importing.files_of(connection, connection_id)}
        told = importing.that_name(connection, connection_id, names)
    changed = sum(_erase_in(ledger, store, files[file], addresses) for file in sorted(files))
    if told:
        _forget_names(ledger, connection_id, names)
    return changed


def _forget_names(ledger: Ledger, connection_id: str, names: Collection[str]) -> None:
    """Takes the names out of what is remembered of files."""
    with ledger.write(durable=True) as connection:
        for row in importing.that_name(connection, connection_id, names, lock=True):
            importing.rename(connection, row.id, _without(row.file_name, names), _without(row.reading, names))
    ledger.forget(wait=False)


def _erase_in(ledger: Ledger, store: Store, of: Any, addresses: Collection[str]) -> bool:
    """Whether the file of this import was changed or dropped."""
    options = ReadOptions(**{name: of.reading[name] for name in asdict(ReadOptions())})
    kept, read = None, dict[str, Any]()
    try:
        with store.local(of.connection_id, of.file) as path:
            named = named_in(path, addresses)
            if named is False:
                return False
            with read_table(path, options) as table:
                person = whole_name(spellings(addresses))
                if not named and not any(_is_about(row, person) for row in table.rows()):
                    return False
                kept, read = _rewritten(store, of.connection_id, table, person), _reading_of(table)
    except FileNotFoundError:  # dropped just now
        return False
    except Problem as problem:
        if problem.code == "files_unavailable":  # a full disk: the erasure is to be asked for again
            raise
        log.warning("file_dropped", connection=of.connection_id, reason=problem.code)
    with ledger.write(durable=True) as connection:
        importing.replace_file(connection, of.connection_id, of.file, kept, read)
    if kept == of.file:
        return False
    drop_unused(ledger, store, of.connection_id, of.file)
    return True


def _is_about(row: Row, person: Pattern[str]) -> bool:
    return any(_names(cell, person) for cell in row.cells)


def _names(cell: Cell, person: Pattern[str]) -> bool:
    return isinstance(cell, str) and "@" in cell and person.search(clean(cell)) is not None


def _rewritten(store: Store, connection_id: str, table: Table, person: Pattern[str]) -> str:
    """Keeps the table without this person; the new hash."""
    with store.incoming() as coming:
        for chunk in written(_rows_without(table, person), table.dialect or PLAIN):
            coming.write(chunk)
        digest = coming.finish()
        store.keep(connection_id, coming, digest)
    return digest


def _rows_without(table: Table, person: Pattern[str]) -> Iterator[Sequence[str]]:
    if table.header_line is not None:
        yield [ERASED if _names(name, person) else name for name in table.headers]
    nobody = [ERASED, *("" for _ in table.columns[1:])]
    for row in table.rows():
        yield nobody if _is_about(row, person) else [as_text(cell) for cell in _until_its_end(row)]


def _until_its_end(row: Row) -> Sequence[Any]:
    """The cells that a row has: what is absent after its end is no empty cell."""
    cells = list(row.cells)
    while len(cells) > 1 and cells[-1] is None:
        cells.pop()
    return cells


def _reading_of(table: Table) -> dict[str, Any]:
    dialect = table.dialect or PLAIN
    header = 1 if table.header_line is not None else False
    return {"separator": dialect.separator, "encoding": dialect.encoding, "header": header, "sheet": None}


def _without(said: Any, names: Collection[str]) -> Any:
    """What was remembered, without these names in it. What follows the last dot of a file's name is its kind."""
    person = whole_name(names)
    if isinstance(said, str):
        stem, dot, kind = person.sub(ERASED, said).rpartition(".")
        return person.sub(ERASED, stem) + dot + kind
    return json.loads(person.sub(ERASED, json.dumps(said, ensure_ascii=False)))
