"""Tables: rows of a file as payloads of records, in the names of the columns that somebody wants."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from connector.files.safe import bare
from connector.files.table import Row, Table
from connector.mapping import IGNORED, UserMapping
from connector.notes import Note, note
from connector.record import Record, Value
from connector.sources import Payload

# The source of every file, in the manifests.
SOURCE = "csv"
_CHUNK = 500
# Google Contacts puts several values into a cell with this between, and a star before the names of groups of its own.
_SEVERAL, _SYSTEM = " ::: ", "* "
# Fields whose text is nobody's list.
_PROSE = ("notepad", "description", "address", "data")

# How a cell is taken apart: not at all, into several values, into segments.
_WHOLE, _VALUES, _SEGMENTS = range(3)
Place = tuple[int, str, int]


def payloads(table: Table, mapping: UserMapping) -> Callable[[], Iterator[Payload]]:
    """The rows of the table as records, each time from the beginning; columns that feed nothing are left out."""
    places = _places(table, mapping)

    def read() -> Iterator[Payload]:
        rows = table.rows()
        while chunk := list(islice(rows, _CHUNK)):
            yield Payload(SOURCE, table.kind, [record_of(row, places) for row in chunk], [])

    return read


def _places(table: Table, mapping: UserMapping) -> tuple[Place, ...]:
    """Position and name of each column that is wanted, and how its cells are taken apart."""
    wanted: dict[str, int] = {}
    for field, names in mapping:
        for name in names if field != IGNORED else ():
            wanted[name] = min(wanted.get(name, _SEGMENTS), _apart(field))
    return tuple((place, name, wanted[name]) for place, name in enumerate(table.columns) if name in wanted)


def _apart(field: str) -> int:
    if field == "segments":
        return _SEGMENTS
    return _WHOLE if field.partition(".")[0] in _PROSE else _VALUES


def record_of(row: Row, places: Iterable[Place]) -> Record:
    """One row. A row that is broken is nobody; cells after its end are absent."""
    if row.code is not None:
        return Record(notes=(note(row.code),))
    cells = row.cells
    values: dict[str, Value] = {}
    for place, name, apart in places:
        cell = cells[place]
        if cell is None:
            continue
        if type(cell) is str and cell:
            values[name] = _said(cell, apart)
        else:
            values[name] = cell
    return Record(values, notes=_notes(row) if row.notes else ())


def _said(cell: str, apart: int) -> Value:
    if (apart and _SEVERAL in cell) or (apart == _SEGMENTS and cell[:2] == _SYSTEM):
        parts = cell.split(_SEVERAL)
        return [bare(part) for part in parts if apart != _SEGMENTS or part[:2] != _SYSTEM]
    return bare(cell) if cell[0] == "'" else cell


def _notes(row: Row) -> tuple[Note, ...]:
    return tuple(note(code, about) for code, about in row.notes)
