"""Promise 15: a file that is made to fill the memory or the disk is refused, names its limit, and costs little."""

import json
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from connector.errors import Problem
from connector.files.limits import Limits
from connector.files.reading import read_table

from .writing import cell, gzipped, problem_of, sheet_xml, text_file, xlsx, zipped

MEGABYTE = 1_000_000
SMALL = Limits(unpacked=2 * MEGABYTE, workbook=MEGABYTE, inflated=3 * MEGABYTE, memory=400 * MEGABYTE, spooled=MEGABYTE)
ROW = b"a@x.com,Ada\n"


def refused(path: Path, limits: Limits = SMALL) -> Problem:
    """The problem of this file; memory stays flat while it is found out."""
    tracemalloc.start()
    try:
        with read_table(path, limits=limits) as table:
            list(table.rows())
    except Problem as problem:
        assert tracemalloc.get_traced_memory()[1] < 12 * MEGABYTE
        return problem
    finally:
        tracemalloc.stop()
    raise AssertionError("the file was read")


@pytest.mark.parametrize("pack", [gzipped, lambda content: zipped({"a.csv": content})], ids=["gzip", "zip"])
def test_promise_15_an_archive_that_inflates_is_refused_at_its_limit(tmp_path: Path, pack: object) -> None:
    packed = pack(b"Email,Name\n" + ROW * (50 * MEGABYTE // len(ROW)))  # type: ignore[operator]
    assert len(packed) < MEGABYTE
    problem = refused(text_file(tmp_path, packed))
    assert (problem.code, problem.status, problem.facts["limit"]) == ("file_bomb", 413, "2 MB")
    assert "2 MB" in problem.message


def test_promise_15_a_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    packed = bytearray(zipped({"a.csv": ROW * (50 * MEGABYTE // len(ROW))}))
    for header, field in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = packed.index(header) + field
        packed[at : at + 4] = (100).to_bytes(4, "little")
    assert refused(text_file(tmp_path, bytes(packed))).code == "file_bomb"


def _workbook(tmp_path: Path, *, lies: bool) -> Path:
    """A workbook of 50 MB of white space; the directory says so, or says that there are 100 bytes."""
    path = xlsx(
        tmp_path / "book", {"S": sheet_xml([["Email"], ["a@x.com"]]).replace("</w", " " * 50 * MEGABYTE + "</w")}
    )
    packed = bytearray(path.read_bytes())
    sheet = b"xl/worksheets/sheet1.xml"
    if lies:
        packed[packed.index(sheet) - 8 : packed.index(sheet) - 4] = (100).to_bytes(4, "little")
        packed[packed.rindex(sheet) - 22 : packed.rindex(sheet) - 18] = (100).to_bytes(4, "little")
    path.write_bytes(packed)
    return path


@pytest.mark.parametrize("lies", [False, True])
def test_promise_15_a_workbook_that_inflates_is_refused_at_its_limit(tmp_path: Path, lies: bool) -> None:
    path = _workbook(tmp_path, lies=lies)
    with zipfile.ZipFile(path) as book:
        assert (sum(part.file_size for part in book.infolist()) < MEGABYTE) is lies
    problem = refused(path)
    assert (problem.code, problem.facts["limit"]) == ("file_bomb", "3 MB")


@pytest.mark.parametrize("last", ["XFD1048576", "CV1048576", "ZZZZZZZZ99999999999"])
def test_promise_15_a_workbook_whose_last_cell_is_far_away_harms_nobody(tmp_path: Path, last: str) -> None:
    row = "".join(character for character in last if character.isdigit())
    far = f'</row><row r="{row}"><c r="{last}"><v>1</v></c>'
    path = xlsx(tmp_path / "book", {"S": sheet_xml([["Email"], [cell("a@x.com"), far]])})
    assert path.stat().st_size < 4_000
    assert refused(path).code in ("file_bomb", "file_broken")


def test_promise_15_a_workbook_that_is_large_as_it_is_is_refused(tmp_path: Path) -> None:
    path = text_file(tmp_path, zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}))
    problem = refused(path, Limits(workbook=10))
    assert (problem.code, problem.status) == ("file_too_large", 413)


def test_promise_15_a_workbook_whose_rows_fill_the_disk_is_refused(tmp_path: Path) -> None:
    rows = [["Email", "Name"], *([["a@x.com", "x" * 100]] * 20_000)]
    assert refused(xlsx(tmp_path / "book", {"S": sheet_xml(rows)})).code == "file_bomb"


def test_promise_15_an_archive_of_a_million_files_is_not_even_listed(tmp_path: Path) -> None:
    entry = b"PK\x01\x02" + b"\0" * 42
    end = b"PK\x05\x06" + b"\0" * 8 + (len(entry) * 200_000).to_bytes(4, "little") + b"\0" * 6
    problem = refused(text_file(tmp_path, b"PK\x03\x04" + entry * 200_000 + end))
    assert problem.code == "file_bomb"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (",".join(f"column {number}" for number in range(1_000_000)), "file_too_many_columns"),
        ("," * 1_000_000, "file_too_many_columns"),
        (",".join("ab" for _ in range(2_001)), "file_too_many_columns"),
        ("Email," + "x" * 200_000, "cell_too_long"),
        ("Email," + "x" * 5_000_000, "cell_too_long"),
        ('Email,"' + "x,y" * 1_000_000 + '"', "cell_too_long"),
    ],
    ids=["names", "separators", "2,001", "200 kB", "5 MB", "5 MB with separators"],
)
@pytest.mark.parametrize("above", ["", "Report\n\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_promise_15_a_line_that_is_too_long_is_named(
    tmp_path: Path, line: str, code: str, above: str, encoding: str
) -> None:
    problem = refused(text_file(tmp_path, f"{above}{line}\na@x.com,b\n", encoding))
    assert (problem.code, problem.facts["line"]) == (code, 3 if above else 1)


def test_promise_15_a_row_of_too_many_columns_is_named(tmp_path: Path) -> None:
    problem = problem_of(text_file(tmp_path, "Email,Name\na@x.com,A\nb@x.com" + ",x" * 2_000 + "\n"))
    assert (problem.code, problem.facts["line"]) == ("file_too_many_columns", 3)


_PEAK = """
import json, resource, sys
from pathlib import Path
from connector.files.reading import read_table
with read_table(Path(sys.argv[1])) as table:
    count = sum(1 for _ in table.rows())
print(json.dumps([count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def _peak(path: Path) -> tuple[int, int]:
    """Rows, and the most memory that a process of its own needed to read them."""
    ended = subprocess.run([sys.executable, "-c", _PEAK, str(path)], capture_output=True, check=True)
    count, peak = json.loads(ended.stdout)
    return count, peak


@pytest.mark.parametrize("packed", [False, True])
def test_promise_15_memory_does_not_grow_with_the_file(tmp_path: Path, packed: bool) -> None:
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    for path, rows in ((small, 10_000), (large, 300_000)):
        content = b"Email,Name\n" + ROW * rows
        path.write_bytes(gzipped(content) if packed else content)
    (few, before), (many, after) = _peak(small), _peak(large)
    assert (few, many) == (10_000, 300_000)
    assert after <= before * 1.1
