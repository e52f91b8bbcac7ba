"""A running service, kept for a module and emptied before each test."""

import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient

from connector import overview
from tests import postgres, tallying
from tests.app.inbound import cleared
from tests.app.stack import Crisp, Stack, running, sandbox, settings_for
from tests.vendors.standing import hurried


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    """Logs go nowhere, unless a test says where."""
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(*_: object) -> str:
    raise structlog.DropEvent


@pytest.fixture(scope="package", autouse=True)
def _looked_at_anew() -> Iterator[None]:
    """However long a look at the ledger takes on a busy machine, `/metrics` does not show it again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(overview, "_QUICK", math.inf)
        yield


@pytest.fixture(scope="session")
def sandboxed() -> Iterator[Crisp]:
    """One sandbox for all."""
    with sandbox() as crisp:
        yield crisp


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest) -> str:
    """SQLite; a module that wants each says `parametrize("database", DATABASES, indirect=True)`."""
    kind: str = getattr(request, "param", "sqlite")
    return kind


@pytest.fixture(scope="module")
def delivers() -> bool:
    """Whether the service delivers by itself; a module that says when has its own fixture of this name."""
    return True


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """Settings beside the usual ones; a module that wants some has its own fixture of this name."""
    return {}


@pytest.fixture(scope="module")
def hurry() -> Iterator[None]:
    """Vendors may be asked without a pause."""
    with hurried():
        yield


@pytest.fixture(scope="module")
def service(
    request: pytest.FixtureRequest,
    database: str,
    delivers: bool,
    settings: dict[str, Any],
    sandboxed: Crisp,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """A running service."""
    folder = tmp_path_factory.mktemp("data")
    with ExitStack() as kept:
        url = ""
        if database == "postgresql":
            url = kept.enter_context(postgres.database(request.getfixturevalue("postgres_server")))
        wanted = settings_for(folder, sandboxed.url, database_url=url, **settings)
        yield kept.enter_context(running(wanted, sandboxed, delivers=delivers))


@pytest.fixture
def stack(service: Stack) -> Iterator[Stack]:
    """The service as new. Whatever a test does, its tallies are right after it."""
    service.reset()
    yield service
    tallying.check(service.services.ledger, hours=False)


@pytest.fixture
def api(stack: Stack) -> FlaskClient:
    """A client with the admin's key."""
    return stack.client()


@pytest.fixture
def crisp(stack: Stack) -> Crisp:
    """The Crisp that is delivered to."""
    return stack.crisp


@pytest.fixture
def no_addresses(stack: Stack) -> Iterator[None]:
    """No inbound address before a test, and none after it."""
    cleared(stack)
    yield
    cleared(stack)
