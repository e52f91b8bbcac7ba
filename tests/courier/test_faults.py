"""Crisp refuses, pauses, fails, and loses answers: every record ends right, nobody is created twice."""

from threading import Event

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.crisp.plan import check
from connector.ledger import connections as tenants
from connector.ledger import people, quotas
from connector.vault import Vault
from tests.building import contact
from tests.courier.scripted import drain_once, scripted
from tests.courier.world import World

ADA = "ada@example.com"


def test_what_crisp_refuses_is_rejected_with_its_reason(world: World) -> None:
    [record] = world.add(contact(ADA, nickname="Ada", country="Atlantis"))
    world.settle()
    after = world.outcome(record)
    assert (after.status, after.code, after.calls) == ("rejected", "crisp_refused", 1)
    assert "country" in after.detail["reason"]
    assert after.trail[0]["answer"] == 400


def test_what_a_refused_record_had_absorbed_goes_out_by_itself(world: World) -> None:
    good, bad = world.add(contact(ADA, nickname="Ada"), contact(ADA, country="Atlantis"))
    world.settle()
    assert world.statuses([good, bad]) == ["created", "rejected"]
    assert world.person(ADA)["person"]["nickname"] == "Ada"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(Reply(401), "crisp_credential_refused", id="401"),
        pytest.param(Reply(402), "crisp_plan_too_small", id="402"),
        pytest.param(Reply(403), "crisp_not_allowed", id="403"),
    ],
)
def test_a_refused_credential_halts_the_connection_and_keeps_the_work(world: World, answer: Reply, code: str) -> None:
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(30)))
    drain_once(world, clients=scripted(world, *[answer] * 99, apply=False))
    with world.ledger.read() as connection:
        tenant = tenants.get(connection, "W")
    assert tenant is not None
    assert tenant.halted == code
    assert set(world.statuses(ids)) == {"waiting"}
    assert not world.courier().drain("W", Event())
    assert world.courier().check("W", check()) is None
    world.settle()
    assert set(world.statuses(ids)) == {"created"}
    assert set(world.stats["creations"].values()) == {1}


def test_a_credential_that_no_key_of_a_process_opens_is_left_to_others_and_told_once(world: World) -> None:
    """Another process may have the key: the connection is not halted for it."""
    right = world.connect()
    key, world.vault = world.vault, Vault([Fernet.generate_key().decode()])
    [record] = world.add(contact(ADA, nickname="Ada"))
    courier = world.courier()
    with capture_logs() as told:
        assert [courier.drain("W", Event()) for _ in range(3)] == [False] * 3
    assert [(each["event"], each["log_level"]) for each in told] == [("credential_unreadable", "error")]
    with world.ledger.read() as connection:
        assert tenants.get(connection, "W") == right
    assert (world.statuses([record]), world.calls) == (["waiting"], 0)
    world.vault = key
    world.settle()
    assert world.statuses([record]) == ["created"]


def test_a_check_with_a_bad_credential_says_so_and_keeps_the_halt(world: World) -> None:
    world.connect(key_sealed=world.vault.seal("wrong"), halted="crisp_credential_refused")
    assert world.courier().check("W", check()) == "crisp_credential_refused"
    assert not world.courier().drain("W", Event())


def test_promise_21_a_credential_that_was_replaced_meanwhile_does_not_halt(world: World) -> None:
    """The old key stops working while a drain still has it in hand."""
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P", data={"n": n}) for n in range(60)))

    class Rotating(Client):
        sent = 0

        def send(self, call: Call) -> Reply | Failure:
            Rotating.sent += 1
            if Rotating.sent == 20:
                world.switch(key="new")
                world.connect(key_sealed=world.vault.seal("new"))
            return super().send(call)

    assert world.courier(clients=Clients(world.url, 8, make=Rotating)).drain("W", Event())
    world.settle()
    assert set(world.statuses(ids)) == {"created"}
    assert set(world.stats["creations"].values()) == {1}


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("seed", [1, 2])
def test_promise_3_faults_are_absorbed_and_promise_2_nobody_is_created_twice(world: World, seed: int) -> None:
    world.switch(error_rate=0.25, timeout_rate=0.05, timeout_s=0.3, seed=seed)
    ids = world.add(*(contact(f"p{n}@example.com", nickname=f"P{n}", data={"n": n}) for n in range(60)))
    world.settle()
    assert set(world.statuses(ids)) == {"created"}
    assert world.stats["creations"] == {f"p{n}@example.com": 1 for n in range(60)}
    for n in range(60):
        card = world.person(f"p{n}@example.com")
        assert (card["person"]["nickname"], card["data"]) == (f"P{n}", {"n": n})


@pytest.mark.parametrize("apply", [True, False], ids=["applied", "not applied"])
def test_promise_2_a_create_whose_answer_was_lost_is_looked_up(world: World, *, apply: bool) -> None:
    [record] = world.add(contact(ADA, nickname="Ada", data={"n": 1}))
    world.settle(world.courier(clients=scripted(world, Failure("crisp_timeout", sent=True), apply=apply)))
    assert (world.outcome(record).status, world.stats["creations"]) == ("created", {ADA: 1})
    routes = [entry["call"] for entry in world.outcome(record).trail]
    look, create, data = "GET people/profile/{people_id}", "POST people/profile", "PATCH people/data/{people_id}"
    assert routes == ([create, look, data] if apply else [create, look, create, data])


@pytest.mark.parametrize("key", ["city", "data.plan"])
def test_promise_4_a_write_whose_answer_was_lost_is_not_taken_for_undone(world: World, key: str) -> None:
    """Nantes → Paris (applied, answer lost) → Nantes: what the ledger knew is no news, and yet must be told."""
    nantes, paris = (
        contact(ADA, nickname="Ada", **({"city": value} if key == "city" else {"data": {"plan": value}}))
        for value in ("Nantes", "Paris")
    )
    world.deliver(nantes)
    world.add(paris)
    drain_once(world, clients=scripted(world, Failure("crisp_timeout", sent=True)))
    world.deliver(nantes)
    card = world.person(ADA)
    assert (card["person"]["geolocation"]["city"] if key == "city" else card["data"]["plan"]) == "Nantes"


@pytest.mark.parametrize("tries", [1, 2])
def test_promise_4_a_write_that_was_given_up_is_not_taken_for_undone(world: World, tries: int) -> None:
    world.deliver(contact(ADA, nickname="Ada", city="Nantes"))
    [record] = world.add(contact(ADA, city="Paris"))
    for _ in range(tries - 1):
        drain_once(world, clients=scripted(world, Failure("crisp_timeout", sent=True)))
        world.clock.leap_to(world.outcome(record).due_at)
    drain_once(world, clients=scripted(world, Failure("crisp_timeout", sent=True)), retry_age=0)
    assert world.outcome(record).status == "dead"
    with world.ledger.read() as connection:
        known = people.by_who(connection, "W", [ADA])[ADA]
    assert ("city" in known.known.fields, known.complete) == (False, False)
    assert world.deliver(contact(ADA, city="Nantes")) == ["updated"]
    assert world.person(ADA)["person"]["geolocation"]["city"] == "Nantes"


def test_a_record_that_is_too_old_is_dead_and_says_why(world: World) -> None:
    [record] = world.add(contact(ADA, nickname="Ada"), failing_since=world.clock() - 10_000)
    drain_once(world, clients=scripted(world, Reply(500), apply=False), retry_age=10)
    after = world.outcome(record)
    assert (after.status, after.code, after.trail[0]["answer"]) == ("dead", "crisp_failed", 500)
    assert world.totals() == {"records": 1, "dead": 1, "calls": 1}


def test_a_call_that_was_not_sent_costs_no_quota(world: World) -> None:
    world.add(contact(ADA, nickname="Ada"))
    drain_once(world, clients=scripted(world, Failure("crisp_unreachable", sent=False), apply=False))
    with world.ledger.read() as connection:
        assert quotas.get(connection, "W").used == 0


def test_a_pause_that_crisp_asks_for_is_kept(world: World) -> None:
    [record] = world.add(contact(ADA, nickname="Ada"))
    before = world.clock()
    drain_once(world, clients=scripted(world, Reply(503, retry_after=60.0), apply=False))
    assert world.outcome(record).due_at >= before + 60_000


def test_a_record_that_breaks_the_program_does_not_stop_the_others(world: World) -> None:
    [broken] = world.add(contact(ADA, nickname="Ada"), contact={"email": ADA, "no such field": 1})
    good = world.add(contact("bob@example.com", nickname="Bob"))
    world.settle()
    assert world.statuses(good) == ["created"]
    assert (world.outcome(broken).status, world.outcome(broken).code) == ("dead", "server_error")


def test_a_call_that_raises_is_an_answer_that_never_came(world: World) -> None:
    class Raising(Client):
        raised = False

        def send(self, call: Call) -> Reply | Failure:
            if not Raising.raised:
                Raising.raised = True
                raise ValueError("unforeseen")
            return super().send(call)

    [record] = world.add(contact(ADA, nickname="Ada"))
    world.settle(world.courier(clients=Clients(world.url, 8, make=Raising)))
    assert world.outcome(record).status == "created"
    assert world.outcome(record).trail[0]["answer"] == "call_broken"
