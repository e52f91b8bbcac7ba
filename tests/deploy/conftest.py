"""The image's program, and the servers that the processes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests import postgres
from tests.deploy import declared
from tests.process.running import Crisp, running


@pytest.fixture(scope="session")
def program(image: Path) -> str:
    """The program of the image."""
    return f"{image}{declared.PROGRAM}"


@pytest.fixture
def database(postgres_server: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def redis_words() -> tuple[str, ...]:
    """What compose tells its Redis."""
    return tuple(str(word) for word in declared.compose()["redis"]["command"][1:])


@pytest.fixture
def crisp(tmp_path: Path) -> Iterator[Crisp]:
    """A sandbox."""
    with running("sandbox", "--port", "0", env={}, folder=tmp_path) as process:
        yield Crisp(process)


@pytest.fixture
def settings(crisp: Crisp, tmp_path: Path) -> dict[str, str]:
    """What a user fills in."""
    key = Fernet.generate_key().decode()
    return {**crisp.env, "CONNECTOR_SECRET_KEY": key, "POSTGRES_PASSWORD": "p/a:s@s%w#rd"}
