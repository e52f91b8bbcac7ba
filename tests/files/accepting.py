"""Accepting a file: parse, match, translate, and into an embedded database; nothing is delivered.

As a program, with the file and an empty folder: how many rows were accepted, and the most MB that this took.
"""

import os
import sys
from pathlib import Path

from benchmarks.processes import peak
from connector.file_imports.accepting import Came, Wanted, import_file
from connector.ledger import connections as tenants
from connector.ledger import records
from connector.services import open_services
from connector.settings import Settings
from connector.uploads.store import copy
from tests.building import tenant


def accepted(path: Path, folder: Path) -> int:
    """Imports a file into a database of its own; how many rows it has."""
    services = open_services(Settings(data_dir=folder))
    with services.ledger.write() as connection:
        tenants.save(connection, tenant(), services.courier.clock())
    with services.store.incoming() as coming:
        copy(path, coming)
        import_id = import_file(services, "W", Came.whole(coming, path.name), Wanted())
    with services.ledger.read() as connection:
        count = records.totals(connection, import_id).by_status["waiting"]
    services.close()
    return count


if __name__ == "__main__":
    print(accepted(Path(sys.argv[1]), Path(sys.argv[2])), peak(os.getpid()))
