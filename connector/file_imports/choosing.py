"""Choosing how a file is read: by the mapping that was given, by a saved one that fits, or, for rows that failed
before, as the whole file was read that they come from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from connector.convert.given import DateOrder
from connector.errors import Detail, Problem
from connector.files.matching import FAILURE_COLUMNS, fits, missing_columns
from connector.files.table import Table
from connector.intake.options import read_mapping
from connector.ledger import importing, requests
from connector.manifest import Manifest
from connector.mapping import UserMapping
from connector.notes import Note
from connector.saying import say

# Imports that are looked through for the one whose rows come back, the newest first.
_IMPORTS = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """`saved`: name of the saved mapping that was found by itself or named. Of rows that come back, `country`,
    `timezone` and `date_orders` (column → how it writes days) as they were for the whole; `notes`: what to say."""

    mapping: UserMapping = ()
    saved: str | None = None
    country: str | None = None
    timezone: str | None = None
    date_orders: Mapping[str, DateOrder] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def chosen(
    connection: Connection,
    connection_id: str,
    table: Table,
    manifest: Manifest,
    *,
    given: UserMapping,
    named: str | None,
) -> Chosen:
    """How this table is read. `given`: a mapping that came with it; `named`: the name of a saved one. Raises `Problem`
    mapping_missing, mapping_column_missing."""
    if given:
        _check_columns(given, table)
        return replace(_before(connection, connection_id, table, manifest), mapping=given, saved=None, notes=())
    if named is not None:
        row = requests.get_mapping(connection, connection_id, named)
        if row is None:
            raise Problem("mapping_missing")
        mapping = read_mapping(row, manifest)
        _check_columns(mapping, table)
        return Chosen(mapping, named)
    before = _before(connection, connection_id, table, manifest)
    return before if before.mapping else _saved(connection, connection_id, table, manifest)


def _saved(connection: Connection, connection_id: str, table: Table, manifest: Manifest) -> Chosen:
    """By the saved mapping that fits best. Numbers fit every file that has no column names, so there none is taken."""
    if table.header_line is None:
        return Chosen()
    rows = requests.list_mappings(connection, connection_id)
    found = [(read_mapping(row.rows, manifest), row.name) for row in rows]
    fitting = [(mapping, name) for mapping, name in found if fits(mapping, table)]
    if not fitting:
        return Chosen()
    mapping, name = max(fitting, key=lambda each: len(each[0]))
    return Chosen(
        mapping,
        name,
        notes=(_note("saved_mapping_used", say("The saved mapping {name} fits and was used.", name=name)),),
    )


def _before(connection: Connection, connection_id: str, table: Table, manifest: Manifest) -> Chosen:
    """As the newest import of a file with the same columns was read, when these are rows of it that failed: a few rows
    show less of their columns than the whole."""
    if not set(FAILURE_COLUMNS).issubset(table.columns):
        return Chosen()
    alike = columns_hash(table)
    for row in importing.list_imports(connection, connection_id, before=None, limit=_IMPORTS):
        if row.reading and row.reading.get("columns") == alike:
            return _as_then(row.reading, row.file_name, manifest)
    return Chosen()


def _as_then(reading: Mapping[str, Any], name: str, manifest: Manifest) -> Chosen:
    told = say("These rows are read as {name} was, of which they failed.", name=name)
    return Chosen(
        read_mapping(reading["mapping"], manifest),
        None,
        reading["country"],
        reading["timezone"],
        reading["date_orders"],
        (_note("read_as_before", told),),
    )


def _note(code: str, message: str) -> Note:
    return Note("info", None, code, message)


def columns_hash(table: Table) -> str:
    """The column names as one value, without those that a failures file has beside them."""
    names = [name for name in table.columns if name not in FAILURE_COLUMNS]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def _check_columns(mapping: UserMapping, table: Table) -> None:
    missing = missing_columns(mapping, table)
    if not missing:
        return
    columns = ", ".join(table.columns[:20])
    problems = [
        Problem("mapping_column_missing", column=column, field=field_, columns=columns) for field_, column in missing
    ]
    problems[0].errors = tuple(Detail(each.message, each.code, each.facts["field"]) for each in problems)
    raise problems[0]
