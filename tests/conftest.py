"""What the whole suite shares: a ledger on each database, and the program as the image has it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete

from connector.ledger import Ledger
from connector.ledger.tables import connections, quotas
from tests import postgres, redis_server
from tests.deploy.image import build


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Side by side, a file stays together, and so does everything that needs the image: it takes long to build."""
    for item in items:
        group = "image" if "image" in getattr(item, "fixturenames", ()) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


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
    """The session's PostgreSQL database, with all its tables empty: everything but quotas belongs to a connection."""
    engine = create_engine(postgres_database)
    with engine.begin() as connection:
        connection.execute(delete(connections))
        connection.execute(delete(quotas))
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
    """An empty ledger with its tables, on each database."""
    ledger = Ledger(request.getfixturevalue(request.param[1]))
    yield ledger
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
