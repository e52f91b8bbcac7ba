"""The program that reads a workbook, in a process of its own: what a hostile file does to it, it does to it alone.

A workbook of one kilobyte can say that its last cell is in row 1,048,576 of column 16,384. The library asks for the
memory of all cells between; where there is none, the process is aborted, and nothing can catch that. So it runs with
limits, as `python sheets.py ARGUMENTS < workbook > records`, and imports nothing of the connector.

What it writes is JSON, a line each: first `{sheets, sheet}`, then the cells of every row of the sheet from row 1, `[]`
for an empty one. It ends with 0, with `REFUSED` (the problem is the last line on standard error), or with
`TOO_MUCH`; with anything else the workbook could not be read.
"""

import errno
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import python_calamine as calamine

REFUSED, TOO_MUCH = 2, 3
_WORKBOOK = "/dev/stdin"
_SECONDS = 300
# A number up to here is exact, so without a fraction it is a whole number.
_EXACT = 2**53
_CHUNK, _LONGEST_CELL = 1 << 20, 4_096
_ERROR = re.compile(rb'<c (?=[^<>]*\bt="e")[^<>]*\br="([A-Z]{1,3})(\d{1,7})"[^<>]*>(?:(?!</c>).)*?<v>([^<]{1,20})</v>')

Cell = str | int | float | bool


class Refused(Exception):
    """The workbook cannot be taken: the code of a problem, and its facts."""

    def __init__(self, problem: str, **facts: Any) -> None:
        super().__init__(problem)
        self.told = {"problem": problem, "facts": facts}


def main() -> int:
    """Reads the workbook on standard input. The argument: `{sheet, memory, spooled, columns, characters}`."""
    asked = json.loads(sys.argv[1])
    _confine(asked["memory"], asked["spooled"])
    try:
        _write(asked)
    except Refused as refused:
        sys.stderr.write(f"\n{json.dumps(refused.told)}")
        return REFUSED
    except MemoryError:
        return TOO_MUCH
    return 0


def _confine(memory: int, spooled: int) -> None:
    """Limits what this process may use. No core is dumped: it would hold the workbook."""
    of = resource
    limits = ((of.RLIMIT_AS, memory), (of.RLIMIT_FSIZE, spooled), (of.RLIMIT_CPU, _SECONDS), (of.RLIMIT_CORE, 0))
    for what, limit in limits:
        with suppress(ValueError, OSError):  # there may be a narrower one, or no such limit on this system
            resource.setrlimit(what, (limit, limit))


def _write(asked: dict[str, Any]) -> None:
    try:
        for line in _lines(asked):
            sys.stdout.write(line)
            sys.stdout.write("\n")
        sys.stdout.flush()
    except calamine.PasswordError:
        raise Refused("file_password") from None
    except OSError as problem:
        if problem.errno == errno.EFBIG:
            raise MemoryError from None
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused("files_unavailable", reason=problem.strerror) from None
        raise


def _lines(asked: dict[str, Any]) -> Iterator[str]:
    with calamine.CalamineWorkbook.from_path(_WORKBOOK) as book:
        sheets = [each for each in book.sheets_metadata if each.typ == calamine.SheetTypeEnum.WorkSheet]
        names = [sheet.name for sheet in sheets]
        visible = [each.name for each in sheets if each.visible == calamine.SheetVisibleEnum.Visible]
        sheet = _named(book, names, asked["sheet"]) if asked["sheet"] else _first(book, visible)
        yield json.dumps({"sheets": names, "sheet": sheet.name})
        if sheet.start is not None and sheet.width > asked["columns"]:
            raise Refused("file_too_many_columns", line=sheet.start[0] + 1, limit=asked["columns"])
        yield from _rows(sheet, _errors(sheet), asked["characters"])


def _named(book: calamine.CalamineWorkbook, names: list[str], wanted: str) -> calamine.CalamineSheet:
    """The sheet of this name, written as it is or in other case."""
    alike = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
    if not alike:
        raise Refused("sheet_missing", names=", ".join(names))
    return book.get_sheet_by_name(wanted if wanted in alike else alike[0])


def _first(book: calamine.CalamineWorkbook, names: Iterable[str]) -> calamine.CalamineSheet:
    """The first of these sheets that has cells."""
    for name in names:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is not None:
            return sheet
    raise Refused("file_empty")


def _rows(sheet: calamine.CalamineSheet, errors: dict[int, dict[int, str]], characters: int) -> Iterator[str]:
    first_column = sheet.start[1] if sheet.start else 0
    for number, read in enumerate(sheet.iter_rows(), 1):
        cells = [cell if type(cell) is str else plain(cell) for cell in read]
        for column, error in errors.get(number, {}).items():
            if 0 <= column - first_column < len(cells):
                cells[column - first_column] = error
        line = json.dumps(cells) if any(is_filled(cell) for cell in cells) else "[]"
        if len(line) > characters and any(len(cell) > characters for cell in cells if isinstance(cell, str)):
            raise Refused("cell_too_long", line=number, limit=characters)
        yield line


def is_filled(cell: Cell) -> bool:
    """Whether a cell says something."""
    return not isinstance(cell, str) or bool(cell.strip())


def plain(cell: Any) -> Cell:
    """A cell as JSON has it: a date as ISO 8601, a time and a duration as text, a number without its `.0`."""
    if isinstance(cell, bool | int | str):
        return cell
    if isinstance(cell, float):
        return int(cell) if abs(cell) <= _EXACT and cell == int(cell) else cell
    if isinstance(cell, datetime):
        return _rounded(cell).isoformat()
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return str(cell.isoformat()) if isinstance(cell, date) else str(cell)


def _rounded(moment: datetime) -> datetime:
    """A moment to the second: a spreadsheet counts days, so its seconds come out a little before or after."""
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)


def _errors(sheet: calamine.CalamineSheet) -> dict[int, dict[int, str]]:
    """Row → column from 0 → the error it holds. The library gives them as empty cells, and an empty cell is a wish to
    empty something. Only of XLSX: in other kinds they stay empty."""
    found: dict[int, dict[int, str]] = {}
    with (
        suppress(zipfile.BadZipFile, KeyError, StopIteration, ElementTree.ParseError),
        zipfile.ZipFile(_WORKBOOK) as book,
        book.open(_part(book, sheet.name)) as part,
    ):
        for column, row, error in _errors_in(iter(lambda: part.read(_CHUNK), b"")):
            found.setdefault(row, {})[column] = error
    return found


def _errors_in(chunks: Iterator[bytes]) -> Iterator[tuple[int, int, str]]:
    rest = b""
    for chunk in chunks:
        rest += chunk
        if b't="e"' in rest:
            for letters, row, error in _ERROR.findall(rest):
                yield _column(letters), int(row), error.decode()
        rest = rest[-_LONGEST_CELL:]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _part(book: zipfile.ZipFile, name: str) -> str:
    """The part of an XLSX that holds this sheet. Raises `KeyError` or `StopIteration` when it has none."""
    # Both are small, and this process may use no more than its limit.
    sheets = ElementTree.fromstring(book.read("xl/workbook.xml")).iterfind(".//{*}sheet")  # noqa: S314
    sheet = next(each for each in sheets if each.get("name") == name)
    wanted = next(value for key, value in sheet.items() if key.endswith("}id"))
    targets = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    target = next(each.get("Target", "") for each in targets if each.get("Id") == wanted)
    return target[1:] if target.startswith("/") else f"xl/{target}"


if __name__ == "__main__":
    sys.exit(main())
