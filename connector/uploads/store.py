"""The store of uploaded files: each once, by its SHA-256, in a directory or, with several machines, in the database."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from urllib.parse import quote, unquote

from connector.body import size
from connector.errors import Problem
from connector.ledger import Ledger, parts

# The most bytes that are taken of one file.
LARGEST = 200_000_000
_CHUNK = 1_000_000
# How the folder of a connection is called, before its id.
_OF = "website-"
# A file that has been coming in for longer is of a process that died (seconds).
_STALE = 6 * 3_600


class Incoming:
    """A file on its way in: what is written is counted and hashed, and on disk when `finish` returns."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        self.path, self.size, self._largest = path, 0, largest
        self._digest = hashlib.sha256()
        self._file = path.open("xb")

    def write(self, chunk: bytes) -> int:
        """Takes some bytes. Raises `file_too_large`, `files_unavailable`."""
        self.size += len(chunk)
        if self.size > self._largest:
            raise Problem("file_too_large", limit=size(self._largest))
        self._digest.update(chunk)
        with told():
            return self._file.write(chunk)

    def finish(self) -> str:
        """The SHA-256 of the whole, which is on disk now."""
        with told():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Removes what was not kept."""
        # On a full disk, closing tries once more to write what is left, and fails once more.
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


class Store(Protocol):
    """Keeps files. What `keep` has returned from is not lost."""

    def incoming(self) -> AbstractContextManager[Incoming]:
        """A place for a file to come in; what is not kept is gone afterwards."""

    def keep(self, connection_id: str, coming: Incoming, digest: str) -> None:
        """Keeps a finished file of this connection under its hash."""

    def local(self, connection_id: str, digest: str) -> AbstractContextManager[Path]:
        """The file, to be read. Raises `file_forgotten`."""

    def drop(self, connection_id: str, digest: str) -> None:
        """Removes a file, if it is there."""

    def every(self) -> Iterator[tuple[str, str, float]]:
        """Connection, hash and time (UNIX seconds) of every file that is kept."""


@contextmanager
def told() -> Iterator[None]:
    """Says in words what the disk refuses."""
    try:
        yield
    except OSError as problem:
        reason = (problem.strerror or type(problem).__name__).lower()
        raise Problem("files_unavailable", reason=reason, retry_after=60) from problem


class Directory:
    """Files in a directory, which several machines may share: by connection and hash; `incoming` has what comes in."""

    def __init__(self, root: Path) -> None:
        self._root, self._incoming = root, root / "incoming"

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """See `Store`."""
        with told():
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            coming = Incoming(self._incoming / f"{os.getpid()}-{time.time_ns()}-{os.urandom(4).hex()}")
        try:
            yield coming
        finally:
            coming.close()

    def keep(self, connection_id: str, coming: Incoming, digest: str) -> None:
        """See `Store`. The rename is on disk as well when this returns."""
        folder = self._folder(connection_id)
        with told():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if coming.path.exists() or not (folder / digest).exists():  # else it was kept before
                os.replace(coming.path, folder / digest)
            _sync(folder)

    @contextmanager
    def local(self, connection_id: str, digest: str) -> Iterator[Path]:
        """See `Store`."""
        path = self._folder(connection_id) / digest
        if not path.is_file():
            raise Problem("file_forgotten")
        yield path

    def drop(self, connection_id: str, digest: str) -> None:
        """See `Store`."""
        with told():
            (self._folder(connection_id) / digest).unlink(missing_ok=True)

    def every(self) -> Iterator[tuple[str, str, float]]:
        """See `Store`. What a process left behind when it died while a file came in is removed on the way."""
        for folder in sorted(self._root.iterdir()) if self._root.is_dir() else ():
            for path, kept_at in _dated(folder):
                if folder != self._incoming:
                    yield unquote(folder.name.removeprefix(_OF)), path.name, kept_at
                elif time.time() - kept_at > _STALE:
                    path.unlink(missing_ok=True)

    def _folder(self, connection_id: str) -> Path:
        return self._root / f"{_OF}{quote(connection_id, safe='')}"


class Database:
    """Files in the database, where every process finds them; they are read from a copy in the temporary directory."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """See `Store`."""
        with _temporary() as folder:
            with told():
                coming = Incoming(folder / "incoming")
            try:
                yield coming
            finally:
                coming.close()

    def keep(self, connection_id: str, coming: Incoming, digest: str) -> None:
        """See `Store`."""
        with self._ledger.write(durable=True) as connection, coming.path.open("rb") as file:
            chunks = iter(lambda: file.read(_CHUNK), b"")
            parts.save(connection, connection_id, digest, chunks, int(time.time() * 1000))

    @contextmanager
    def local(self, connection_id: str, digest: str) -> Iterator[Path]:
        """See `Store`."""
        with _temporary() as folder:
            path = folder / digest
            with told(), path.open("wb") as file, self._ledger.snapshot() as connection:
                for part in parts.read(connection, connection_id, digest):
                    file.write(part)
                if not file.tell():
                    raise Problem("file_forgotten")
            yield path

    def drop(self, connection_id: str, digest: str) -> None:
        """See `Store`."""
        with self._ledger.write() as connection:
            parts.drop(connection, connection_id, digest)

    def every(self) -> Iterator[tuple[str, str, float]]:
        """See `Store`."""
        with self._ledger.read() as connection:
            found = parts.every(connection)
        for connection_id, digest, created_at in found:
            yield connection_id, digest, created_at / 1000


def open_store(ledger: Ledger, data_dir: Path, files_dir: Path | None) -> Store:
    """The store of the settings: a directory when one is named or the database is embedded, else the database."""
    if files_dir is None and not ledger.is_sqlite:
        return Database(ledger)
    return Directory(files_dir or data_dir / "files")


def copy(source: Path, coming: Incoming) -> None:
    """Brings in a file that is on this machine."""
    with source.open("rb") as file:
        shutil.copyfileobj(file, coming, _CHUNK)


@contextmanager
def _temporary() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with told():
        folder = TemporaryDirectory(prefix="crisp-connector-")
    with folder as name:
        yield Path(name)


def _dated(folder: Path) -> Iterator[tuple[Path, float]]:
    """The files of a folder and when each was written, but for those that go away meanwhile."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            yield path, path.stat().st_mtime


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
