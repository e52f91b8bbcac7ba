"""What failed of a file, as a file of the same kind: its columns and why, to be corrected and imported again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from connector import outcomes
from connector.file_imports.accepting import kept, mapping_of
from connector.files.matching import FAILURE_COLUMNS
from connector.files.safe import bare, guarded
from connector.files.table import Cell, Row, Table
from connector.files.writing import ERASED, PLAIN, as_text, written
from connector.ledger import records
from connector.mapping import IGNORED
from connector.services import Services

# Code, field and message.
Why = tuple[str, str, str]

_AT_ONCE = 500
# What automation tools and people write where there is nothing.
_NOTHING = "N/A"


def failures(services: Services, row: Any) -> Iterator[bytes]:
    """The bytes of the file: rejected and dead rows of an import, in its order and dialect, with `error_code`,
    `error_field` and `error_message`. Raises, before anything is read, `import_without_file` and `file_forgotten`."""
    stack = ExitStack()
    table = stack.enter_context(kept(services, row))

    def read() -> Iterator[bytes]:
        with stack:
            yield from written(annotated(table, mapping_of(row), _failed(services, row.id)), table.dialect or PLAIN)

    return read()


def annotated(
    table: Table, mapping: Mapping[str, Sequence[str]], failed: Iterator[tuple[int, Why]]
) -> Iterator[Sequence[str]]:
    """The header and the rows of these numbers (ascending) as they stand in the table, each with why it failed."""
    yield [*header(table, mapping), *FAILURE_COLUMNS]
    wanted = next(failed, None)
    for row in table.rows():
        if wanted is None:
            return
        if row.number == wanted[0]:
            if not _is_erased(row):
                yield [*cells_of(row, table, mapping), *map(guarded, wanted[1]), *surplus(row, table)]
            wanted = next(failed, None)


def _is_erased(row: Row) -> bool:
    """Whether nothing is left to be corrected: the person was erased."""
    return row.cells[0] == ERASED and not any(row.cells[1:])


def header(table: Table, mapping: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The column names as they stand in the file; where there are none, what each column feeds, else its number."""
    if table.header_line is not None:
        return [guarded(bare(table.headers[place])) for place in _places(table)]
    named = [(field, columns) for field, columns in mapping.items() if field != IGNORED]
    feeds = {column: field for field, columns in reversed(named) for column in columns}
    return [feeds.get(name, name) for name in table.columns]


def cells_of(row: Row, table: Table, mapping: Mapping[str, Sequence[str]]) -> list[str]:
    """The cells of a row, one for each column, none of them a formula. Custom data after the end of a short row is
    `N/A`, which says nothing: an empty cell would remove it when the file comes back."""
    cells = dict(enumerate(row.cells))
    data = {name for field, names in mapping.items() if field.startswith("data.") for name in names}
    absent = [place for place in _places(table) if cells.get(place) is None and table.columns[place] in data]
    return [_NOTHING if place in absent else _safe(cells.get(place)) for place in _places(table)]


def _places(table: Table) -> Sequence[int]:
    """The columns, without the reasons of the time before in a file of failures that has failures again."""
    again = set(FAILURE_COLUMNS).issubset(table.columns)
    return [place for place, name in enumerate(table.columns) if not (again and name in FAILURE_COLUMNS)]


def surplus(row: Row, table: Table) -> list[str]:
    """Cells beyond the columns. They stand at the end, so that the row stays rejected until somebody has seen to it."""
    return [_safe(cell) for cell in row.cells[len(table.columns) :]]


def _safe(cell: Cell) -> str:
    return guarded(bare(as_text(cell)))


def _failed(services: Services, import_id: str) -> Iterator[tuple[int, Why]]:
    after = 0
    while True:
        with services.ledger.read() as connection:
            found = records.failed(connection, import_id, after=after, limit=_AT_ONCE)
        yield from ((each.row, _why(services, each)) for each in found)
        if len(found) < _AT_ONCE:
            return
        after = found[-1].row


def _why(services: Services, record: Any) -> Why:
    field = outcomes.field_of(record, services.manifest.fields)
    return record.code or "", field or "", outcomes.message_of(record)
