"""`convert`: a file made ready for Crisp's own import, which costs no API call."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from connector.cli.common import as_json, connection_of, explained, messages, of_connection, opened, print_json
from connector.cli.following import bar
from connector.cli.importing import removed_unless_whole, write_file
from connector.cli.showing import several
from connector.cli.tables import came_in, is_address, table_options, wanted_of
from connector.errors import Problem
from connector.file_imports import crisp_ready
from connector.file_imports.accepting import Opened
from connector.file_imports.accepting import opened as opened_file
from connector.file_imports.crisp_ready import Converted
from connector.file_imports.failures import annotated
from connector.files.writing import PLAIN, written
from connector.intake.options import shown_mapping
from connector.ledger import connections as tenants
from connector.services import Services


@click.command()
@click.argument("file")
@click.option("--output", metavar="FILE", help="Default: beside FILE, with -crisp.csv at the end of its name.")
@click.option("--rows-per-file", type=click.IntRange(min=1), help="Write several files of so many contacts.")
@table_options
@of_connection
@as_json
@explained
def convert(
    file: str, output: str | None, rows_per_file: int | None, connection: str | None, json_: bool, **given: Any
) -> None:
    """Make FILE ready for Crisp's own import on its Contacts page: normalised, nobody twice, valid custom data keys.

    That import costs no API call, so it is the way for a file that would take days. Rows that cannot be imported are
    written to a second file, with the reasons. No file that is there already is overwritten.

    \b
    Example:
      crisp-connector convert contacts.csv --rows-per-file 10000
    """
    with opened() as services:
        connection_id = _connection(services, connection)
        wanted = wanted_of(services, connection_id, given)
        with came_in(services, file) as came, opened_file(services, connection_id, came.coming.path, wanted) as read:
            done = _convert(services, read, Path(output) if output else _beside(file, came.name), rows_per_file)
    for path in done.files:
        messages.print(f"Written: {path}")
    if json_:
        told = {"contacts": done.contacts, "rejected": done.rejected, "files": [str(path) for path in done.files]}
        print_json(told)
        return
    rest = f" {several(done.rejected, 'row')} cannot be imported: see {done.files[-1]}." if done.rejected else ""
    contacts = several(done.contacts, "contact")
    messages.print(f"{contacts}. Import them in Crisp: Contacts, Actions, Import contacts.{rest}")


@dataclass(frozen=True, slots=True)
class _Done:
    """Files that were written, that of the rejected rows last, and how many contacts and rejected rows they hold."""

    files: list[Path]
    contacts: int
    rejected: int


def _convert(services: Services, read: Opened, target: Path, per_file: int | None) -> _Done:
    fields = crisp_ready.columns_of(services.manifest.fields)
    with bar() as progress:
        rows = progress.track(read.reading, total=read.reading.count, description="Reading")
        with crisp_ready.of_reading(rows) as converted:
            _check_valid(read, converted)
            paths, count = _write_all(crisp_ready.rows(converted.contacts, fields), target, per_file)
            if converted.count:
                with removed_unless_whole(*paths):
                    paths.append(_write_rejected(read, converted, target))
    return _Done(paths, count, converted.count)


def _connection(services: Services, connection: str | None) -> str:
    """Whose saved mappings are used. Nobody's where no website is connected yet: to convert, none is needed."""
    with services.ledger.read() as open_:
        nobody = not tenants.every(open_)
    return "" if nobody and connection is None else connection_of(services, connection).id


def _check_valid(read: Opened, converted: Converted) -> None:
    """Raises `file_no_valid_row`, as an import does."""
    if converted.count == read.reading.count:
        codes = Counter(code for _, code, _, _ in converted.rejected())
        told = ", ".join(f"{count} × {code}" for code, count in codes.most_common())
        raise Problem("file_no_valid_row", count=converted.count, reasons=told)


def _beside(file: str, name: str) -> Path:
    """Where the result goes: beside the file, or here when that came from an address."""
    target = f"{Path(name).stem}-crisp.csv"
    return Path(target) if is_address(file) else Path(file).with_name(target)


def _write_all(rows: Iterator[Sequence[str]], target: Path, per_file: int | None) -> tuple[list[Path], int]:
    """Writes contacts, in parts if asked, each with the header; the files and how many contacts they have."""
    head, paths, counting = next(rows), list[Path](), _Counting(rows)
    first = next(counting, None)
    while first is not None:
        path = target.with_name(f"{target.stem}-{len(paths) + 1}{target.suffix}") if per_file else target
        part = islice(counting, per_file - 1) if per_file else counting
        with removed_unless_whole(*paths):
            write_file(path, written(chain([head, first], part)))
        paths.append(path)
        first = next(counting, None)
    return paths, counting.count


class _Counting(Iterator[Sequence[str]]):
    """Rows, and how many went by."""

    def __init__(self, rows: Iterator[Sequence[str]]) -> None:
        self._rows, self.count = rows, 0

    def __next__(self) -> Sequence[str]:
        row = next(self._rows)
        self.count += 1
        return row


def _write_rejected(read: Opened, converted: Converted, target: Path) -> Path:
    path = target.with_name(f"{target.stem}-rejected.csv")
    write_file(path, written(_rejected(read, converted), read.table.dialect or PLAIN))
    return path


def _rejected(read: Opened, converted: Converted) -> Iterator[Sequence[str]]:
    """The rows as they stand in the file, with the reasons, as a failures file has them."""
    why = ((row, (code, field or "", message)) for row, code, field, message in converted.rejected())
    return annotated(read.table, shown_mapping(read.match.mapping), why)
