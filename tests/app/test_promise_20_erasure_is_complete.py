"""Promise 20: erase a contact, then search the database, its files and the logs for it."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from connector import logs
from connector.ledger.tables import metadata
from tests import postgres
from tests.app.stack import DATABASES, Crisp, Stack, ended, finished, problem, running, settings_for

EMAIL = "zebra.quagga@example.com"
NEW_EMAIL = "okapi.bongo@example.com"
PERSON: dict[str, Any] = {
    "email": EMAIL,
    "full_name": "Zebra Quagga",
    "phone": "+33142685377",
    "notepad": "Zebra is fond of oats",
    "data": {"passport": "zebra-passport-77"},
}
TRACES = ("zebra", "quagga", "33142685377", "oats", "okapi", "bongo")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Logs at debug level."""
    kept, written = structlog.get_config(), io.StringIO()
    with redirect_stderr(written):
        logs.configure("debug")
        yield written
    structlog.configure(**kept)


@pytest.fixture(params=DATABASES)
def stack(request: pytest.FixtureRequest, written: io.StringIO, sandboxed: Crisp, tmp_path: Path) -> Iterator[Stack]:
    """A service with a database of its own, for its files are read."""
    sandboxed.reset()
    with ExitStack() as kept:
        url = ""
        if request.param == "postgresql":
            url = kept.enter_context(postgres.database(request.getfixturevalue("postgres_server")))
        yield kept.enter_context(running(settings_for(tmp_path, sandboxed.url, database_url=url), sandboxed))


def live(stack: Stack) -> str:
    """A person with a history: records of several ways in, a refusal, a new email, a key that has the address."""
    client = stack.client()
    people_id: str = client.post("/v1/contacts", json=PERSON, headers={"Idempotency-Key": EMAIL}).get_json()[
        "people_id"
    ]
    client.post("/v1/contacts", json={**PERSON, "phone": "zebra"})
    client.post("/v1/contacts?mode=create", json=PERSON)
    finished(client, client.post("/v1/contacts/batch", json=[PERSON, PERSON]).get_json()["import_id"])
    page = {"object": "page", "id": "1c9d4e72-3b58-4f0a-9e61-7a2c8d05b3f4", "properties": {}}
    page["properties"] = {"Email": {"id": "e", "type": "email", "email": EMAIL}}
    client.post("/v1/contacts", json=page)
    client.patch(f"/v1/contacts/{people_id}/data", json={"note": "oats"})
    assert client.patch(f"/v1/contacts/{EMAIL}", json={"email": NEW_EMAIL}).get_json()["status"] == "updated"
    client.get(f"/v1/contacts/{NEW_EMAIL}")
    return people_id


def rows(stack: Stack) -> str:
    """Everything that any table has."""
    with stack.services.ledger.read() as connection:
        found = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    return "\n".join(found).casefold()


def searched(stack: Stack) -> str:
    """Rows, and the bytes of the database's files where there are any."""
    files = [path.read_bytes() for path in stack.services.ledger.files() if path.exists()]
    return rows(stack) + b"".join(files).decode("latin-1").casefold()


@pytest.mark.parametrize("by", ["new email", "people_id"])
def test_nothing_of_the_person_is_left(stack: Stack, written: io.StringIO, by: str) -> None:
    people_id = live(stack)
    assert all(trace in searched(stack) for trace in TRACES), "the person was never here"
    before = _totals(stack)
    answer = stack.client().delete(f"/v1/contacts/{NEW_EMAIL if by == 'new email' else people_id}")
    assert answer.status_code == 200
    stack.services.engine.stop()
    left = searched(stack)
    for trace in (*TRACES, people_id):
        assert trace not in left, f"{trace} is still there"
    assert stack.crisp.people() == {}
    assert _totals(stack) == before, "outcomes keep their counts"
    for trace in TRACES:
        assert trace not in written.getvalue().casefold()


def _totals(stack: Stack) -> list[str]:
    shown = stack.client().get("/v1/outcomes?limit=500").get_json()
    return sorted(each["status"] for each in shown)


def test_others_stay(stack: Stack) -> None:
    client = stack.client()
    live(stack)
    other = client.post("/v1/contacts", json={"email": "ada@example.com", "city": "Rome"}).get_json()
    assert client.delete(f"/v1/contacts/{NEW_EMAIL}").status_code == 200
    assert client.get(f"/v1/outcomes/{other['outcome_id']}").get_json()["email"] == "ada@example.com"
    assert client.post("/v1/contacts", json={"email": "ada@example.com", "city": "Rome"}).get_json()["calls"] == 0
    assert set(stack.crisp.people()) == {"ada@example.com"}


def test_an_erased_record_is_never_replayed(stack: Stack) -> None:
    client = stack.client()
    stack.crisp.add(EMAIL)
    told = problem(client.post("/v1/contacts?mode=create", json=PERSON), 409, "contact_exists")
    client.delete(f"/v1/contacts/{EMAIL}")
    assert client.post("/v1/outcomes/replay", json={"ids": [told["outcome_id"]]}).get_json() == {
        "replayed": 0,
        "not_replayable": 1,
    }
    assert ended(client, told["outcome_id"])["status"] == "rejected"
    assert stack.crisp.people() == {}


def test_an_address_that_is_another_persons_by_now_stays_theirs(stack: Stack) -> None:
    client = stack.client()
    client.post("/v1/contacts", json=PERSON)
    client.patch(f"/v1/contacts/{EMAIL}", json={"email": NEW_EMAIL})
    heir = {"email": EMAIL, "city": "Rome"}
    told = client.post("/v1/contacts", json=heir).get_json()
    assert told["status"] == "created"
    assert client.delete(f"/v1/contacts/{NEW_EMAIL}").status_code == 200
    assert client.get(f"/v1/outcomes/{told['outcome_id']}").get_json()["email"] == EMAIL
    assert client.post("/v1/contacts", json=heir).get_json()["calls"] == 0
    assert set(stack.crisp.people()) == {EMAIL}
