"""A table: what every kind of file is read as. Values only; who reads it is `reading`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple

# What a cell holds: a text, or what a spreadsheet means by it. A date of a sheet is ISO 8601 here. None: the row ends
# before this column, so nothing is said of it.
Cell = str | int | float | bool | None


class Row(NamedTuple):
    """One row of data. `number` counts from 1, empty records left out; `line` is the physical line of the file (of the
    sheet, for a workbook) where it starts, from 1. `cells`: one for each column, and more only when there is a code.
    `code`: why it can be nobody (row_malformed, quote_unclosed, quote_suspect); `notes`: (code, what its `{path}`
    stands for: the column, or the encoding) of what happened to its cells while they were read."""

    number: int
    line: int
    cells: tuple[Cell, ...]
    code: str | None = None
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that was found out about a file, and why: `utf-8`, `every byte is valid UTF-8`."""

    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written, so that another can be written alike.

    `escaped`: a quotation mark inside a cell stands behind a backslash, instead of being doubled. `quote_all`: every
    cell stands in quotation marks. `encoding`: Python's name; `bom`: the file begins with a byte order mark.
    """

    separator: str
    escaped: bool = False
    quote_all: bool = False
    encoding: str = "utf-8"
    bom: bool = False
    line_end: str = "\r\n"


@dataclass(slots=True)
class Ending:
    """What the rows end with. Known when `rows()` has once come to its end.

    `footer`: the line where lines begin that are no rows (the empty one above them); `unclosed`: the line of the
    record whose quotation mark never closes; `spanning`: lines of records that go over several lines, and that were
    not made rows of yet.
    """

    footer: int | None = None
    unclosed: int | None = None
    spanning: set[int] = field(default_factory=set)


def nothing() -> None:
    """There is nothing to close."""


@dataclass(frozen=True, eq=False)
class Table:
    """A file as rows under columns. A context manager: `close` gives back what it holds, and so does the end of it.

    `kind`: csv, xlsx, xls or ods. `columns`: one name for each, in order, no two alike (`Name`, `Name (2)`; `1`, `2`, …
    without a header), cleaned of marks and units; `headers`: the same as they stand in the file, none without a
    header. `encoding`, `separator`, `quoting` (doubled or escaped), `dialect`: None for a workbook; `sheet` and
    `sheets`: of a workbook. `header_line`: None without a header; `preamble`: lines above the header (the rows) that
    are no rows. `rows()`: all rows, each time from the beginning, without keeping them; it may raise `Problem`.
    `first_rows`: up to 20 of them.
    """

    kind: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]
    header_line: int | None
    preamble: int = 0
    encoding: Choice | None = None
    separator: Choice | None = None
    quoting: str | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    first_rows: tuple[Row, ...] = ()
    headers: tuple[str, ...] = ()
    dialect: Dialect | None = None
    ending: Ending = field(default_factory=Ending)
    close: Callable[[], object] = nothing

    @property
    def footer(self) -> int | None:
        """The line where the footer begins; known when `rows()` has once come to its end."""
        return self.ending.footer

    def __enter__(self) -> "Table":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
