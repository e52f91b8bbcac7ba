"""Writing CSV files: in the dialect of the file that they came from, and safe to be opened in a spreadsheet. Pure."""

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import Any

from connector.files.table import Cell, Dialect

# What is written where there is no file to be like: as spreadsheets and Crisp's import take it.
PLAIN = Dialect(",", encoding="utf-8", line_end="\r\n")
_MARKS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
_AT_ONCE = 200
# Quotation marks are put around a cell that has a part of the line's end, so the writer is given all that ends one.
_BREAK = "\r\n"
# Stands in the place of a person who was taken out of a file that is kept; the row has nothing else.
ERASED = "(erased)"


def written(rows: Iterable[Sequence[str]], dialect: Dialect = PLAIN) -> Iterator[bytes]:
    """Rows of cells as the bytes of a CSV file, some at a time; a character that the encoding lacks becomes `?`."""
    encoding = codecs.lookup(dialect.encoding).name
    if dialect.bom:
        yield _MARKS.get(encoding, b"")
    buffer, each = StringIO(newline=""), iter(rows)
    writer = csv.writer(
        buffer,
        delimiter=dialect.separator,
        doublequote=not dialect.escaped,
        escapechar="\\" if dialect.escaped else None,
        quoting=csv.QUOTE_ALL if dialect.quote_all else csv.QUOTE_MINIMAL,
        lineterminator=_BREAK,
    )
    while some := list(islice(each, _AT_ONCE)):
        yield "".join(_line(writer, buffer, row) + dialect.line_end for row in some).encode(encoding, "replace")


def _line(writer: Any, buffer: StringIO, row: Sequence[str]) -> str:
    writer.writerow(row)
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.removesuffix(_BREAK)


def as_text(cell: Cell) -> str:
    """A cell as a CSV file has it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return "" if cell is None else str(cell)
