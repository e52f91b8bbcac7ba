"""Layout: where among the records of a file the column names are, where the rows begin and where they end."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, dropwhile, islice

from connector.errors import Detail, Problem
from connector.files.table import Cell, Ending, Row
from connector.saying import say

# The line where a record starts, and its cells; none when all are empty.
Record = tuple[int, Sequence[Cell]]
# Whether a text is a name of the email column.
IsEmailName = Callable[[str], bool]
# Cells and columns → the cells made right, none when nothing is left, and the notes of it.
Mend = Callable[[Sequence[Cell], Sequence[str]], tuple[Sequence[Cell], tuple[tuple[str, str], ...]]]

# Among so many records the column names are looked for.
SEARCHED = 20
# So many records can be a footer. More are rows, and need not be held back.
_LONGEST_FOOTER = 50
_LONGEST_NAME = 100
_EMAIL = re.compile(r"\s*[^@\s]{1,64}@[^@\s]{1,189}\.[^@\s.]{1,63}\s*")
_ZONE = r"(?:UTC|GMT|[ECMP][SD]T|[CEW]ES?T|BST|IST|JST|AE[SD]?T)(?:\s?[+-]\d{1,2}(?::?\d\d)?)?"
_PLACE = r"(?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)/\w+"
# A trailing unit that says how the values are meant, not what they are.
_UNIT = re.compile(rf"\s*\((?:{_ZONE}|{_PLACE}|metadata|\w+\.metafields\.[^()]*)\)$")


@dataclass(frozen=True, slots=True)
class Layout:
    """`after`: rows are the records that start below this line. `headers`: names as they stand, none without."""

    columns: tuple[str, ...]
    headers: tuple[str, ...]
    header_line: int | None
    preamble: int
    after: int


def layout_of(records: Iterable[Record], header: bool | int | None, is_email_name: IsEmailName) -> Layout:
    """The layout of a file. `header`: False: it has no column names; a number: the line where they stand; True: it
    has some; None: find out. Raises `Problem` file_empty, and parameter_invalid for a line where none begins."""
    if header is not None and not isinstance(header, bool):
        return _with_header(_at_line(records, header))
    head = list(islice(filled(records), SEARCHED))
    if not head:
        raise Problem("file_empty")
    if header is False:
        return _without_header(head)
    named = named_record(head, is_email_name)
    if named is not None:
        return _with_header(head[named])
    first = _first_wide(head)
    if header is None and _holds_email(head[first][1]):
        return _without_header(head[first:])
    return _with_header(head[first])


def filled(records: Iterable[Record]) -> Iterator[Record]:
    """The records that are not empty."""
    return (record for record in records if record[1])


def _at_line(records: Iterable[Record], line: int) -> Record:
    for record in records:
        if record[0] == line and record[1]:
            return record
        if record[0] > line:
            break
    told = say("no record begins in line {line}. Give the line where the column names stand, from 1.", line=line)
    raise Problem("parameter_invalid", errors=[Detail(told, "invalid", "header")])


def _with_header(record: Record) -> Layout:
    line, cells = record
    headers = tuple("" if cell is None else str(cell) for cell in cells)
    return Layout(column_names(headers), headers, line, line - 1, line)


def _without_header(head: Sequence[Record]) -> Layout:
    """Columns are numbers; as many as most records have, and the more of two."""
    widths = Counter(len(cells) for _, cells in head)
    width = max(widths, key=lambda width: (widths[width], width))
    above = head[0][0] - 1
    return Layout(tuple(str(number) for number in range(1, width + 1)), (), None, above, above)


def named_record(head: Sequence[Record], is_email_name: IsEmailName) -> int | None:
    """The first record in which a whole cell names the email column; one of several cells before a single cell.

    It is not one that holds an address as well, or stands below one that does and is as wide: those are rows, in
    which somebody prefers "Email" to "Phone".
    """
    alone, widest_row = None, 0
    for index, (_, cells) in enumerate(head):
        if _holds_email(cells):
            widest_row = max(widest_row, _reach(cells))
        elif _reach(cells) > widest_row and any(_is_name(cell, is_email_name) for cell in cells):
            if _count(cells) > 1:
                return index
            alone = index if alone is None else alone
    return alone


def _first_wide(head: Sequence[Record]) -> int:
    """The first record that is no title: it has several cells, where records have several."""
    least = min(2, _usual_width(head))
    return next((index for index, (_, cells) in enumerate(head) if _count(cells) >= least), 0)


def _usual_width(head: Sequence[Record]) -> int:
    """To which column most records reach."""
    return Counter(_reach(cells) for _, cells in head).most_common(1)[0][0]


def _is_name(cell: Cell, is_email_name: IsEmailName) -> bool:
    return isinstance(cell, str) and len(cell) <= _LONGEST_NAME and is_email_name(cleaned(cell))


def _holds_email(cells: Sequence[Cell]) -> bool:
    return any(isinstance(cell, str) and _EMAIL.fullmatch(cell) for cell in cells)


def is_blank(cell: Cell) -> bool:
    """Whether a cell says nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _count(cells: Sequence[Cell]) -> int:
    return sum(not is_blank(cell) for cell in cells)


def _reach(cells: Sequence[Cell]) -> int:
    return next((index for index in range(len(cells), 0, -1) if not is_blank(cells[index - 1])), 0)


def column_names(headers: Sequence[str]) -> tuple[str, ...]:
    """Names of columns from their headers: cleaned, an empty one its number, and no two alike."""
    names: dict[str, None] = {}
    for number, header in enumerate(headers, 1):
        name = cleaned(header) or str(number)
        again = (f"{name} ({count})" for count in range(2, len(headers) + 2))
        names[next(each for each in chain((name,), again) if each not in names)] = None
    return tuple(names)


def cleaned(header: str) -> str:
    """A header without white space around it, marks and symbols before it, and a unit behind it."""
    name = " ".join(header.replace("\0", "").split())
    start = next((index for index, char in enumerate(name) if not _is_mark(char)), len(name))
    return _UNIT.sub("", name[start:].strip("\ufeff\u200b ")) or name


def _is_mark(char: str) -> bool:
    """An emoji or symbol, a bullet, or what joins and varies them."""
    return char.isspace() or char in "*#•·" or unicodedata.category(char) in ("So", "Sk", "Sm", "Sc", "Mn", "Me", "Cf")


def rows_of(
    records: Iterable[Record], layout: Layout, ending: Ending, mend: Mend | None = None, separator: str = ""
) -> Iterator[Row]:
    """The records below the column names as rows. Says in `ending` what they end with. `separator`: of a text."""
    columns, width, number = layout.columns, len(layout.columns), 0
    below = dropwhile(lambda record: record[0] <= layout.after, records)
    for line, cells in _without_footer(below, ending) if width > 1 else filled(below):
        notes: tuple[tuple[str, str], ...] = ()
        if mend is not None:
            cells, notes = mend(cells, columns)
            if not cells:
                continue
        number += 1
        row = Row(number, line, tuple(cells), None, notes)
        if line in ending.spanning:
            ending.spanning.remove(line)
            row = row._replace(code="quote_suspect") if _swallows(cells, separator, width) else row
        yield row if len(cells) == width and line != ending.unclosed else _fitted(row, width, ending)


def _swallows(cells: Sequence[Cell], separator: str, width: int) -> bool:
    """Whether a cell has whole rows in it: a line with an address and as many separators as a row has. That is a
    quotation mark which opens and does not close where it should, and people would be lost in it."""
    lines = (line for cell in cells if isinstance(cell, str) for line in cell.splitlines()[1:])
    return width > 1 and any(line.count(separator) >= width - 1 and _has_address(line, separator) for line in lines)


def _has_address(line: str, separator: str) -> bool:
    """Whether a word is an address: an @ alone is a mention, or nothing."""
    return "@" in line and any(_EMAIL.fullmatch(word) for word in line.replace(separator, " ").split())


def _fitted(row: Row, width: int, ending: Ending) -> Row:
    """A row that is longer or shorter than the columns, or whose end is not known."""
    cells, extra = row.cells[:width], row.cells[width:]
    if row.line == ending.unclosed:
        return row._replace(code="quote_unclosed")
    if row.code is None and any(not is_blank(cell) for cell in extra):
        return row._replace(code="row_malformed")
    return row._replace(cells=cells + (None,) * (width - len(cells)))


def first_of(rows: Iterator[Row], ending: Ending) -> tuple[Row, ...]:
    """The first rows. Raises `Problem` when there is none, and what reading them raises."""
    first = tuple(islice(rows, SEARCHED))
    if not first and ending.unclosed is not None:
        raise Problem("header_unclosed", line=ending.unclosed)
    if not first:
        raise Problem("file_no_rows")
    return first


def _without_footer(records: Iterator[Record], ending: Ending) -> Iterator[Record]:
    for record in records:
        if record[1]:
            yield record
        else:
            yield from _after_gap(record[0], records, ending)


def _after_gap(gap: int, records: Iterator[Record], ending: Ending) -> Iterator[Record]:
    """What follows an empty record: nothing, if single cells without an address go on to the end of the file."""
    held: list[Record] = []
    most = _LONGEST_FOOTER
    for record in filled(records):
        remark = _is_remark(record[1])
        held.append(record)
        if len(held) > most or not remark:
            yield from held
            held, most = [], 0  # too much for a footer: from here on each is a row
        if not remark:
            return
    if held:
        ending.footer = gap


def _is_remark(cells: Sequence[Cell]) -> bool:
    """Whether only one cell says something, and that is no address."""
    told = [cell for cell in cells if not is_blank(cell)]
    return len(told) == 1 and "@" not in str(told[0])
