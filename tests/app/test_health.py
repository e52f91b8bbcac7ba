"""Whether the process lives and can work, told without a key; and a service that is not connected yet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from connector.app import create_app
from connector.ledger import Ledger
from connector.services import open_services
from connector.settings import Settings
from connector.version import __version__
from tests.app.stack import DATABASES, Stack, problem, until


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[FlaskClient]:
    """A service without any connection."""
    services = open_services(Settings(data_dir=tmp_path))
    yield create_app(services).test_client()
    services.close()


def test_the_process_lives(stack: Stack) -> None:
    assert stack.client(None).get("/healthz").get_json() == {"status": "ok", "version": __version__}


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_it_can_work(stack: Stack) -> None:
    until(lambda: stack.client(None).get("/readyz").get_json().get("workers"))
    answer = stack.client(None).get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "ready",
        "version": __version__,
        "database": stack.services.ledger.version(),
        "connections": 1,
        "halted": 0,
        "reasons": {},
        "workers": 1,
    }


def test_without_a_worker_it_is_ready_all_the_same(lonely: FlaskClient) -> None:
    answer = lonely.get("/readyz")
    assert (answer.status_code, answer.get_json()["workers"]) == (200, 0)


def test_without_its_queue_it_is_not_ready(tmp_path: Path) -> None:
    services = open_services(Settings(data_dir=tmp_path, queue_url="redis://:hidden@127.0.0.1:1/0"))
    answer = create_app(services).test_client().get("/readyz")
    services.close()
    assert "hidden" not in str(problem(answer, 503, "queue_unavailable"))


def test_a_halted_connection_is_a_detail(stack: Stack) -> None:
    stack.save(halted="crisp_credential_refused")
    answer = stack.client(None).get("/readyz")
    assert (answer.status_code, answer.get_json()["halted"]) == (200, 1)
    assert answer.get_json()["reasons"] == {"crisp_credential_refused": 1}


def test_without_a_connection_it_is_ready_and_says_what_to_do(lonely: FlaskClient) -> None:
    assert lonely.get("/readyz").get_json()["connections"] == 0
    told = problem(lonely.post("/v1/contacts", json={"email": "ada@example.com"}), 503, "no_connection")
    assert "CRISP_WEBSITE_ID" in told["message"]
    problem(lonely.get("/v1/me", headers={"Authorization": "Bearer x"}), 503, "no_connection")


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_tables_of_another_version_are_not_ready(tmp_path: Path, version: str) -> None:
    services = open_services(Settings(data_dir=tmp_path))
    with services.ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    told = problem(create_app(services).test_client().get("/readyz"), 503, "database_unavailable")
    assert "version" in told["message"]
    services.close()


def test_where_the_database_is_concerns_nobody(tmp_path: Path) -> None:
    services = open_services(Settings(data_dir=tmp_path))
    client = create_app(services).test_client()
    services.close()
    for file in services.ledger.files():
        file.unlink(missing_ok=True)
    services.ledger.files()[0].mkdir()
    told = problem(client.get("/readyz"), 503, "database_unavailable")
    assert str(tmp_path) not in str(told)
    assert "connector.db" not in str(told)
    services.ledger.close()


def _lost(_: Ledger) -> Any:
    from sqlalchemy.exc import OperationalError

    raise OperationalError("SELECT secret FROM x", {"email": "ada@example.com"}, Exception("gone: ada@example.com"))


def test_a_database_that_does_not_answer_is_503_and_says_nothing_of_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ledger, "read", _lost)
    answer = stack.client().post("/v1/contacts", json={"email": "ada@example.com"})
    told = problem(answer, 503, "database_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "ada@example.com" not in str(told)
    assert "SELECT" not in str(told)
    problem(stack.client(None).get("/readyz"), 503, "database_unavailable")
    assert stack.client(None).get("/healthz").status_code == 200


def test_a_mistake_of_ours_is_500_and_says_nothing_of_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Ledger) -> Any:
        raise RuntimeError("ada@example.com")

    monkeypatch.setattr(Ledger, "read", broken)
    told = problem(stack.client().get("/v1/me"), 500, "server_error")
    assert "ada@example.com" not in str(told)


def test_every_answer_names_its_request(stack: Stack) -> None:
    client = stack.client(None)
    given = client.get("/healthz", headers={"X-Request-Id": "n8n-run-4711"})
    assert given.headers["X-Request-Id"] == "n8n-run-4711"
    for odd in ("", "short", "a b c d e f g h", "x" * 65, "ada@example.com"):
        made = client.get("/healthz", headers={"X-Request-Id": odd}).headers["X-Request-Id"]
        assert len(made) == 32
        assert made != odd
