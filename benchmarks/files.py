"""Reading files of contacts: speed against the floor, and memory against a short file's and bare calamine's."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import calamine, contacts_file, tables
from benchmarks.contacts_file import COLUMNS, COUNTRY, EMAIL, PHONE
from benchmarks.report import Figure
from benchmarks.translation import convert

_ROWS, _ROUNDS = 20_000, 3
_SHORT, _LONG, _WORKBOOK = 10_000, 1_000_000 if os.environ.get("BENCH") == "full" else 100_000, 100_000


def measure() -> Iterator[Figure]:
    """Rows per second of processor time, and peak memory."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for kind, write, floor in (
            ("CSV", contacts_file.write_csv, _csv_floor),
            ("XLSX", contacts_file.write_xlsx, _xlsx_floor),
        ):
            path = write(folder / f"contacts.{kind.lower()}", contacts_file.rows(_ROWS))
            yield _speed(kind, path, floor)
        yield _csv_memory(folder)
        yield _xlsx_memory(folder)


def _speed(kind: str, path: Path, floor: Callable[[Path], None]) -> Figure:
    assert tables.read(path) == _ROWS
    pairs = [(_took(floor, path), _took(tables.read, path)) for _ in range(_ROUNDS)]
    ratio = sorted(bare / ours for bare, ours in pairs)[_ROUNDS // 2]
    speed = _ROWS / sorted(ours for _, ours in pairs)[_ROUNDS // 2]
    return Figure(f"{kind} parsed, matched, translated, of the floor", ratio, "×", 0.5, "more", f"{speed:,.0f} rows/s")


def _took(work: Callable[[Path], object], path: Path) -> float:
    """Seconds of processor time, with those of processes that were begun and have ended."""
    before = sum(os.times()[:4])
    work(path)
    return sum(os.times()[:4]) - before


def _csv_floor(path: Path) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            _convert(row[COLUMNS[EMAIL]], row[COLUMNS[PHONE]], row[COLUMNS[COUNTRY]])


def _xlsx_floor(path: Path) -> None:
    rows = calamine.cells(path)
    next(rows)
    for row in rows:
        _convert(row[EMAIL], row[PHONE], row[COUNTRY])


def _convert(email: str, phone: str, country: str) -> None:
    convert((email,), (phone,) if phone else (), (country,))


def _csv_memory(folder: Path) -> Figure:
    files = [contacts_file.write_csv(folder / f"{rows}.csv", contacts_file.rows(rows)) for rows in (_SHORT, _LONG)]
    short, long = (_peaks("tables", path)[0] for path in files)
    what = f"peak memory of a CSV of {_LONG:,} rows, of {_SHORT:,}"
    return Figure(what, long / short, "×", 1.2, "less", f"{long:.0f} MB")


def _xlsx_memory(folder: Path) -> Figure:
    """The process that reads the workbook and the one that waits for it are two; the larger counts."""
    path = contacts_file.write_xlsx(folder / "large.xlsx", contacts_file.rows(_WORKBOOK))
    (waits, reads), (bare,) = _peaks("tables", path), _peaks("calamine", path)
    beside = f"{reads:.0f} MB, and {waits:.0f} MB in the process that asked"
    what = f"peak memory of an XLSX of {_WORKBOOK:,} rows, of calamine's"
    return Figure(what, max(waits, reads) / bare, "×", 1.2, "less", beside)


def _peaks(program: str, path: Path) -> tuple[float, ...]:
    """MB, as a program of this folder tells them of itself when it has read this file."""
    command = [sys.executable, "-m", f"benchmarks.{program}", str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(map(float, told.stdout.split()))
