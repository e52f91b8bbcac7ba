"""Reading a workbook with nothing but python-calamine. As a program: the most MB that this takes."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import python_calamine

from benchmarks import processes


def cells(path: Path) -> Iterator[list[Any]]:
    """The cells of every row of the first sheet."""
    with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
        yield from book.get_sheet_by_index(0).iter_rows()


if __name__ == "__main__":
    for _ in cells(Path(sys.argv[1])):
        pass
    print(processes.peak(os.getpid()))
