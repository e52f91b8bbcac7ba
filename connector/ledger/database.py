"""The database: engines, transactions, and which version of the tables it has."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from connector.clock import Clock
from connector.ledger import remains
from connector.ledger.silent import limited
from connector.ledger.trouble import sentence

log = structlog.get_logger()

# Every version of the tables, oldest first; the last is what this code speaks.
VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011")
_ADVISORY_LOCK = 0x63726973  # "cris": one process at a time creates the tables on PostgreSQL
_BUSY_SECONDS = 30
# What SQLite answers while another process has the file: its primary codes.
_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# Kept open, and opened beyond that for a while, by each of the two engines of a process.
_POOL, _OVERFLOW = 20, 60
# How many connections to PostgreSQL one process has at most.
MOST_CONNECTIONS = 2 * (_POOL + _OVERFLOW)
# How long others are waited for before the files are left to be cleaned later, where somebody waits (seconds).
_PATIENCE = 1.0
# Seconds that the cleaning which is made up for waits for others, and for how many of its length it then rests.
_CLEANING_PATIENCE, _CLEANING_SHARE = 2.0, 20
_OWED = "What was deleted is gone, but can still be in its files: serve and work clean them as soon as they can."
_NEWER = "The database is of a newer version than this program. Install the newer crisp-connector."


class DatabaseProblem(Exception):
    """The database cannot be used; the text says why and what to do."""


class WrongVersion(DatabaseProblem):
    """Its tables are not those that this program speaks; the text may be shown to anybody."""


class Ledger:
    """A database with its transactions.

    `write(durable=True)` is on disk when it returns (accepting); without, a power cut may take the last moments of
    delivering with it, which are then done again. A killed process loses neither.
    """

    def __init__(self, url: str) -> None:
        """Opens nothing yet. Raises `DatabaseProblem` for a database in memory."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database in (None, "", ":memory:"):
            raise DatabaseProblem("SQLite needs a file here: several threads share the database. Name one in its URL.")
        self._durable, self._light = (_engine(self.url, durable) for durable in (True, False))
        self._clean_at = 0.0
        self.clock = Clock() if self.is_sqlite else Clock(self._time)

    def _time(self) -> int:
        """What time the database has (UNIX milliseconds): all machines that share it go by that."""
        with self.read() as connection:
            return int(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp()) * 1000")))

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Connection]:
        """One transaction that writes; committed at the end, rolled back on an exception."""
        engine = self._durable if durable else self._light
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads."""
        with self._light.connect().execution_options(writes=False) as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One transaction that only reads, all of it as of one moment: PostgreSQL by itself shows every statement
        what is there by then."""
        with self.read() as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield connection

    def prepare(self) -> None:
        """Makes the tables where there are none. Raises `DatabaseProblem` when they are of another version."""
        version = self.version()
        if version is None:
            self.migrate()
        elif version in VERSIONS[:-1]:
            raise WrongVersion("The database is of an older version. Run: crisp-connector migrate")
        elif version != VERSIONS[-1]:
            raise WrongVersion(_NEWER)

    def version(self) -> str | None:
        """The version of the tables, None when there are none."""
        with _explained(self.url.database), self.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return version

    def migrate(self) -> tuple[str | None, str]:
        """Brings the tables to this code's version; returns the version before and after."""
        from connector.ledger.migrations import upgrade

        before = self.version()
        if before is not None and before not in VERSIONS:
            raise WrongVersion(_NEWER)
        with _explained(self.url.database), self.write(durable=True) as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            upgrade(connection)
        return before, VERSIONS[-1]

    def forget_deleted(self, *, patience: float = _BUSY_SECONDS, largest: int | None = None) -> None:
        """Makes deleted rows unreadable in the database's own files.

        Raises `DatabaseProblem` when that cannot be done now, or the file is larger than that: it is still owed.
        """
        if not self.is_sqlite:
            return
        file = self.files()[0]
        try:
            if largest is not None and file.stat().st_size > largest:
                raise DatabaseProblem(f"The database is large. {_OWED}")
            remains.clean(file, patience)
        except (sqlite3.Error, OSError) as problem:
            raise DatabaseProblem(f"The database is busy. {_OWED}") from problem

    def forget(self, *, wait: bool) -> bool:
        """`forget_deleted`, where what is deleted is gone in any case: that its files are not clean yet is no failure,
        but False. Without `wait` a large file is left for later, and so is one that others are at."""
        quick: dict[str, Any] = {} if wait else {"patience": _PATIENCE, "largest": remains.QUICK}
        try:
            self.forget_deleted(**quick)
        except DatabaseProblem as problem:
            log.warning("cleaning_owed", message=str(problem))
            return False
        return True

    def clean_up(self) -> None:
        """Makes up for what `forget_deleted` could not do; the larger the file, the rarer, for others cannot write."""
        if not self.is_sqlite or time.monotonic() < self._clean_at or not remains.owed(self.files()[0]):
            return
        begun = time.monotonic()
        try:
            self.forget_deleted(patience=_CLEANING_PATIENCE)
        except DatabaseProblem as problem:
            log.warning("cleaning_owed", reason=str(problem.__cause__))
        self._clean_at = time.monotonic() + (time.monotonic() - begun) * _CLEANING_SHARE

    def damaged(self) -> bool:
        """Whether the file of an SQLite database is not whole; reads all of it. A server looks after its own files."""
        if not self.is_sqlite:
            return False
        with self.read() as connection:
            return connection.execute(text("PRAGMA quick_check(1)")).scalar() != "ok"

    def files(self) -> list[Path]:
        """The files of an SQLite database."""
        name = self.url.database if self.is_sqlite else None
        return [Path(name + ending) for ending in ("", "-wal", "-shm")] if name else []

    def close(self) -> None:
        """Gives back every connection."""
        self._durable.dispose()
        self._light.dispose()


@contextmanager
def _explained(database: str | None) -> Iterator[None]:
    """Says in words what keeps a database from being opened."""
    try:
        yield
    except DBAPIError as problem:
        raise DatabaseProblem(sentence(problem, database)) from problem


def _engine(url: URL, durable: bool) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = create_engine(
        url if is_sqlite else limited(url),
        json_serializer=_dumps,
        pool_size=_POOL,
        max_overflow=_OVERFLOW,
        pool_pre_ping=not is_sqlite,
    )
    if is_sqlite:
        event.listen(engine, "connect", _sqlite_settings(durable))
        event.listen(engine, "begin", _begin_sqlite)
    elif not durable:
        event.listen(engine, "connect", _postgresql_light)
    return engine


# Made once: `json.dumps` makes one for every value.
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Switches to the write-ahead log, which a new file needs once. For that SQLite does not keep its busy timeout, so
    processes that start together on a new file are waited for here."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF not in _IN_USE or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _sqlite_settings(durable: bool) -> Any:
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where sqlite3 guesses
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        _write_ahead(cursor)
        cursor.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    return configure


def _begin_sqlite(connection: Connection) -> None:
    """A writing transaction takes the write lock at once, so that it never fails half-way for another writer."""
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_light(connection: Any, _record: object) -> None:
    connection.execute("SET synchronous_commit TO off")
    connection.commit()
