"""What the whole suite shares: a ledger on each database, and the program as the image has it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, delete
from xdist.scheduler import LoadScopeScheduling

from connector.ledger import Ledger
from connector.ledger.tables import connections, quotas, tallies
from tests import postgres, redis_server, tallying
from tests.deploy.image import build

# Bytes that must be free in memory for the tests' files to lie there: what is durable is then no wait for a disk.
_ROOM = 4 * 1024**3
_MEMORY = Path("/dev/shm")
_DATABASES = ("postgresql", "sqlite")
# What takes longest, by the beginning of its path. It begins first, so that at the end nobody waits for one of them.
_LONG = (
    "tests/chaos/",
    "tests/deploy/",
    "tests/app/test_promise_14_",
    "tests/files/test_promise_10_",
    "tests/process/",
    "tests/security/test_promise_16_",
    "tests/app/test_promise_20_",
    "tests/platforms/test_n8n",
    "tests/platforms/test_zapier",
)


def pytest_configure() -> None:
    """Temporary files lie in memory, where there is room."""
    if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, each in the order that it had."""
    items.sort(key=lambda item: next((n for n, long in enumerate(_LONG) if item.nodeid.startswith(long)), len(_LONG)))


class _Together(LoadScopeScheduling):  # type: ignore[misc] # it has no types
    """Side by side, what a file has of one database stays together, for its service is started once; and so does all
    that is made of the image, which takes long to build."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if file.startswith("tests/deploy/") or file == "tests/process/test_wheel.py":
            return "image"
        return f"{file} {next((kind for kind in _DATABASES if kind in test), '')}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """How tests are shared out."""
    return _Together(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server; what needs one is left out loudly where there is none, and fails where CI=true."""
    try:
        with postgres.server() as url:
            yield url
    except postgres.NoServer as problem:
        if os.environ.get("CI") == "true":
            pytest.fail(f"PostgreSQL is needed here: {problem}")
        pytest.skip(f"LEFT OUT: PostgreSQL: {problem}")


@pytest.fixture(scope="session")
def redis_words() -> tuple[str, ...]:
    """What a Redis of our own is told beside where it listens."""
    return ("--save", "")


@pytest.fixture(scope="session")
def redis_url(redis_words: tuple[str, ...]) -> Iterator[str]:
    """A Redis server; what needs one is left out loudly where there is none, and fails where CI=true."""
    try:
        with redis_server.server(redis_words) as url:
            yield url
    except redis_server.NoServer as problem:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Redis is needed here: {problem}")
        pytest.skip(f"LEFT OUT: Redis: {problem}")


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of a database with this version's tables, for the whole session."""
    with postgres.database(postgres_server) as url:
        ledger = Ledger(url)
        ledger.prepare()
        ledger.close()
        yield url


@pytest.fixture
def emptied_postgres(postgres_database: str) -> str:
    """The session's PostgreSQL database, with all its tables empty: nearly everything belongs to a connection."""
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        connection.execute(delete(connections))
        connection.execute(delete(quotas))
        connection.execute(delete(tallies))
    engine.dispose()
    return postgres_database


@pytest.fixture(scope="session")
def prepared_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with this version's tables, to be copied."""
    path = tmp_path_factory.mktemp("prepared") / "ledger.db"
    ledger = Ledger(f"sqlite:///{path}")
    ledger.prepare()
    ledger.close()
    return path


@pytest.fixture
def copied_sqlite(prepared_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a SQLite database with empty tables."""
    return f"sqlite:///{shutil.copy(prepared_sqlite, tmp_path / 'ledger.db')}"


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> str:
    """The URL of a SQLite database that is not there yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def empty_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of a new PostgreSQL database without any table."""
    with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture(params=[("sqlite", "copied_sqlite"), ("postgresql", "emptied_postgres")], ids=lambda each: each[0])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """An empty ledger with its tables, on each database. Whatever a test does, its tallies are right after it."""
    ledger = Ledger(request.getfixturevalue(request.param[1]))
    yield ledger
    tallying.check(ledger, hours=False)
    ledger.close()


@pytest.fixture(params=[("sqlite", "empty_sqlite"), ("postgresql", "empty_postgres")], ids=lambda each: each[0])
def blank_ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """A ledger whose database has no tables yet, on each database."""
    ledger = Ledger(request.getfixturevalue(request.param[1]))
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the image is made of: the wheel in `dist`, and installed in `opt/crisp-connector`."""
    root = tmp_path_factory.mktemp("image")
    build(root)
    return root
