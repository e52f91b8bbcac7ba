"""Tables for the matching of columns: made of a few cells, or read from the samples."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connector.files.matching import Column, Match, match
from connector.files.table import Cell, Row, Table
from connector.manifest import manifests_root, shipped
from connector.mapping import UserMapping

SAMPLES = Path(str(manifests_root())) / "samples" / "csv"


def table(columns: str | Sequence[str], *rows: Sequence[Cell], header: bool = True) -> Table:
    """A table whose columns are named with a `|` between them."""
    names = tuple(columns.split("|")) if isinstance(columns, str) else tuple(columns)
    read = tuple(Row(number, number + 1, tuple(cells)) for number, cells in enumerate(rows, 1))
    return Table("csv", names, lambda: iter(read), 1 if header else None, headers=names if header else ())


def matched(columns: str | Sequence[str], *rows: Sequence[Cell], given: UserMapping = (), header: bool = True) -> Match:
    """The columns matched, with these rows below them."""
    made = table(columns, *rows, header=header)
    return match(made, shipped(), list(made.rows()), given=given)


def fields(found: Match) -> dict[str, str | None]:
    """Column → the field that it feeds."""
    return {column.name: column.field for column in found.columns}


def column(found: Match, name: str) -> Column:
    """The column of this name."""
    return next(each for each in found.columns if each.name == name)


def expected(file: str) -> dict[str, Any]:
    """What the samples say of this file."""
    read: dict[str, Any] = json.loads((SAMPLES / "expected" / f"{file}.json").read_text(encoding="utf-8"))
    return read


SAMPLE_FILES = sorted(path.name.removesuffix(".json") for path in (SAMPLES / "expected").glob("*.json"))
