"""Dialects: separators by a vote, quoting by what stands in the cells, line ends as they come."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.files.reading import ReadOptions, read_table
from connector.files.table import Dialect

from .writing import cells_of, problem_of, read, text_file

NAMES = ["Email", "Name", "Note"]


@pytest.mark.parametrize(
    ("text", "separator", "reason"),
    [
        ("Email,Name\na@x.com,A\nb@x.com,B\n", ",", "all of the first 3 records have 2 columns with it"),
        ("Email;Name\na@x.com;A\n", ";", "all of the first 2 records have 2 columns with it"),
        ("Email\tName\na@x.com\tA\n", "\t", "all of the first 2 records have 2 columns with it"),
        ("Email|Name\na@x.com|A\n", "|", "all of the first 2 records have 2 columns with it"),
        ("sep=;\nEmail;Name\na@x.com;A\n", ";", "the first line of the file says so"),
        ('"sep=|"\r\nEmail|Name\r\na@x.com|A\r\n', "|", "the first line of the file says so"),
        ("Email\na@x.com\nb@x.com\n", ",", "no separator is in the first records, so there is one column"),
    ],
)
def test_the_separator_is_found_out(tmp_path: Path, text: str, separator: str, reason: str) -> None:
    with read_table(text_file(tmp_path, text)) as table:
        assert table.separator is not None
        assert (table.separator.value, table.separator.reason) == (separator, reason)
        assert table.columns[0] == "Email"
        assert table.first_rows[0].cells[0] == "a@x.com"


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("Nom;Email;Solde\nA;a@x.com;1,5\nB;b@x.com;2,5\nC;c@x.com;3,5\n", ";"),
        ("Name, Vorname;Email\nAda, A;a@x.com\nBob, B;b@x.com\n", ";"),
        ('Email,Tags\na@x.com,"x;y;z"\nb@x.com,"u;v;w"\n', ","),
        ("Email\tNotes\na@x.com\tone, two; three\nb@x.com\tfour, five; six\n", "\t"),
        ('Report, 2024\nof: us, them\n\nEmail;Name\na@x.com;"A, B"\nb@x.com;C\n', ";"),
        ('"Email","Notes"\n"a@x.com","one\ntwo; three;\nfour"\n', ","),
        ("Kontakt;Ort\na@x.com;Köln, Süd\nb@x.com;Bonn, Bad Godesberg\n", ";"),
        ("Email\na@x.com;b@x.com\nc@x.com;d@x.com\n", ","),
    ],
    ids=[
        "decimal commas",
        "comma in a name",
        "lists in cells",
        "prose",
        "preamble",
        "lines in cells",
        "no alias",
        "one",
    ],
)
def test_what_is_no_separator_does_not_win(tmp_path: Path, text: str, separator: str) -> None:
    with read_table(text_file(tmp_path, text)) as table:
        assert table.separator is not None
        assert table.separator.value == separator


@pytest.mark.parametrize(
    ("chosen", "text"), [(";", "a;b"), ("tab", "a\tb"), ("\\t", "a\tb"), ("|", "a|b"), (",", "a,b")]
)
def test_the_separator_can_be_chosen(tmp_path: Path, chosen: str, text: str) -> None:
    with read_table(text_file(tmp_path, f"{text}\n1,1;1|1\t1\n"), ReadOptions(separator=chosen)) as table:
        assert table.columns == ("a", "b")
        assert table.separator is not None
        assert table.separator.reason == "you chose it"


def test_a_chosen_separator_beats_the_first_line_which_is_no_row_all_the_same(tmp_path: Path) -> None:
    with read_table(text_file(tmp_path, "sep=,\na;b,c\n1;2,3\n"), ReadOptions(separator=";")) as table:
        assert (table.columns, table.header_line, table.preamble) == (("a", "b,c"), 2, 1)


@pytest.mark.parametrize("chosen", ["", ":", ";;", " ", "\n"])
def test_another_separator_is_refused(tmp_path: Path, chosen: str) -> None:
    problem = problem_of(text_file(tmp_path, "a,b\n1,2\n"), ReadOptions(separator=chosen))
    assert (problem.code, problem.errors[0].field) == ("parameter_invalid", "separator")


@pytest.mark.parametrize(
    ("line", "cell", "quoting"),
    [
        ('a@x.com,"he said ""hi"", twice"', 'he said "hi", twice', "doubled"),
        ('a@x.com,"he said \\"hi\\", twice"', 'he said "hi", twice', "escaped"),
        ('a@x.com,"C:\\dir\\"', "C:\\dir\\", "doubled"),
        ('a@x.com,"\\""quoted"" from"', '\\"quoted" from', "doubled"),
        ('a@x.com,"a \\"b\\" and \\\\ too"', 'a "b" and \\ too', "escaped"),
        ("a@x.com,C:\\new", "C:\\new", "doubled"),
        ('a@x.com,Jean "Le Chat" Dupont', 'Jean "Le Chat" Dupont', "doubled"),
        ('a@x.com,""', "", "doubled"),
    ],
)
def test_quotation_marks_in_cells(tmp_path: Path, line: str, cell: str, quoting: str) -> None:
    with read_table(text_file(tmp_path, f"Email,Note\n{line}\nb@x.com,B\n")) as table:
        assert (table.first_rows[0].cells, table.quoting) == (("a@x.com", cell), quoting)
        assert table.first_rows[1].cells == ("b@x.com", "B")


def test_quotation_marks_behind_a_space_count(tmp_path: Path) -> None:
    path = text_file(tmp_path, '"Email", "Name", "Note"\n"a@x.com", "B, C", "D"\n')
    assert cells_of(read(path)) == [("a@x.com", "B, C", "D")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_ends_a_line_and_may_stand_in_a_cell(tmp_path: Path, end: str) -> None:
    lines = [
        "Email,Note",
        "a@x.com,one",
        f'b@x.com,"two{end}{end}three"',
        "",
        "c@x.com,four",
        'd@x.com,"x\ny"',
        "e@x.com,",
    ]
    with read_table(text_file(tmp_path, end.join(lines))) as table:
        assert [row.line for row in table.rows()] == [2, 3, 7, 8, 10]
        assert table.first_rows[1].cells[1] == f"two{end}{end}three"
        assert table.dialect is not None
        assert table.dialect.line_end == end


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ('"Email";"N ""x"""\r\n"a@x.com";"1"\r\n', Dialect(";", quote_all=True)),
        ("Email\tName\na@x.com\t1\n", Dialect("\t", line_end="\n")),
        ('"a@x.com","1"\n"b@x.com","2"\n', Dialect(",", quote_all=True, line_end="\n")),
        ("a@x.com,1\nb@x.com,2\n", Dialect(",", line_end="\n")),
        ('\ufeffEmail,Note\na@x.com,"\\"hi\\" there"\n', Dialect(",", escaped=True, bom=True, line_end="\n")),
        ("Email,Name\na@x.com,1", Dialect(",", line_end="\n")),
    ],
)
def test_what_is_needed_to_write_such_a_file_is_known(tmp_path: Path, text: str, dialect: Dialect) -> None:
    with read_table(text_file(tmp_path, text)) as table:
        assert table.dialect == dialect


QUOTING: dict[str, Any] = {
    "all": {"quoting": csv.QUOTE_ALL},
    "minimal": {"quoting": csv.QUOTE_MINIMAL},
    "nonnumeric": {"quoting": csv.QUOTE_NONNUMERIC},
    "escaped": {"quoting": csv.QUOTE_ALL, "doublequote": False, "escapechar": "\\"},
}
# ¶ stands for the line end of the file: the module's writer leaves another one without quotation marks.
CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
WORDS = st.text("abcé, ;|\t\"'\\¶@.=", max_size=20)


@given(
    rows=st.lists(st.tuples(CELLS | WORDS, CELLS | WORDS), min_size=1, max_size=20),
    separator=st.sampled_from(",;\t|"),
    quoting=st.sampled_from(["all", "minimal", "nonnumeric", "escaped"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_rows_that_were_written_are_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    separator: str,
    quoting: str,
    encoding: str,
    end: str,
) -> None:
    whole = [("a@x.com", 'so-called "marks" inside', ""), *(("a@x.com", *row) for row in rows)]
    whole = [(email, one.replace("¶", end), other.replace("¶", end)) for email, one, other in whole]
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator, lineterminator=end, **QUOTING[quoting]).writerows([NAMES, *whole])
    path = text_file(tmp_path_factory.mktemp("round"), written.getvalue(), encoding)
    with read_table(path) as table:
        assert table.columns == tuple(NAMES)
        assert cells_of(table.rows()) == whole
