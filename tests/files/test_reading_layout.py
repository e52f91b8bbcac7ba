"""Layout: where the column names are, what stands above them, and which lines at the end are no rows."""

from pathlib import Path

import pytest

from connector.files.layout import cleaned, column_names
from connector.files.reading import ReadOptions, read_table

from .writing import cells_of, problem_of, read, text_file

ROW = "a@x.com,Ada,Paris\n"


@pytest.mark.parametrize(
    ("text", "header_line", "preamble", "columns"),
    [
        ("Email,Name\na@x.com,A\n", 1, 0, ("Email", "Name")),
        ("\n\nEmail,Name\na@x.com,A\n", 3, 2, ("Email", "Name")),
        ('Notes:\n"a long\nremark"\n\nName,Email Address\nA,a@x.com\n', 5, 4, ("Name", "Email Address")),
        ("Exported by,boss@x.com\n\nName,City,Courriel\nA,B,a@x.com\n", 3, 2, ("Name", "City", "Courriel")),
        ("Contacts of 2024,,\nName,Email,City\nA,a@x.com,B\n", 2, 1, ("Name", "Email", "City")),
        ("Report\nName,Kontakt\nA,B\nC,D\n", 2, 1, ("Name", "Kontakt")),
        ("Foo,Bar\n1,2\n3,4\n", 1, 0, ("Foo", "Bar")),
        ("Email\na@x.com\n", 1, 0, ("Email",)),
        ("a@x.com,A\nb@x.com,B\n", None, 0, ("1", "2")),
        ("a@x.com\nb@x.com\n", None, 0, ("1",)),
        ("\nA,a@x.com\nB,b@x.com\n", None, 1, ("1", "2")),
        ("A,a@x.com,Phone\nB,b@x.com,Email\nC,,Email\n", None, 0, ("1", "2", "3")),
        ("Title\nA,a@x.com\nB,b@x.com\n", None, 1, ("1", "2")),
        ("1,a@x.com,A\n2,b@x.com,B\n3,c@x.com\n", None, 0, ("1", "2", "3")),
    ],
)
def test_column_names_are_found(
    tmp_path: Path, text: str, header_line: int | None, preamble: int, columns: tuple[str, ...]
) -> None:
    with read_table(text_file(tmp_path, text)) as table:
        assert (table.header_line, table.preamble, table.columns) == (header_line, preamble, columns)
        assert table.headers == (columns if header_line else ())
        assert table.first_rows[0].line == (header_line or preamble) + 1


@pytest.mark.parametrize(
    ("header", "header_line", "columns", "rows"),
    [
        (None, 3, ("Name", "Email"), 1),
        (False, None, ("1", "2"), 4),
        (True, 3, ("Name", "Email"), 1),
        (1, 1, ("Nom", "Ville"), 3),
        (2, 2, ("x", "y"), 2),
    ],
)
def test_the_header_can_be_chosen(
    tmp_path: Path, header: bool | int | None, header_line: int | None, columns: tuple[str, ...], rows: int
) -> None:
    path = text_file(tmp_path, "Nom,Ville\nx,y\nName,Email\nA,a@x.com\n")
    with read_table(path, ReadOptions(header=header)) as table:
        assert (table.header_line, table.columns) == (header_line, columns)
        assert len(list(table.rows())) == rows


def test_column_names_that_are_addresses_can_be_chosen(tmp_path: Path) -> None:
    with read_table(text_file(tmp_path, "a@x.com,b\nc@x.com,d\n"), ReadOptions(header=True)) as table:
        assert (table.columns, table.header_line) == (("a@x.com", "b"), 1)


@pytest.mark.parametrize("line", [0, -1, 2, 4, 9])
def test_a_header_in_a_line_where_no_record_begins_is_refused(tmp_path: Path, line: int) -> None:
    problem = problem_of(text_file(tmp_path, '"Na\nme",Email\nA,a@x.com\n'), ReadOptions(header=line))
    assert (problem.code, problem.errors[0].field) == ("parameter_invalid", "header")
    assert f"line {line}" in problem.message


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (" Email ", "Email"),
        ("\ufeffEmail", "Email"),
        ("🏢 Company", "Company"),
        ("🏷️ Tags", "Tags"),
        ("★ ✉ Email", "Email"),
        ("First\r\nName", "First Name"),
        ("Signed up (UTC)", "Signed up"),
        ("Seen (GMT+2)", "Seen"),
        ("Seen (UTC+02:00)", "Seen"),
        ("Created (Europe/Paris)", "Created"),
        ("plan (metadata)", "plan"),
        ("Birth date (customer.metafields.facts.birth_date)", "Birth date"),
        ("Phone (FAX)", "Phone (FAX)"),
        ("Email (old)", "Email (old)"),
        ("Prénom (et)", "Prénom (et)"),
        ("Seen (CET)", "Seen"),
        ("(Do Not Modify) Contact", "(Do Not Modify) Contact"),
        ("City (Account Name) (Account)", "City (Account Name) (Account)"),
        ("Em\0ail", "Email"),
        ("_id", "_id"),
        ("🏢", "🏢"),
        ("  ", ""),
    ],
)
def test_a_column_name_is_the_header_without_marks_and_units(header: str, name: str) -> None:
    assert cleaned(header) == name


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (["Name", "Name", "Name"], ("Name", "Name (2)", "Name (3)")),
        (["Name", "Name", "Name (2)"], ("Name", "Name (2)", "Name (2) (2)")),
        (["Name (2)", "Name", "Name"], ("Name (2)", "Name", "Name (3)")),
        (["Email", "", "City", " "], ("Email", "2", "City", "4")),
        (["2", "", "Seen (UTC)", "Seen"], ("2", "2 (2)", "Seen", "Seen (2)")),
    ],
)
def test_no_two_columns_are_alike(headers: list[str], names: tuple[str, ...]) -> None:
    assert column_names(headers) == names


def test_headers_are_kept_as_they_stand(tmp_path: Path) -> None:
    with read_table(text_file(tmp_path, "📧 Email,Seen (UTC),,Seen\na@x.com,1,2,3\n")) as table:
        assert table.headers == ("📧 Email", "Seen (UTC)", "", "Seen")
        assert table.columns == ("Email", "Seen", "3", "Seen (2)")


@pytest.mark.parametrize(
    ("end", "footer", "rows"),
    [
        ("", None, 1),
        ("\n\n\n", None, 1),
        ("\nTotal: 1\n", 3, 1),
        ("\n\nTotal: 1\n\n\nConfidential,,\nCopyright\n", 3, 1),
        (",,\n,42,\n", 3, 1),
        ("Total: 1\n", None, 2),
        ("\nask@x.com\n", None, 2),
        ("\nTotal: 1\nb@x.com,B,Rome\n", None, 3),
        ("\nTotal: 1\n\nb@x.com,B,Rome\n\nEnd\n", 7, 3),
        ("\nTotal: 1\nb,B\n", None, 3),
    ],
)
def test_a_footer_is_no_rows_and_its_line_is_told(tmp_path: Path, end: str, footer: int | None, rows: int) -> None:
    with read_table(text_file(tmp_path, f"Email,Name,City\n{ROW}{end}")) as table:
        assert len(list(table.rows())) == rows
        assert table.footer == footer


def test_a_file_of_one_column_has_no_footer(tmp_path: Path) -> None:
    with read_table(text_file(tmp_path, "Email\na@x.com\n\nTotal: 1\n")) as table:
        assert [row.line for row in table.rows()] == [2, 4]
        assert table.footer is None


def test_more_than_fifty_single_cells_are_rows(tmp_path: Path) -> None:
    singles = "".join(f"Person {number},,\n\n" for number in range(60))
    with read_table(text_file(tmp_path, f"Name,Email,City\nA,a@x.com,B\n\n{singles}")) as table:
        assert len(list(table.rows())) == 61
        assert table.footer is None


def test_empty_records_are_no_rows_and_are_not_counted(tmp_path: Path) -> None:
    rows = read(text_file(tmp_path, f"Email,Name,City\n\n{ROW},,\n   \n , ,\n{ROW}"))
    assert [(row.number, row.line) for row in rows] == [(1, 3), (2, 7)]


@pytest.mark.parametrize(
    ("line", "cells", "code"),
    [
        ("a@x.com", ("a@x.com", None, None), None),
        ("a@x.com,", ("a@x.com", "", None), None),
        ("a@x.com,A,B,,,", ("a@x.com", "A", "B"), None),
        ("a@x.com,A,B, ", ("a@x.com", "A", "B"), None),
        ("a@x.com,A,B,C", ("a@x.com", "A", "B", "C"), "row_malformed"),
        ("a@x.com,A,B,,C", ("a@x.com", "A", "B", "", "C"), "row_malformed"),
    ],
)
def test_rows_that_are_shorter_or_longer(
    tmp_path: Path, line: str, cells: tuple[str | None, ...], code: str | None
) -> None:
    (row,) = read(text_file(tmp_path, f"Email,Name,City\n{line}\n"))
    assert (row.cells, row.code) == (cells, code)


def test_nuls_are_taken_out_with_a_note_of_the_column(tmp_path: Path) -> None:
    rows = read(text_file(tmp_path, "Em\0ail,Name\nx@x.com,O\0n\0e\n\0,\0\ny@x.com,Two\nz@x.com,3,\0x\0\n"))
    assert cells_of(rows) == [("x@x.com", "One"), ("y@x.com", "Two"), ("z@x.com", "3", "x")]
    assert [row.notes for row in rows] == [(("nul_removed", "Name"),), (), (("nul_removed", "3"),)]
    assert [row.number for row in rows] == [1, 2, 3]


def test_a_quotation_mark_that_never_closes_takes_only_the_last_row(tmp_path: Path) -> None:
    rows = read(text_file(tmp_path, f'Email,Name,City\n{ROW}{ROW}b@x.com,"Bob,Rome\nc@x.com,C,Oslo\n'))
    assert [row.code for row in rows] == [None, None, "quote_unclosed"]
    assert (rows[2].line, rows[2].cells) == (4, ("b@x.com", "Bob,Rome\nc@x.com,C,Oslo\n"))


def test_a_quotation_mark_at_the_very_end_is_unclosed(tmp_path: Path) -> None:
    assert [row.code for row in read(text_file(tmp_path, f'Email,Name,City\n{ROW}b@x.com,B,"'))] == [
        None,
        "quote_unclosed",
    ]


def test_a_quotation_mark_that_never_closes_above_the_rows_is_a_problem(tmp_path: Path) -> None:
    problem = problem_of(text_file(tmp_path, f'"Email,Name,City\n{ROW}'))
    assert (problem.code, problem.facts["line"]) == ("header_unclosed", 1)


def test_a_cell_that_is_too_long_is_named_by_the_line_of_its_record(tmp_path: Path) -> None:
    swallowed = 'b@x.com,"never closed\n' + "c@x.com,C,Oslo\n" * 10_000
    problem = problem_of(text_file(tmp_path, f"Email,Name,City\n{ROW}{swallowed}"))
    assert (problem.code, problem.facts) == ("cell_too_long", {"line": 3, "limit": 100_000})


def test_a_cell_as_long_as_may_be_is_read(tmp_path: Path) -> None:
    assert len(str(read(text_file(tmp_path, f"Email,Note\na@x.com,{'x' * 100_000}\n"))[0].cells[1])) == 100_000
    assert problem_of(text_file(tmp_path, f"Email,Note\na@x.com,{'x' * 100_001}\n")).code == "cell_too_long"


@pytest.mark.parametrize("text", ["Email,Name\n", "Email,Name", "Email,Name\n,\n\n", "Email,Name\n\nNobody\n"])
def test_a_file_of_nothing_but_column_names_has_no_rows(tmp_path: Path, text: str) -> None:
    assert problem_of(text_file(tmp_path, text)).code == "file_no_rows"


@pytest.mark.parametrize("text", ["", "\n", " \r\n\t", "\ufeff", "\ufeff\n\n", ",,\n,,\n", '""\n', "\0\0\0\0\n"])
def test_a_file_without_anything_in_it_is_empty(tmp_path: Path, text: str) -> None:
    assert problem_of(text_file(tmp_path, text)).code == "file_empty"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ('Email,Name\na@x.com,"Bob\nb@x.com,Ann\nc@x.com,"Cid"\nd@x.com,Dan\n', ["quote_suspect", None]),
        ('Email,Note\na@x.com,"call\nhim, or b@x.com"\nd@x.com,Dan\n', ["quote_suspect", None]),
        ('Email,Note\na@x.com,"call\nhim"\nd@x.com,Dan\n', [None, None]),
        ('Email,Note\na@x.com,"call\nhim, or @bob"\nd@x.com,Dan\n', [None, None]),
        ('Email,Note,City\na@x.com,"call\nhim, or b@x.com",Rome\nd@x.com,Dan,Rome\n', [None, None]),
    ],
    ids=["whole rows", "what could be one", "a line", "a mention", "less than a row"],
)
def test_a_quotation_mark_that_swallows_rows_is_told(tmp_path: Path, text: str, codes: list[str | None]) -> None:
    assert [row.code for row in read(text_file(tmp_path, text))] == codes
