"""What is wrong with a database, in a sentence that names it and says what to do. Never an error's own text where it
may show a value."""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

# SQLite's result codes, by how they begin (sqlite.org/rescode.html) → what happened, what to do.
_SQLITE: tuple[tuple[str, str, str], ...] = (
    ("SQLITE_FULL", "its disk is full", "Make room on the disk; what was accepted is kept."),
    (
        "SQLITE_READONLY",
        "it is read-only",
        "Let the user who runs crisp-connector write to the file and to its directory.",
    ),
    (
        "SQLITE_CORRUPT",
        "the file is damaged",
        "Stop crisp-connector, move the file away, and put a backup in its place. It was not changed.",
    ),
    (
        "SQLITE_NOTADB",
        "file is not a database",
        "Move it away, or name another one in CONNECTOR_DATABASE_URL or CONNECTOR_DATA_DIR. It was not changed.",
    ),
    (
        "SQLITE_CANTOPEN",
        "unable to open database file",
        "Check that its directory is there and may be read and written by the user who runs crisp-connector.",
    ),
    (
        "SQLITE_IOERR",
        "the disk does not take or give its bytes",
        "Check the room, the quota and the health of the disk.",
    ),
    ("SQLITE_BUSY", "another process keeps it locked", "Wait for it, or stop it, and try again."),
)
# PostgreSQL's (postgresql.org/docs/current/errcodes-appendix.html).
_POSTGRESQL = {
    "53100": ("its disk is full", "Make room on the server's disk; what was accepted is kept."),
    "53300": ("it has too many connections", "Raise max_connections, or run fewer processes."),
    "25006": ("it is read-only", "Name the primary server in CONNECTOR_DATABASE_URL."),
    "42501": ("it does not let this user do that", "Give the user of CONNECTOR_DATABASE_URL the rights to its tables."),
}


def sentence(problem: SQLAlchemyError, database: str | None) -> str:
    """What keeps this database from being used."""
    what, remedy = _told(problem, database)
    return f"The database {database or ''} cannot be used: {what}. {remedy}".strip()


def _told(problem: SQLAlchemyError, database: str | None) -> tuple[str, str]:
    cause = problem.orig if isinstance(problem, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        if database and Path(database).is_dir():
            return "it is a directory", "Name a file in CONNECTOR_DATABASE_URL."
        name = getattr(cause, "sqlite_errorname", "")
        known = next((told for begin, *told in _SQLITE if name.startswith(begin)), None)
        return (known[0], known[1]) if known else (str(cause), "Look at the file and its directory.")
    if state := getattr(cause, "sqlstate", None):
        return _POSTGRESQL.get(state, (f"PostgreSQL says {state}", "Look the code up in PostgreSQL's documentation."))
    said = str(cause).strip().splitlines()[0] if cause and str(cause).strip() else type(problem).__name__
    return said, "Check CONNECTOR_DATABASE_URL and the server."
