"""What is wrong with a database, in a sentence that names it and says what to do. Never an error's own text where it
may show a value."""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from connector.saying import say

# SQLite's result codes, by how they begin (sqlite.org/rescode.html) → what happened, what to do.
_SQLITE: tuple[tuple[str, str, str], ...] = (
    ("SQLITE_FULL", say("its disk is full"), say("Make room on the disk; what was accepted is kept.")),
    (
        "SQLITE_READONLY",
        say("it is read-only"),
        say("Let the user who runs crisp-connector write to the file and to its directory."),
    ),
    (
        "SQLITE_CORRUPT",
        say("the file is damaged"),
        say("Stop crisp-connector, move the file away, and put a backup in its place. It was not changed."),
    ),
    (
        "SQLITE_NOTADB",
        say("file is not a database"),
        say("Move it away, or name another one in CONNECTOR_DATABASE_URL or CONNECTOR_DATA_DIR. It was not changed."),
    ),
    (
        "SQLITE_CANTOPEN",
        say("unable to open database file"),
        say("Check that its directory is there and may be read and written by the user who runs crisp-connector."),
    ),
    (
        "SQLITE_IOERR",
        say("the disk does not take or give its bytes"),
        say("Check the room, the quota and the health of the disk."),
    ),
    ("SQLITE_BUSY", say("another process keeps it locked"), say("Wait for it, or stop it, and try again.")),
)
# PostgreSQL's (postgresql.org/docs/current/errcodes-appendix.html).
_POSTGRESQL = {
    "53100": (say("its disk is full"), say("Make room on the server's disk; what was accepted is kept.")),
    "53300": (say("it has too many connections"), say("Raise max_connections, or run fewer processes.")),
    "25006": (say("it is read-only"), say("Name the primary server in CONNECTOR_DATABASE_URL.")),
    "42501": (
        say("it does not let this user do that"),
        say("Give the user of CONNECTOR_DATABASE_URL the rights to its tables."),
    ),
}


def sentence(problem: SQLAlchemyError, database: str | None) -> str:
    """What keeps this database from being used."""
    what, remedy = _told(problem, database)
    facts = {"what": what, "remedy": remedy}
    if database:
        return say("The database {database} cannot be used: {what}. {remedy}", database=database, **facts)
    return say("The database cannot be used: {what}. {remedy}", **facts)


def _told(problem: SQLAlchemyError, database: str | None) -> tuple[str, str]:
    cause = problem.orig if isinstance(problem, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        if database and Path(database).is_dir():
            return say("it is a directory"), say("Name a file in CONNECTOR_DATABASE_URL.")
        name = getattr(cause, "sqlite_errorname", "")
        known = next((told for begin, *told in _SQLITE if name.startswith(begin)), None)
        return (known[0], known[1]) if known else (str(cause), say("Look at the file and its directory."))
    if state := getattr(cause, "sqlstate", None):
        return _POSTGRESQL.get(
            state, (say("PostgreSQL says {state}", state=state), say("Look the code up in PostgreSQL's documentation."))
        )
    said = str(cause).strip().splitlines()[0] if cause and str(cause).strip() else type(problem).__name__
    return said, say("Check CONNECTOR_DATABASE_URL and the server.")
