"""Workbooks: a sheet of an XLSX, XLS or ODS file as a table."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any

from connector.body import size
from connector.errors import Problem
from connector.files import sheets
from connector.files.content import Content, temporary
from connector.files.layout import IsEmailName, Record, first_of, layout_of, rows_of
from connector.files.limits import MOST_CHARACTERS, MOST_COLUMNS, Limits
from connector.files.options import ReadOptions
from connector.files.table import Ending, Row, Table
from connector.saying import say

_NAMES = {"xlsx": say("an XLSX workbook"), "xls": say("an XLS workbook"), "ods": say("an ODS workbook")}
# The reading process gets nothing of the environment that it has no use for, above all no keys.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH")
# How a process ends that needed more than it may, on its own account or on the system's.
_TOO_MUCH = (sheets.TOO_MUCH, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGXCPU)


def table_of(content: Content, kind: str, options: ReadOptions, is_email_name: IsEmailName, limits: Limits) -> Table:
    """The table that a sheet of this workbook is: the one that was asked for, or the first visible one with cells.

    The sheet is read whole once, in a process of its own (see `sheets`), and kept as a temporary file of its rows.
    Raises `Problem` when there is no table.
    """
    spool = _spooled(content, kind, options.sheet, limits)
    content.close()
    about = next(_lines(spool))
    layout = layout_of(_records(spool), options.header, is_email_name)
    ending = Ending()

    def rows() -> Iterator[Row]:
        return rows_of(_records(spool), layout, ending)

    return Table(
        kind=kind,
        columns=layout.columns,
        headers=layout.headers,
        header_line=layout.header_line,
        preamble=layout.preamble,
        rows=rows,
        first_rows=first_of(rows(), ending),
        ending=ending,
        sheet=about["sheet"],
        sheets=tuple(about["sheets"]),
        close=spool.close,
    )


def _spooled(content: Content, kind: str, sheet: str | None, limits: Limits) -> Content:
    """The records of a sheet, as `sheets` writes them."""
    asked = {
        "sheet": sheet,
        "memory": limits.memory,
        "spooled": limits.spooled,
        "columns": MOST_COLUMNS,
        "characters": MOST_CHARACTERS,
    }
    command = [sys.executable, "-I", str(Path(sheets.__file__)), json.dumps(asked)]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"RUST_BACKTRACE": "0"}
    with temporary() as spool:
        ended = subprocess.run(  # noqa: S603 our own program
            command, stdin=content.descriptor, stdout=spool, stderr=subprocess.PIPE, env=environment, check=False
        )
        if ended.returncode:
            raise _problem(ended.returncode, ended.stderr, kind, limits)
        return Content.shared(spool)


def _problem(code: int, errors: bytes, kind: str, limits: Limits) -> Problem:
    """Why a workbook was not read, by how the process ended."""
    if code == sheets.REFUSED:
        told = json.loads(errors.rpartition(b"\n")[2])
        return Problem(told["problem"], **told["facts"])
    if code in _TOO_MUCH:
        return Problem("file_bomb", limit=say("{size} of memory", size=size(limits.memory)))
    return Problem("file_broken", found=_NAMES[kind])


def _lines(spool: Content) -> Iterator[Any]:
    with TextIOWrapper(spool.open(), "ascii") as lines:
        yield from map(json.loads, lines)


def _records(spool: Content) -> Iterator[Record]:
    return enumerate(islice(_lines(spool), 1, None), 1)
