"""What deleting leaves behind in the files of an SQLite database, and how that goes too.

`secure_delete` alone overwrites nearly all; rows that were moved between pages can leave copies. So the file is
rewritten without them and the log is emptied. That takes the write lock and needs that nobody reads for a moment:
that it is owed stands in the file's own header (`user_version`), so that it is done later, by whoever can.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

# A bigger file is not rewritten while somebody waits for it: that keeps all others from writing for seconds.
QUICK = 32_000_000


def leave(connection: Connection) -> None:
    """Something is deleted in this transaction: its file owes a cleaning."""
    if connection.dialect.name == "sqlite":
        owed = connection.exec_driver_sql("PRAGMA user_version").scalar() or 0
        connection.exec_driver_sql(f"PRAGMA user_version = {owed % 1_000_000_000 + 1}")


def owed(file: Path) -> bool:
    """Whether a cleaning is owed."""
    with closing(sqlite3.connect(file)) as raw:
        return _mark(raw) > 0


def clean(file: Path, patience: float) -> None:
    """Rewrites the file without what was deleted. Raises `sqlite3.Error` when that cannot be done now."""
    with closing(sqlite3.connect(file, timeout=patience, isolation_level=None)) as raw:
        before = _mark(raw)
        raw.execute("VACUUM")
        busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("somebody reads: the log keeps its old pages")
        raw.execute("BEGIN IMMEDIATE")
        if _mark(raw) == before:  # else more was deleted meanwhile
            raw.execute("PRAGMA user_version = 0")
        raw.execute("COMMIT")


def _mark(raw: sqlite3.Connection) -> int:
    found: int = raw.execute("PRAGMA user_version").fetchone()[0]
    return found
