"""Workbooks: sheets as tables, with cells as the sheet means them."""

from pathlib import Path

import pytest

from connector.files.reading import ReadOptions, read_table
from connector.files.sheets import plain
from connector.files.table import Cell

from .sheets import SAMPLES
from .writing import (
    DATE,
    DURATION,
    MOMENT,
    TIME,
    cell,
    cells_of,
    gzipped,
    ole,
    problem_of,
    read,
    sheet_xml,
    text_file,
    xlsx,
    zipped,
)

CONTACTS = sheet_xml([["Email", "Phone"], ["a@x.com", 33639981024.0], ["b@x.com", ""]])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (cell(33639981024.0), 33639981024),
        (cell(1.5), 1.5),
        (cell(-0.0), 0),
        (cell(1e300), 1e300),
        (cell(True), True),
        (cell(False), False),
        (cell(45363, style=DATE), "2024-03-12"),
        (cell(45363, style=MOMENT), "2024-03-12"),
        (cell(45363.3847222222, style=MOMENT), "2024-03-12T09:14:00"),
        (cell(45363.38472222, style=MOMENT), "2024-03-12T09:14:00"),
        (cell(0.5, style=TIME), "12:00:00"),
        (cell(1.25, style=DURATION), "30:00:00"),
        (cell("+33 6 39 98 10 24"), "+33 6 39 98 10 24"),
        (cell("=1+1"), "=1+1"),
        ('<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!"),
        ('<c t="e" r="B2"><v>#N/A</v></c>', "#N/A"),
    ],
)
def test_a_cell_is_what_the_sheet_means(tmp_path: Path, written: str, value: Cell) -> None:
    path = xlsx(tmp_path / "book", {"S": sheet_xml([["Email", "Value"], ["a@x.com", written]])})
    (row,) = read(path)
    assert row.cells == ("a@x.com", value)
    assert type(row.cells[1]) is type(value)


def test_a_number_that_is_not_exact_stays_a_float() -> None:
    assert [type(plain(number)) for number in (2.0**53, 2.0**54, float("inf"), float("nan"))] == [
        int,
        float,
        float,
        float,
    ]


def test_errors_are_found_wherever_the_sheet_begins(tmp_path: Path) -> None:
    rows = [[], [cell("").replace("<c", '<c r="C2"'), '<c r="D2" t="inlineStr"><is><t>Email</t></is></c>']]
    filled = ['<c r="D5" t="inlineStr"><is><t>a@x.com</t></is></c>', '<c r="E5" t="e"><v>#REF!</v></c>']
    path = xlsx(tmp_path / "book", {"A": CONTACTS, "B & C": sheet_xml([*rows, [], [], filled])})
    with read_table(path, ReadOptions(sheet="B & C")) as table:
        assert [(row.line, row.cells) for row in table.rows()] == [(5, ("a@x.com", "#REF!"))]


def test_rows_have_the_numbers_of_the_sheet(tmp_path: Path) -> None:
    rows = [[], ["Contacts"], [], ["Name", "Email"], ["A", "a@x.com"], [], ["B", "b@x.com"], [], ["Total", ""]]
    with read_table(xlsx(tmp_path / "book", {"S": sheet_xml(rows)})) as table:
        assert (table.header_line, table.preamble, table.columns) == (4, 3, ("Name", "Email"))
        assert [(row.number, row.line) for row in table.rows()] == [(1, 5), (2, 7)]
        assert table.footer == 8
        assert (table.encoding, table.separator, table.quoting, table.dialect) == (None, None, None, None)


def test_an_empty_cell_is_empty_and_a_number_is_not(tmp_path: Path) -> None:
    rows: list[list[str | float | bool]] = [["Email", "A", "B"], ["a@x.com"], ["", "", 0], ["b@x.com", 5, 0]]
    assert cells_of(read(xlsx(tmp_path / "book", {"S": sheet_xml(rows)}))) == [
        ("a@x.com", "", ""),
        ("", "", 0),
        ("b@x.com", 5, 0),
    ]


def test_the_first_visible_sheet_that_has_cells_is_taken(tmp_path: Path) -> None:
    other = sheet_xml([["Email"], ["other@x.com"]])
    sheets = {"Hidden": other, "Empty": sheet_xml([]), "Data": CONTACTS, "Later": other}
    with read_table(xlsx(tmp_path / "book", sheets, hidden=["Hidden"])) as table:
        assert (table.kind, table.sheet, table.sheets) == ("xlsx", "Data", ("Hidden", "Empty", "Data", "Later"))
        assert cells_of(table.rows()) == [("a@x.com", 33639981024), ("b@x.com", "")]


@pytest.mark.parametrize("name", ["Été & Co", " été & co "])
def test_a_sheet_can_be_chosen_a_hidden_one_too(tmp_path: Path, name: str) -> None:
    path = xlsx(tmp_path / "book", {"A": sheet_xml([["x"], ["y"]]), "Été & Co": CONTACTS}, hidden=["Été & Co"])
    with read_table(path, ReadOptions(sheet=name)) as table:
        assert table.sheet == "Été & Co"
        assert len(table.first_rows) == 2


@pytest.mark.parametrize("name", ["Sheet9", "a\0b", "\ud800", "--help"])
def test_a_sheet_that_does_not_exist_is_told_with_those_that_do(tmp_path: Path, name: str) -> None:
    problem = problem_of(xlsx(tmp_path / "book", {"A": CONTACTS, "B": CONTACTS}), ReadOptions(sheet=name))
    assert (problem.code, problem.facts["names"]) == ("sheet_missing", "A, B")


@pytest.mark.parametrize("options", [ReadOptions(separator=";"), ReadOptions(encoding="cp1252")])
def test_what_a_workbook_cannot_have_is_told(tmp_path: Path, options: ReadOptions) -> None:
    problem = problem_of(xlsx(tmp_path / "book", {"A": CONTACTS}), options)
    assert (problem.code, [each.field for each in problem.errors]) == (
        "parameter_invalid",
        ["separator" if options.separator else "encoding"],
    )


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "file_empty"),
        ([["", " "]], "file_empty"),
        ([["Email", "Name"]], "file_no_rows"),
        ([["Email"], ["x" * 100_001]], "cell_too_long"),
        ([["Email", *("x" for _ in range(2_000))], ["a@x.com"]], "file_too_many_columns"),
    ],
)
def test_a_sheet_that_is_no_table_is_a_problem(tmp_path: Path, rows: list[list[str]], code: str) -> None:
    assert problem_of(xlsx(tmp_path / "book", {"S": sheet_xml(rows)})).code == code


def test_the_header_of_a_sheet_can_be_chosen(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "book", {"S": CONTACTS})
    with read_table(path, ReadOptions(header=False)) as table:
        assert (table.columns, table.headers, len(table.first_rows)) == (("1", "2"), (), 3)


@pytest.mark.parametrize("sample", ["dynamics.xlsx", "legacy.xls", "legacy.ods"])
def test_the_name_of_a_file_decides_nothing(tmp_path: Path, sample: str) -> None:
    path = text_file(tmp_path, (SAMPLES / sample).read_bytes())
    assert read(path) == read(SAMPLES / sample)


@pytest.mark.parametrize("sample", ["dynamics.xlsx", "legacy.xls", "legacy.ods"])
def test_a_workbook_in_an_archive_is_read(tmp_path: Path, sample: str) -> None:
    content = (SAMPLES / sample).read_bytes()
    for packed in (gzipped(content), zipped({f"export/{sample}": content})):
        assert read(text_file(tmp_path, packed)) == read(SAMPLES / sample)


@pytest.mark.parametrize("sample", ["dynamics.xlsx", "legacy.xls", "legacy.ods"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_workbook_that_was_cut_off_is_broken(tmp_path: Path, sample: str, kept: float) -> None:
    content = (SAMPLES / sample).read_bytes()
    assert problem_of(text_file(tmp_path, content[: int(len(content) * kept)])).code in (
        "file_broken",
        "file_kind_unknown",
    )


def test_a_workbook_with_a_password_is_told(tmp_path: Path) -> None:
    assert problem_of(text_file(tmp_path, ole("EncryptionInfo", "EncryptedPackage"))).code == "file_password"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (ole("WordDocument"), "a Word document"),
        (ole("PowerPoint Document"), "a PowerPoint presentation"),
        (ole("Something"), "an old Office document"),
        (zipped({"[Content_Types].xml": b"", "word/document.xml": b""}), "a Word document"),
        (zipped({"[Content_Types].xml": b"", "ppt/presentation.xml": b""}), "a PowerPoint presentation"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.text"}), "an OpenDocument text or an e-book"),
        (zipped({"Index/Document.iwa": b""}), "a document of Apple Numbers"),
    ],
)
def test_another_document_is_told_by_its_name(tmp_path: Path, content: bytes, found: str) -> None:
    problem = problem_of(text_file(tmp_path, content))
    assert (problem.code, problem.facts["found"]) == ("file_kind_unknown", found)


def test_a_workbook_without_its_parts_is_broken(tmp_path: Path) -> None:
    path = text_file(tmp_path, zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b"<no"}))
    problem = problem_of(path)
    assert (problem.code, problem.facts["found"]) == ("file_broken", "an XLSX workbook")
