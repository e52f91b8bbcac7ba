"""Erasing a person who is named in what came in and is not taken in yet, alone or among others."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from connector.inbound import payload, runner, taking
from connector.ledger import arrivals as ledger_arrivals
from connector.ledger import inbounds as ledger_inbounds
from connector.ledger.naming import says
from connector.ledger.tables import arrivals, metadata
from tests.app.inbound import arrivals_of, made, outcomes_of, send, stored, took_in
from tests.app.stack import DATABASES, Stack, problem

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)
ADA, BOB = {"email": "ada@example.com", "nickname": "Ada Countess"}, {"email": "bob@example.com"}
PATH = "/v1/contacts/ada@example.com"


@pytest.fixture(scope="module")
def delivers() -> bool:
    """What is accepted waits."""
    return False


def rows(stack: Stack) -> str:
    """Everything that any table has."""
    with stack.services.ledger.read() as connection:
        return repr([list(connection.execute(select(table))) for table in metadata.sorted_tables])


def postpone(stack: Stack, milliseconds: int) -> None:
    with stack.services.ledger.write() as connection:
        connection.execute(update(arrivals).values(due_at=arrivals.c.due_at + milliseconds, attempts=1))


@pytest.mark.parametrize("pause", [0, 60_000])
def test_the_others_in_it_are_accepted(api: FlaskClient, stack: Stack, pause: int) -> None:
    """What is to be tried again later is taken in as well."""
    one = made(api)
    send(stack, one, [BOB, ADA, {**BOB, "city": "Rome"}])
    postpone(stack, pause)
    assert api.delete(PATH).get_json()["records"] == 1
    [arrival] = arrivals_of(api, one)
    assert arrival["outcome"] == "accepted"
    totals = api.get(f"/v1/imports/{arrival['import_id']}").get_json()["totals"]
    assert (totals["records"], totals["rejected"], totals["waiting"]) == (3, 1, 2)
    assert "ada@example.com" not in rows(stack)
    assert "Countess" not in rows(stack)
    assert took_in(stack) == 0


def test_alone_it_is_rejected_as_what_waits_is(api: FlaskClient, stack: Stack) -> None:
    one = made(api)
    send(stack, one, ADA)
    assert api.delete(PATH).get_json()["records"] == 1
    told = api.get(f"/v1/outcomes/{arrivals_of(api, one)[0]['outcome_id']}").get_json()
    assert (told["status"], told["code"], told["email"]) == ("rejected", "contact_erased", None)
    assert "ada@example.com" not in rows(stack)


@pytest.mark.parametrize("value", [ADA, [ADA, BOB]])
def test_who_has_it_in_hand_accepts_nothing_after_that(api: FlaskClient, stack: Stack, value: Any) -> None:
    one, services = made(api), stack.services
    send(stack, one, value)
    with services.ledger.write() as connection:
        late = ledger_arrivals.claim(connection, services.courier.clock(), services.courier.clock() + 60_000, "x")
        address = ledger_inbounds.get(connection, stack.tenant.id, one["id"])
    assert late is not None
    assert address is not None
    assert api.delete(PATH).get_json()["records"] == 1
    count = stack.count()
    taking.take_in(services, address, late)
    assert stack.count() == count
    assert "ada@example.com" not in rows(stack)
    assert outcomes_of(api, one) == ["accepted"]


def test_what_cannot_be_read_now_is_not_read_any_more(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = made(api)
    send(stack, one, ADA)

    def fails(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(runner, "take_in", fails)
    assert api.delete(PATH).get_json()["arrivals"] == 1
    assert outcomes_of(api, one) == ["contact_erased"]
    assert "ada@example.com" not in rows(stack)


def test_what_names_others_alone_waits_as_it_did(api: FlaskClient, stack: Stack) -> None:
    one = made(api)
    for email in ("canada@example.com", "ada@example.com.au"):
        assert stored(send(stack, one, {"email": email}))
    problem(api.delete(PATH), 404, "contact_missing")
    assert outcomes_of(api, one) == [None, None]
    assert took_in(stack) == 2


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_what_names_the_person_by_its_sources_id_is_a_record_of_the_person(
    api: FlaskClient, stack: Stack, content_type: str
) -> None:
    one, customer = made(api, "woocommerce"), {"id": 42, "role": "customer", "billing": {}, "is_paying_customer": False}
    send(stack, one, {**customer, **ADA, "first_name": "Ada"})
    assert took_in(stack) == 1
    send(stack, one, {**customer, "email": "", "first_name": "Augusta"}, content_type=content_type)
    assert api.delete(PATH).get_json()["records"] == 2
    assert outcomes_of(api, one) == ["accepted"] * 2
    assert "Augusta" not in rows(stack)


@pytest.mark.parametrize("ended", [False, True])
def test_no_erasure_fails_for_what_breaks_the_reader(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    """Somebody else's, by its words; it waits on, or is kept to be looked at."""
    one = made(api, "woocommerce")
    send(stack, one, {"id": 42, "role": "customer", **ADA})
    assert took_in(stack) == 1
    send(stack, one, {"id": 43, "role": "customer", **BOB})

    def breaks(*_: Any, **__: Any) -> Any:
        raise TypeError

    monkeypatch.setattr(payload, "reading_of", breaks)
    outcome = "server_error" if ended else None
    if ended:
        with stack.services.ledger.write() as connection:
            is_open = arrivals.c.due_at.is_not(None)
            connection.execute(update(arrivals).where(is_open).values(due_at=None, outcome=outcome))
    assert api.delete(PATH).get_json()["records"] == 1
    assert outcomes_of(api, one) == [outcome, "accepted"]
    assert "bob@example.com" in rows(stack)


@pytest.mark.parametrize(("deaths", "outcome"), [(3, None), (6, "arrival_deadly")])
def test_what_may_kill_whoever_reads_it_is_not_read_for_an_erasure(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch, deaths: int, outcome: str | None
) -> None:
    """Nobody counts who dies of it there."""
    one, customer = made(api, "woocommerce"), {"id": 42, "role": "customer"}
    send(stack, one, {**customer, **ADA})
    assert took_in(stack) == 1
    send(stack, one, {**customer, "email": ""})
    for _ in range(deaths):
        with stack.services.ledger.write() as connection:
            connection.execute(update(arrivals).where(arrivals.c.due_at.is_not(None)).values(due_at=0))
            assert ledger_arrivals.claim(connection, stack.services.courier.clock(), 1, "dead")
    if outcome:
        assert took_in(stack) == 1

    def kills(*_: Any, **__: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(payload, "reading_of", kills)
    assert api.delete(PATH).status_code == 200
    assert outcomes_of(api, one) == [outcome, "accepted"]


def test_what_comes_after_the_erasure_was_asked_for_is_a_new_wish(api: FlaskClient, stack: Stack) -> None:
    one, services = made(api), stack.services
    send(stack, one, ADA)
    came = services.courier.clock() + 1_000
    with services.ledger.write() as connection:
        connection.execute(update(arrivals).values(received_at=came))
    with services.ledger.read() as connection:
        asked = (connection, stack.tenant.id, lambda row: says(row.body, ["ada@example.com"]))
        assert ledger_arrivals.waiting(*asked, until=came - 1) == []
        assert len(ledger_arrivals.waiting(*asked, until=came)) == 1
    problem(api.delete(PATH), 404, "contact_missing")
    assert took_in(stack) == 1
    assert outcomes_of(api, one) == ["accepted"]


@pytest.mark.parametrize(
    ("body", "emptied"),
    [
        (b'{"email": "Ada@Example.com", ', True),
        (b'{"email": "\\u0061da@example.com", ', True),
        (b"[ada%40example.com", True),
        (b'{"email": "canada@example.com", ', False),
    ],
)
def test_what_could_not_be_read_is_emptied_where_it_names_the_person(
    api: FlaskClient, stack: Stack, body: bytes, emptied: bool
) -> None:
    """However the name is written in it."""
    one = made(api)
    send(stack, one, body)
    took_in(stack)
    assert api.delete(PATH).status_code == (200 if emptied else 404)
    assert outcomes_of(api, one) == ["contact_erased" if emptied else "body_not_json"]
