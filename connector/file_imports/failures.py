"""What failed of a file, as a file of the same kind: its columns and why, to be corrected and imported again."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from connector import outcomes
from connector.file_imports.accepting import kept, mapping_of
from connector.files.matching import FAILURE_COLUMNS
from connector.files.safe import bare, guarded
from connector.files.table import Cell, Row, Table
from connector.files.writing import ERASED, PLAIN, as_text, written
from connector.ledger import records
from connector.services import Services

_AT_ONCE = 500


def failures(services: Services, row: Any) -> Iterator[bytes]:
    """The bytes of the file: rejected and dead rows of an import, in its order and dialect, with `error_code`,
    `error_field` and `error_message`. Raises, before anything is read, `import_without_file` and `file_forgotten`."""
    stack = ExitStack()
    table = stack.enter_context(kept(services, row))

    def read() -> Iterator[bytes]:
        with stack:
            yield from written(_rows(services, row, table), table.dialect or PLAIN)

    return read()


def _rows(services: Services, row: Any, table: Table) -> Iterator[Sequence[str]]:
    yield [*header(table, mapping_of(row)), *FAILURE_COLUMNS]
    failed = _failed(services, row.id)
    wanted = next(failed, None)
    for each in table.rows():
        if wanted is None:
            return
        if each.number == wanted.row:
            if not _is_erased(each):
                yield [*cells_of(each, table), *_why(services, wanted), *surplus(each, table)]
            wanted = next(failed, None)


def _is_erased(row: Row) -> bool:
    """Whether nothing is left to be corrected: the person was erased."""
    return row.cells[0] == ERASED and not any(row.cells[1:])


def header(table: Table, mapping: Any) -> Sequence[str]:
    """The column names as they stand in the file; where there are none, what each column feeds, else its number."""
    if table.header_line is not None:
        return [guarded(bare(table.headers[place])) for place in _places(table)]
    feeds = {column: field for field, columns in reversed(list(mapping.items())) for column in columns}
    return [feeds.get(name, name) for name in table.columns]


def cells_of(row: Row, table: Table) -> list[str]:
    """The cells of a row, one for each column, none of them a formula."""
    cells = dict(enumerate(row.cells))
    return [_safe(cells.get(place)) for place in _places(table)]


def _places(table: Table) -> Sequence[int]:
    """The columns, without the reasons of the time before in a file of failures that has failures again."""
    again = set(FAILURE_COLUMNS).issubset(table.columns)
    return [place for place, name in enumerate(table.columns) if not (again and name in FAILURE_COLUMNS)]


def surplus(row: Row, table: Table) -> list[str]:
    """Cells beyond the columns. They stand at the end, so that the row stays rejected until somebody has seen to it."""
    return [_safe(cell) for cell in row.cells[len(table.columns) :]]


def _safe(cell: Cell) -> str:
    return guarded(bare(as_text(cell)))


def _failed(services: Services, import_id: str) -> Iterator[Any]:
    after = 0
    while True:
        with services.ledger.read() as connection:
            found = records.failed(connection, import_id, after=after, limit=_AT_ONCE)
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = found[-1].row


def _why(services: Services, record: Any) -> tuple[str, str, str]:
    field = outcomes.field_of(record, services.manifest.fields)
    return record.code or "", guarded(field or ""), guarded(outcomes.message_of(record))
