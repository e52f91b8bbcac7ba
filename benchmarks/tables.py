"""Reading a file of contacts: parse, match, translate. As a program: the most MB that this takes."""

import os
import resource
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks import processes
from connector.file_imports.accepting import MOST_ROWS
from connector.files.matching import match
from connector.files.reading import read_table
from connector.intake import Options, Reading
from connector.intake.tables import payloads
from connector.manifest import shipped

_LOOKED_AT = 200


def read(path: Path) -> int:
    """Everything that an import does with a file before anything is written; how many rows are contacts."""
    manifest = shipped()
    with read_table(path) as table:
        mapping = match(table, manifest, list(islice(table.rows(), _LOOKED_AT))).mapping
        options = Options(mapping=mapping)
        rows = Reading(payloads(table, mapping), options, manifest, datetime.now(UTC), most=MOST_ROWS, whole=True)
        return sum(each.translated.error is None for each in rows)


if __name__ == "__main__":
    read(Path(sys.argv[1]))
    # A workbook is read by a process of its own; it has ended.
    print(processes.peak(os.getpid()), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)
