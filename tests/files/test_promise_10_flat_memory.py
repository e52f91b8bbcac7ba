"""Promise 10: memory does not grow with the file.

Peaks are those of processes that do nothing else. Linux counts what a process was before it became this program into
what `getrusage` says of it, so VmHWM is asked where that can be, and files are large enough where it cannot.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contacts_file import rows, write_csv, write_xlsx
from tests.chaos.figures import Figure, report, sized
from tests.process.running import ROOT, clean

FEW, MANY = 10_000, sized(100_000, 1_000_000)
IN_SHEET = sized(150_000, 400_000)
MOST = 1.2
# Reads a workbook as an import does, row by row: how many rows, and the most MB that its reading process took.
_READING = """
import resource, sys
from pathlib import Path
from connector.files.reading import read_table
with read_table(Path(sys.argv[1])) as table:
    print(sum(1 for _ in table.rows()), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="LEFT OUT: peaks are asked of Linux")


def told(*command: str) -> list[float]:
    """The numbers that a program of ours prints."""
    ended = subprocess.run([sys.executable, *command], env=clean({}), cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return [float(word) for word in ended.stdout.split()]


def test_promise_10_accepting_a_csv_needs_no_more_memory_for_more_rows(tmp_path: Path) -> None:
    peaks = []
    for count in (FEW, MANY):
        file, folder = write_csv(tmp_path / f"{count}.csv", rows(count)), tmp_path / f"data {count}"
        accepted, peak = told("-m", "tests.files.accepting", str(file), str(folder))
        assert accepted == count
        peaks.append(peak)
    ratio = peaks[1] / peaks[0]
    what = f"peak of accepting {MANY:,} rows of CSV, against {FEW:,} ({peaks[1]:.0f} MB, {peaks[0]:.0f} MB)"
    report(Figure("10", what, f"{ratio:.2f}", f"≤ {MOST}", ratio <= MOST))


def test_promise_10_reading_a_workbook_needs_no_more_memory_than_calamine(tmp_path: Path) -> None:
    file = write_xlsx(tmp_path / "contacts.xlsx", rows(IN_SHEET))
    [bare] = told("-m", "benchmarks.calamine", str(file))
    read, ours = told("-c", _READING, str(file))
    assert read == IN_SHEET
    [_, floor] = told("-c", _READING, str(write_xlsx(tmp_path / "few.xlsx", rows(10))))
    assert bare > floor, "the workbook is too small to tell"
    ratio = ours / bare
    what = f"peak of reading {IN_SHEET:,} rows of XLSX, against bare calamine ({ours:.0f} MB, {bare:.0f} MB)"
    report(Figure("10", what, f"{ratio:.2f}", f"≤ {MOST}", ratio <= MOST))
