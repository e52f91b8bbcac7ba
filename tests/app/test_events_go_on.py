"""What hears and tells goes on after the database was away, and nothing that Crisp told is lost by that."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg import sql
from structlog.testing import capture_logs

from connector.events import runner
from connector.events.finishing import Finishing
from connector.events.runner import Runner
from connector.ledger import DatabaseProblem, Ledger
from tests.app.stack import DATABASES, Crisp, Stack, until
from tests.app.telling import SECRET, page, told

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

Away = Callable[[], AbstractContextManager[None]]
# How often a database that is away is noted before it is there again.
NOTED = 2


@pytest.fixture(scope="module")
def delivers() -> bool:
    """Nobody else is at the database."""
    return False


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"crisp_hook_secret": SECRET}


@contextmanager
def _moved(ledger: Ledger) -> Iterator[None]:
    """Its directory is not there, as when a disk is not mounted."""
    folder = ledger.files()[0].parent
    elsewhere = folder.rename(folder.with_name(f"{folder.name}-elsewhere"))
    ledger.close()
    try:
        yield
    finally:
        elsewhere.rename(folder)


@contextmanager
def _shut(ledger: Ledger, server: str) -> Iterator[None]:
    """It ends everybody's connections and takes no new ones, as when a server starts again."""
    name = ledger.url.database or ""
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


@pytest.fixture
def away(request: pytest.FixtureRequest, stack: Stack) -> Away:
    """While it lasts, the database is away."""
    ledger = stack.services.ledger
    if ledger.is_sqlite:
        return lambda: _moved(ledger)
    server: str = request.getfixturevalue("postgres_server")
    return lambda: _shut(ledger, server)


@contextmanager
def listening(stack: Stack, finishing: Finishing | None = None) -> Iterator[list[Any]]:
    """What runs in the background; what it has to complain of."""
    services = stack.services
    runs = Runner(services.ledger, finishing or services.events._finishing, 0, services.courier.clock, lambda: None)
    with capture_logs() as logs:
        runs.start()
        try:
            yield logs
        finally:
            runs.stop()


def complaints(logs: list[Any]) -> list[str]:
    return [each["event"] for each in logs if each["log_level"] in ("warning", "error")]


def created(api: FlaskClient) -> list[str]:
    return [each["contact"]["email"] for each in page(api, event="contact_created")]


def test_what_is_not_understood_when_it_goes_is_when_it_is_back(
    stack: Stack, api: FlaskClient, crisp: Crisp, away: Away
) -> None:
    told(stack, "people:profile:created", people_id=crisp.add("ada@example.com"))
    with ExitStack() as kept:
        gone = kept.enter_context(ExitStack())
        gone.enter_context(away())
        logs = kept.enter_context(listening(stack))
        until(lambda: len(complaints(logs)) >= NOTED)
        gone.close()
        assert until(lambda: created(api)) == ["ada@example.com"]
    assert len(complaints(logs)) >= NOTED
    assert {*complaints(logs)} == {"database_unavailable"}


def test_an_event_that_is_in_hand_when_it_goes_is_told_when_it_is_back(
    stack: Stack, api: FlaskClient, crisp: Crisp, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_HELD", 1_000)
    tools, gone, tries = stack.services.events._finishing.tools, ExitStack(), list[str]()

    def reads(connection_id: str, plan: Any) -> Any:
        tries.append(connection_id)
        if len(tries) == 1:
            gone.enter_context(away())
        return tools.reads(connection_id, plan)

    told(stack, "people:profile:created", people_id=crisp.add("ada@example.com"))
    with gone, listening(stack, Finishing(replace(tools, reads=reads))) as logs:
        until(lambda: len(complaints(logs)) >= NOTED)
        gone.close()
        assert until(lambda: created(api)) == ["ada@example.com"]
    assert len(tries) > 1
    assert len(complaints(logs)) >= NOTED
    assert {*complaints(logs)} == {"database_unavailable"}


def test_an_event_for_which_it_cannot_be_used_is_told_later(
    stack: Stack, api: FlaskClient, crisp: Crisp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_HELD", 1_000)
    tools, tries = stack.services.events._finishing.tools, list[str]()

    def reads(connection_id: str, plan: Any) -> Any:
        tries.append(connection_id)
        if len(tries) == 1:
            raise DatabaseProblem("The database is busy.")
        return tools.reads(connection_id, plan)

    told(stack, "people:profile:created", people_id=crisp.add("ada@example.com"))
    with listening(stack, Finishing(replace(tools, reads=reads))) as logs:
        assert until(lambda: created(api)) == ["ada@example.com"]
    assert complaints(logs) == ["database_unavailable"]
