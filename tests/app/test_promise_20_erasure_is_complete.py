"""Promise 20: erase a contact, then search the database, its files and the logs for it."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from connector import logs
from connector.ledger.tables import metadata
from tests import postgres
from tests.app.files import imported, kept
from tests.app.stack import DATABASES, Crisp, Stack, ended, finished, problem, running, settings_for
from tests.files.writing import gzipped

EMAIL = "zebra.quagga@example.com"
NEW_EMAIL = "okapi.bongo@example.com"
PERSON: dict[str, Any] = {
    "email": EMAIL,
    "full_name": "Zebra Quagga",
    "phone": "+33142685377",
    "notepad": "Zebra is fond of oats",
    "data": {"passport": "zebra-passport-77"},
}
FILE = f"Exported by {EMAIL}\n\nEmail,Name\n{EMAIL},Zebra Quagga\nada@example.com,Ada\nnobody,Bob\n"
TRACES = ("zebra", "quagga", "33142685377", "oats", "okapi", "bongo")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Logs at debug level."""
    kept, written = structlog.get_config(), io.StringIO()
    with redirect_stderr(written):
        logs.configure("debug")
        yield written
    structlog.configure(**kept)


@contextmanager
def _running(request: pytest.FixtureRequest, crisp: Crisp, folder: Path, **more: Any) -> Iterator[Stack]:
    crisp.reset()
    with ExitStack() as kept:
        url = ""
        if request.param == "postgresql":
            url = kept.enter_context(postgres.database(request.getfixturevalue("postgres_server")))
        yield kept.enter_context(running(settings_for(folder, crisp.url, database_url=url, **more), crisp))


@pytest.fixture(params=DATABASES)
def stack(request: pytest.FixtureRequest, written: io.StringIO, sandboxed: Crisp, tmp_path: Path) -> Iterator[Stack]:
    """A service with a database of its own, for its files are read."""
    with _running(request, sandboxed, tmp_path) as running:
        yield running


@pytest.fixture(params=DATABASES)
def giving_up(
    request: pytest.FixtureRequest, written: io.StringIO, sandboxed: Crisp, tmp_path: Path
) -> Iterator[Stack]:
    """The same, that gives up after a second."""
    with _running(request, sandboxed, tmp_path, retry_age=1) as running:
        yield running


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
    for content, name in (
        (FILE, f"about {EMAIL}.csv"),
        (FILE.encode("utf-16"), "people.csv"),
        (gzipped(FILE.encode()), "x"),
    ):
        finished(client, imported(client, content, name))
    client.patch(f"/v1/contacts/{people_id}/data", json={"note": "oats"})
    assert client.patch(f"/v1/contacts/{EMAIL}", json={"email": NEW_EMAIL}).get_json()["status"] == "updated"
    client.get(f"/v1/contacts/{NEW_EMAIL}")
    return people_id


def dead_letter(stack: Stack) -> str:
    """A record of the person that was given up; the names of its contact are in no other."""
    stack.crisp.switch(error_rate=1.0)
    client, said = stack.client(), {"email": EMAIL, "nickname": "Gnu-Herd", "data": {"herd": "gnu-herd-12"}}
    told = client.post("/v1/contacts?wait=0", json=said, headers={"Idempotency-Key": "dead-1"}).get_json()
    assert ended(client, told["outcome_id"])["status"] == "dead"
    stack.crisp.switch(error_rate=0.0)
    outcome_id: str = told["outcome_id"]
    return outcome_id


def test_a_dead_letter_goes_too(giving_up: Stack, written: io.StringIO) -> None:
    client = giving_up.client()
    outcome_id = dead_letter(giving_up)
    assert "gnu-herd-12" in searched(giving_up), "the letter was never here"
    told = client.delete(f"/v1/contacts/{EMAIL}").get_json()
    assert (told["erased"], told["records"], told["idempotency_keys"]) == (True, 1, 1)
    assert told["calls"] >= 1
    giving_up.services.engine.stop()
    left = searched(giving_up)
    assert [trace for trace in ("gnu-herd", EMAIL) if trace in left] == []
    assert "gnu-herd" not in written.getvalue().casefold()
    kept = client.get(f"/v1/outcomes/{outcome_id}").get_json()
    assert (kept["status"], kept["email"], kept["contact"]) == ("dead", None, None)
    assert client.post("/v1/outcomes/replay", json={"ids": [outcome_id]}).get_json() == {
        "replayed": 0,
        "not_replayable": 1,
    }


def test_an_answer_that_is_kept_goes_too(stack: Stack) -> None:
    """Another request's stored answer that names the person: a mapping that was saved under the address."""
    client, once = stack.client(), {"Idempotency-Key": "mapping-1"}
    assert client.post("/v1/contacts", json=PERSON).status_code == 200
    saved = client.post("/v1/mappings", json={"name": f"for {EMAIL}", "mapping": {"email": "E"}}, headers=once)
    assert client.delete(f"/v1/mappings/for {EMAIL}").status_code == saved.status_code - 1 == 200
    assert "zebra" in rows(stack)
    assert client.delete(f"/v1/contacts/{EMAIL}").get_json()["idempotency_keys"] == 1
    stack.services.engine.stop()
    assert [trace for trace in TRACES if trace in searched(stack)] == []


def rows(stack: Stack) -> str:
    """Everything that any table has."""
    with stack.services.ledger.read() as connection:
        found = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    return "\n".join(found).casefold()


def searched(stack: Stack) -> str:
    """Rows, and the bytes of every file in the data directory: database, its log, queue, secret key; and of the files
    that are kept, in whichever encoding."""
    files = [path.read_bytes() for path in stack.services.settings.data_dir.rglob("*") if path.is_file()]
    plain = [content.replace(b"\0", b"") for content in kept(stack)]
    return rows(stack) + b"".join((*files, *plain)).decode("latin-1").casefold()


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
    assert set(stack.crisp.people()) == {"ada@example.com"}
    assert _totals(stack) == before, "outcomes keep their counts"
    assert left.count("(erased),") >= 2, "the files of others are still there"
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
