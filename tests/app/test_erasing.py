"""Erasing while other things happen: Crisp away, records under way, others at the database."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client
from connector.ledger import remains
from connector.ledger.tables import people
from tests import postgres
from tests.app.stack import DATABASES, Crisp, Stack, ended, problem, running, settings_for

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

ADA = "ada@example.com"
PATH = f"/v1/contacts/{ADA}"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def known(stack: Stack) -> list[tuple[Any, ...]]:
    """Names in the ledger."""
    with stack.services.ledger.read() as connection:
        return [tuple(row) for row in connection.execute(select(people.c.email, people.c.people_id))]


def halted(api: FlaskClient, stack: Stack) -> None:
    stack.save(halted="crisp_credential_refused")
    problem(api.delete(PATH), 503, "connection_halted")
    stack.save(halted=None)


def without_quota(api: FlaskClient, stack: Stack) -> None:
    stack.use(10_000)
    problem(api.delete(PATH), 503, "quota_used_up")
    stack.use(0)


def away(api: FlaskClient, stack: Stack) -> None:
    stack.crisp.switch(error_rate=1.0)
    problem(api.delete(PATH), 502, "crisp_unreachable")
    stack.crisp.switch(error_rate=0.0)


@pytest.fixture
def still(request: pytest.FixtureRequest, database: str, sandboxed: Crisp, tmp_path: Path) -> Iterator[Stack]:
    """A service that delivers nothing: what is accepted waits."""
    sandboxed.reset()
    with ExitStack() as kept:
        url = ""
        if database == "postgresql":
            url = kept.enter_context(postgres.database(request.getfixturevalue("postgres_server")))
        settings = settings_for(tmp_path, sandboxed.url, database_url=url)
        yield kept.enter_context(running(settings, sandboxed, delivers=False))


@pytest.mark.parametrize("fails", [halted, without_quota, away])
def test_what_waits_is_rejected_only_once_crisp_has_answered(still: Stack, fails: Any) -> None:
    api = still.client()
    still.crisp.add(ADA)
    waiting = api.post("/v1/contacts?wait=0", json={"email": ADA, "city": "Rome"}).get_json()
    fails(api, still)
    assert api.get(f"/v1/outcomes/{waiting['outcome_id']}").get_json()["status"] == "waiting"
    assert api.delete(PATH).get_json()["records"] == 1
    outcome = api.get(f"/v1/outcomes/{waiting['outcome_id']}").get_json()
    assert (outcome["status"], outcome["code"]) == ("rejected", "contact_erased")
    assert (still.crisp.people(), known(still)) == ({}, [])


def test_404_leaves_everything(api: FlaskClient, crisp: Crisp) -> None:
    for key in ("order-e-1", ADA):
        api.post("/v1/contacts", json={"email": "bob@example.com"}, headers={"Idempotency-Key": key})
    calls = crisp.calls
    for who in ("e", ADA, "order-e-1"):
        problem(api.delete(f"/v1/contacts/{who}"), 404, "contact_missing")
    assert crisp.calls - calls == 6
    for key in ("order-e-1", ADA):
        other = api.post("/v1/contacts", json={"email": "eve@example.com"}, headers={"Idempotency-Key": key})
        problem(other, 409, "idempotency_mismatch")


def test_both_names_go_when_the_ledger_has_them_apart(api: FlaskClient, stack: Stack) -> None:
    """Told by people_id alone, erased by email: only Crisp knows that it is one person."""
    for by in (0, 1):
        people_id = stack.crisp.add(ADA)
        assert api.patch(f"/v1/contacts/{people_id}", json={"city": "Rome"}).get_json()["status"] == "updated"
        with stack.services.ledger.write() as connection:
            connection.execute(update(people).values(email=None if by == 0 else people.c.email))
            connection.execute(update(people).values(people_id=None if by == 1 else people.c.people_id))
        assert api.delete(f"/v1/contacts/{(ADA, people_id)[by]}").status_code == 200
        assert (known(stack), stack.crisp.people()) == ([], {})


@pytest.mark.parametrize("pause", [0.0, 0.15, 0.35])
def test_a_record_that_comes_meanwhile_ends_as_crisp_has_it(
    stack: Stack, threads: ThreadPoolExecutor, pause: float
) -> None:
    api = stack.client()
    api.post("/v1/contacts", json={"email": ADA, "nickname": "Ada"})
    stack.crisp.switch(latency_ms=300)
    answer = threads.submit(lambda: stack.client().delete(PATH))
    time.sleep(pause)
    told = api.post("/v1/contacts?wait=0", json={"email": ADA, "nickname": "Countess"}).get_json()
    assert answer.result().status_code == 200
    ended(api, told["outcome_id"])
    stack.crisp.switch(latency_ms=0)
    agree(stack, told["outcome_id"])


def agree(stack: Stack, outcome_id: str) -> None:
    """The record was done before the erasure and went with it, or after it and lives: ledger and Crisp say the same."""
    outcome = stack.client().get(f"/v1/outcomes/{outcome_id}").get_json()
    there = [(email, card["people_id"]) for email, card in stack.crisp.people().items()]
    assert known(stack) == there
    assert outcome["status"] in ("created", "updated"), outcome
    assert (outcome["email"] == ADA) is bool(there), (outcome, there)
    if there:
        assert outcome["status"] == "created"
        assert stack.crisp.people()[ADA]["person"]["nickname"] == "Countess"


def test_a_record_in_hand_is_waited_for_and_goes_too(stack: Stack) -> None:
    api = stack.client()
    stack.crisp.switch(latency_ms=400)
    told = api.post("/v1/contacts?wait=0", json={"email": ADA, "nickname": "Ada", "data": {"plan": "pro"}}).get_json()
    time.sleep(0.2)
    assert api.delete(PATH).get_json()["in_crisp"] is True
    assert (known(stack), stack.crisp.people()) == ([], {})
    outcome = api.get(f"/v1/outcomes/{told['outcome_id']}").get_json()
    assert (outcome["status"], outcome["email"]) == ("created", None)


def test_a_record_that_renames_meanwhile_takes_nothing_away(stack: Stack) -> None:
    api = stack.client()
    api.post("/v1/contacts", json={"email": ADA, "nickname": "Ada"})
    stack.crisp.switch(latency_ms=400)
    api.patch(f"{PATH}?wait=0", json={"email": "countess@example.com"})
    time.sleep(0.2)
    assert api.delete(PATH).get_json()["in_crisp"] is True
    assert (known(stack), stack.crisp.people()) == ([], {})


def test_a_large_database_is_not_rewritten_while_somebody_waits(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remains, "QUICK", 1)
    api.post("/v1/contacts", json={"email": ADA})
    assert api.delete(PATH).status_code == 200
    ledger = stack.services.ledger
    assert not ledger.is_sqlite or remains.owed(ledger.files()[0])
    ledger._clean_at = 0.0  # it has rested
    ledger.clean_up()
    assert not ledger.is_sqlite or not remains.owed(ledger.files()[0])


def test_an_erasure_whose_answer_was_lost_was_in_crisp(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.crisp.add(ADA)
    send, lost = Client.send, list[Call]()

    def losing(client: Client, call: Call) -> Reply | Failure:
        answer = send(client, call)
        if call.method != "DELETE" or lost:
            return answer
        lost.append(call)
        return Failure("crisp_timeout", sent=True)

    monkeypatch.setattr(Client, "send", losing)
    assert api.delete(PATH).get_json()["in_crisp"] is True
    assert stack.crisp.people() == {}
