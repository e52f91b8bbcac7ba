"""The sample files: each is read as its expected facts say, to the row and to the line."""

import codecs
from typing import Any

import pytest

from connector.files.reading import read_table
from connector.files.table import Table

from .sheets import SAMPLE_FILES, SAMPLES, expected

WORKBOOKS = ("xlsx", "xls", "ods")


@pytest.mark.parametrize("file", SAMPLE_FILES)
def test_a_sample_is_laid_out_as_expected(file: str) -> None:
    facts = expected(file)["file"]
    with read_table(SAMPLES / file) as table:
        assert (table.separator.value if table.separator else None) == facts["separator"]
        assert table.header_line == facts["header_line"]
        assert table.preamble == facts["preamble_lines"]
        assert _is_encoded(table, facts)


@pytest.mark.parametrize("file", SAMPLE_FILES)
def test_a_sample_has_the_expected_rows(file: str) -> None:
    wanted = expected(file)
    with read_table(SAMPLES / file) as table:
        rows = list(table.rows())
        assert [row.number for row in rows] == list(range(1, wanted["rows"] + 1))
        assert {line: rows[int(number) - 1].line for number, line in wanted["physical_lines"].items()} == {
            line: line for line in wanted["physical_lines"].values()
        }
        malformed = [each["row"] for each in wanted["rejected"] if each["code"] == "row_malformed"]
        assert [row.number for row in rows if row.code] == malformed
        assert table.footer == (wanted["file"].get("footer_lines") or [None])[0]


@pytest.mark.parametrize("file", SAMPLE_FILES)
def test_the_headers_of_a_sample_are_kept_as_they_stand(file: str) -> None:
    wanted = expected(file)
    with read_table(SAMPLES / file) as table:
        names = table.headers or table.columns
        assert [name.strip().lstrip("\ufeff") for name in names] == list(wanted["mapping"])


def test_a_sample_is_read_again_from_the_beginning() -> None:
    with read_table(SAMPLES / "hubspot.csv") as table:
        first, second = table.rows(), table.rows()
        assert next(first) == next(second) == table.first_rows[0]
        assert list(table.rows())[1:] == list(first) == list(second)


def _is_encoded(table: Table, facts: dict[str, Any]) -> bool:
    """Whether the encoding is the expected one; Windows-1252 reads Latin-1 too."""
    if facts["encoding"] in WORKBOOKS:
        return table.kind == facts["encoding"] and table.encoding is None
    name, _, mark = facts["encoding"].partition("+")
    wanted = {"iso8859-1": "cp1252"}.get(codecs.lookup(name).name, codecs.lookup(name).name)
    found = table.dialect
    return found is not None and codecs.lookup(found.encoding).name == wanted and found.bom == (mark == "bom")
