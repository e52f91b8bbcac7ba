"""Sandboxes and services in processes of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.commands import GOOD
from tests.process.running import Crisp, running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes of a module run and write."""
    return tmp_path_factory.mktemp("process")


@pytest.fixture(scope="module")
def sandbox(folder: Path) -> Iterator[Crisp]:
    """One sandbox for a module."""
    with running("sandbox", "--port", "0", env={}, folder=folder) as process:
        yield Crisp(process)


@pytest.fixture
def crisp(sandbox: Crisp) -> Crisp:
    """The module's sandbox, empty, fast and without limits again."""
    sandbox.reset()
    sandbox.set(latency_ms=0, daily_quota=None, rate=None, error_rate=0, retry_after=None)
    sandbox.set(key=sandbox.running.said["key"], website_id=sandbox.running.said["website_id"])
    return sandbox


@pytest.fixture
def env(crisp: Crisp, tmp_path: Path) -> dict[str, str]:
    """The sandbox as the default connection, and a data directory of the test's own."""
    return {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def good(tmp_path: Path) -> str:
    """A CSV file of three people, with which nothing is wrong."""
    path = tmp_path / "good.csv"
    path.write_text(GOOD)
    return str(path)
