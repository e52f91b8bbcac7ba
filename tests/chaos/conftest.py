"""A sandbox in a process of its own, and the two ways in which the service is run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.process.running import Crisp, running

# One machine with the embedded database; several processes with PostgreSQL and Redis.
ONE, MANY = ("serve",), ("web", "web", "work", "work")


@pytest.fixture
def crisp(tmp_path: Path) -> Iterator[Crisp]:
    """A sandbox of the test's own."""
    with running("sandbox", "--port", "0", "--seed", "1", env={}, folder=tmp_path) as process:
        yield Crisp(process)


@pytest.fixture(params=["sqlite", "postgresql+redis"])
def commands(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What is run."""
    return ONE if request.param == "sqlite" else MANY


@pytest.fixture
def env(
    commands: tuple[str, ...], crisp: Crisp, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[dict[str, str]]:
    """The environment of every process."""
    plain = {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path / "data"), "CRISP_DAILY_QUOTA": "10000000"}
    if commands == ONE:
        yield plain
        return
    server, redis_url = request.getfixturevalue("postgres_server"), request.getfixturevalue("redis_url")
    with postgres.database(server) as url:
        yield {**plain, "CONNECTOR_DATABASE_URL": url, "CONNECTOR_QUEUE_URL": redis_url}
