"""What many are told alike goes out in one batch, where the probe found that this works; and nothing is lost by it."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select

from connector.contact import Contact
from connector.courier import bundle as bundles
from connector.courier import drain as drains
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.ledger import connections as tenants
from connector.ledger import quotas
from connector.ledger.leases import TERM
from connector.ledger.tables import leases as lease_table
from connector.ledger.tables import people as people_table
from connector.ledger.tables import records
from tests.building import contact
from tests.courier.scripted import drain_once
from tests.courier.test_promise_8_live_before_bulk import within
from tests.courier.test_takeover import running, stalling
from tests.courier.world import World

PLANS = ("free", "pro", "team")
PROBED = {"batch_data": "merge", "batch_size": 500}
APPENDING = {**PROBED, "segments": "append", "batch_segments": "append"}
BATCH = "PATCH batch/data"
Answering = Callable[[Call], Reply | Failure | None]


@pytest.fixture
def probed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose connection was probed; however slow the machine, jobs wait until no other can come."""
    monkeypatch.setattr(bundles, "_LONGEST", 600.0)
    world.connect(findings=PROBED)
    return world


def email(number: int) -> str:
    return f"p{number}@example.com"


def people(count: int, **more: Any) -> Iterator[Contact]:
    """New people with one of three plans each."""
    return (contact(email(n), nickname="P", data={"plan": PLANS[n % 3]}, **more) for n in range(count))


def answering(world: World, instead: Answering, *, apply: bool = False) -> Clients:
    """Clients that answer batches so; Crisp is asked when that is None, or when it is to apply them unseen."""

    class Answered(Client):
        def send(self, call: Call) -> Reply | Failure:
            answer = instead(call) if call.path.startswith("batch/") else None
            if answer is None or apply:
                said = super().send(call)
            return said if answer is None else answer

    return Clients(world.url, 8, make=Answered)


def findings(world: World) -> dict[str, Any]:
    with world.ledger.read() as connection:
        tenant = tenants.get(connection, "W")
    assert tenant is not None
    return tenant.findings


def people_known(world: World) -> int:
    with world.ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(people_table)) or 0


def routes(world: World) -> dict[str, int]:
    found: dict[str, int] = world.stats["calls"]["by_route"]
    return found


def everything_told(world: World, ids: list[str], status: str = "created") -> None:
    """Every outcome is right, Crisp has every plan, and every call is counted once."""
    assert set(world.statuses(ids)) == {status}
    assert [world.person(email(n))["data"]["plan"] for n in range(len(ids))] == [PLANS[n % 3] for n in range(len(ids))]
    assert world.totals()["calls"] == world.calls
    assert world.totals()["records"] == sum(world.totals()[each] for each in ("created", "updated", "superseded"))


@pytest.mark.parametrize(("largest", "batches"), [(500, 3), (4, 9)])
def test_new_people_cost_one_call_each_and_one_for_each_value_and_chunk(
    probed: World, largest: int, batches: int
) -> None:
    probed.connect(findings={**PROBED, "batch_size": largest})
    ids = probed.add(*people(30))
    probed.settle()
    everything_told(probed, ids)
    assert routes(probed) == {"POST people/profile": 30, BATCH: batches}
    assert set(probed.outcome(ids[0]).changed) == {"nickname", "data.plan"}
    assert [entry["call"] for entry in probed.outcome(ids[-1]).trail] == ["POST people/profile", BATCH]
    assert probed.deliver(*people(30)) == ["unchanged"] * 30
    assert probed.calls == 30 + batches


@pytest.mark.parametrize("findings", [{}, {"batch_data": "replace"}, {"batch_segments": "append"}])
def test_without_the_finding_everybody_is_told_alone(probed: World, findings: dict[str, Any]) -> None:
    probed.connect(findings=findings)
    ids = probed.add(*people(12))
    probed.settle()
    everything_told(probed, ids)
    assert routes(probed) == {"POST people/profile": 12, "PATCH people/data/{people_id}": 12}


def test_known_people_with_a_new_value_cost_a_call_for_each_value(probed: World) -> None:
    probed.deliver(*(contact(email(n), nickname="P") for n in range(40)))
    before = probed.calls
    assert probed.deliver(*people(40)) == ["updated"] * 40
    assert probed.calls - before == 3
    assert probed.person(email(4))["data"] == {"plan": "pro"}


def test_who_is_not_like_the_others_is_told_alone_and_wholly(probed: World) -> None:
    ids = probed.add(*people(9), contact("ada@example.com", nickname="Ada", data={"plan": "pro", "id": 7}))
    probed.settle()
    assert routes(probed) == {"POST people/profile": 10, BATCH: 3, "PATCH people/data/{people_id}": 1}
    assert probed.person("ada@example.com")["data"] == {"plan": "pro", "id": 7}
    assert set(probed.statuses(ids)) == {"created"}


def test_a_removal_never_goes_out_with_others(probed: World) -> None:
    probed.deliver(*(contact(email(n), nickname="P", data={"old": 1}) for n in range(6)))
    before = routes(probed).get(BATCH, 0)
    probed.deliver(*(contact(email(n), data={"plan": "pro", "old": None}) for n in range(6)))
    assert routes(probed)[BATCH] == before
    assert probed.person(email(3))["data"] == {"plan": "pro"}


def test_single_contacts_do_not_wait_for_others(probed: World) -> None:
    probed.deliver(*people(6), lane=0)
    assert routes(probed) == {"POST people/profile": 6, "PATCH people/data/{people_id}": 6}


def test_several_columns_and_segments_are_each_told_once(probed: World) -> None:
    probed.switch(segments="append")
    probed.connect(findings=APPENDING)
    probed.deliver(*(contact(email(n), nickname="P", segments=["old"]) for n in range(60)))
    before = probed.calls
    said = [
        contact(email(n), segments=["vip", f"s{n % 2}"], data={"plan": PLANS[n % 3], "seats": n % 4}) for n in range(60)
    ]
    assert probed.deliver(*said) == ["updated"] * 60
    assert probed.calls - before == 2 + 3 + 4, "two sets of segments, three plans, four numbers of seats"
    card = probed.person(email(7))
    assert (card["segments"], card["data"]) == (["old", "vip", "s1"], {"plan": "pro", "seats": 3})
    assert probed.deliver(*said) == ["unchanged"] * 60


def test_people_are_told_in_portions(probed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many wait at most, however many records there are."""
    monkeypatch.setattr(bundles, "MOST_TOGETHER", 10)
    sizes, load = list[int](), bundles.Hold.load

    def counted(hold: bundles.Hold) -> None:
        sizes.append(hold.waiting)
        load(hold)

    monkeypatch.setattr(bundles.Hold, "load", counted)
    ids = probed.add(*people(50))
    probed.settle()
    everything_told(probed, ids)
    assert len(sizes) >= 4
    assert max(sizes) <= 10 + 8, "those whose call was under way when it was full come on top"


def test_nobody_waits_for_others_for_long(probed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_LONGEST", 0.0)
    ids = probed.add(*people(40))
    probed.settle()
    everything_told(probed, ids)
    assert routes(probed).get(BATCH, 0) + routes(probed).get("PATCH people/data/{people_id}", 0) > 3


@pytest.mark.parametrize("status", [400, 413])
def test_a_batch_that_is_refused_is_told_one_by_one(probed: World, status: int) -> None:
    """Only those of the refused one: the others stay together."""

    def refusing(call: Call) -> Reply | None:
        return Reply(status, "invalid_data") if (call.body or {}).get("data") == {"plan": "pro"} else None

    ids = probed.add(*people(30))
    probed.settle(probed.courier(clients=answering(probed, refusing)))
    assert routes(probed) == {"POST people/profile": 30, BATCH: 2, "PATCH people/data/{people_id}": 10}
    assert set(probed.statuses(ids)) == {"created"}
    assert probed.totals()["calls"] == probed.calls + 1, "the refused one was not asked of the sandbox"
    assert probed.person(email(1))["data"] == {"plan": "pro"}


@pytest.mark.parametrize("status", [402, 403, 404, 405])
def test_where_there_is_no_batch_all_go_out_alone_and_the_connection_goes_on(probed: World, status: int) -> None:
    asked = list[Call]()

    def without(call: Call) -> Reply:
        asked.append(call)
        return Reply(status, "not_allowed")

    courier = probed.courier(clients=answering(probed, without))
    ids = probed.add(*people(30))
    probed.settle(courier)
    assert set(probed.statuses(ids)) == {"created"}
    assert routes(probed) == {"POST people/profile": 30, "PATCH people/data/{people_id}": 30}
    assert 0 < len(asked) <= 3
    assert findings(probed) == {**PROBED, "batch_data": None}
    asked.clear()
    changed = probed.add(*(contact(email(n), data={"plan": "none"}) for n in range(9)))
    probed.settle(probed.courier(clients=answering(probed, without)))
    assert set(probed.statuses(changed)) == {"updated"}
    assert asked == [], "the next drain need not learn it again"


def refusing(world: World, status: int, single: Callable[[Call], Reply] | None = None) -> Clients:
    """Clients that are answered so, whatever they ask; or `single` calls in another way."""

    class Refused(Client):
        def send(self, call: Call) -> Reply | Failure:
            alone = not call.path.startswith("batch/")
            return single(call) if single and alone else Reply(status, "not_allowed")

    return Clients(world.url, 8, make=Refused)


@pytest.mark.parametrize("status", [402, 403, 404])
def test_where_everything_was_refused_for_a_while_batches_go_out_again(probed: World, status: int) -> None:
    """It was the credential that was refused, not the batch."""
    probed.deliver(*(contact(email(n), nickname="P") for n in range(30)))
    ids, before = probed.add(*people(30)), probed.calls
    drain_once(probed, clients=refusing(probed, status))
    assert (findings(probed), set(probed.statuses(ids))) == (PROBED, {"waiting"})
    probed.connect(findings=findings(probed))
    probed.settle()
    assert set(probed.statuses(ids)) == {"updated"}
    assert (routes(probed)[BATCH], probed.calls - before) == (3, 3)


def test_a_read_that_is_answered_does_not_say_that_the_credential_works(probed: World) -> None:
    """Crisp's edge may have answered it: here each who is gone, and is there all the same, is read again."""
    probed.deliver(*(contact(email(n), nickname="P") for n in range(6)))
    probed.add(*people(6))
    statuses = {"PATCH": 404, "POST": 409, "GET": 200}

    def odd(call: Call) -> Reply:
        return Reply(statuses[call.method], data={"people_id": f"of {call.who}", "email": call.who})

    drain_once(probed, clients=refusing(probed, 403, odd))
    assert findings(probed) == PROBED


def test_a_batch_that_is_refused_to_an_old_credential_says_nothing_of_the_new_one(probed: World) -> None:
    refused: list[Call] = []

    def replaced(call: Call) -> Reply | None:
        """The batches that went out with the old one: one that is replaced for ever would be tried for ever."""
        if len(refused) == len(PLANS):
            return None
        if not refused:
            probed.connect(findings=PROBED, key_sealed=probed.vault.seal("another"))
        refused.append(call)
        return Reply(403, "not_allowed")

    probed.add(*people(6))
    drain_once(probed, clients=answering(probed, replaced))
    assert findings(probed) == PROBED


def test_an_attempt_is_counted_for_everybody_in_a_batch(probed: World) -> None:
    """Else the pauses before the next try would never grow."""
    probed.deliver(*(contact(email(n), nickname="P") for n in range(6)))
    ids = probed.add(*(contact(email(n), data={"plan": "pro"}) for n in range(6)))
    for tries in (1, 2):
        drain_once(probed, clients=answering(probed, lambda _: Reply(502)))
        assert [probed.outcome(each).attempts for each in ids] == [tries] * 6
        assert sum(probed.outcome(each).calls for each in ids) == tries
        probed.clock.leap_to(max(probed.outcome(each).due_at for each in ids))


@pytest.mark.parametrize("apply", [True, False], ids=["applied", "not applied"])
@pytest.mark.parametrize("lost", [Failure("crisp_timeout", sent=True), Reply(502)], ids=["timeout", "502"])
def test_a_batch_whose_answer_is_lost_is_told_again(probed: World, lost: Reply | Failure, apply: bool) -> None:
    answers: list[Reply | Failure] = [lost] * 2
    clients = answering(probed, lambda _: answers.pop() if answers else None, apply=apply)
    ids = probed.add(*people(30))
    probed.settle(probed.courier(clients=clients))
    assert set(probed.statuses(ids)) == {"created"}
    assert set(probed.stats["creations"].values()) == {1}
    assert [probed.person(email(n))["data"]["plan"] for n in range(30)] == [PLANS[n % 3] for n in range(30)]
    assert probed.totals()["calls"] == probed.calls + (0 if apply else 2)
    assert probed.deliver(*people(30)) == ["unchanged"] * 30


def test_a_value_that_may_have_been_applied_is_not_taken_for_undone(probed: World) -> None:
    """free → pro (applied, the answer is lost) → free."""
    probed.deliver(*(contact(email(n), nickname="P", data={"plan": "free"}) for n in range(6)))
    probed.add(*(contact(email(n), data={"plan": "pro"}) for n in range(6)))
    drain_once(probed, clients=answering(probed, lambda _: Failure("crisp_timeout", sent=True), apply=True))
    assert probed.person(email(2))["data"] == {"plan": "pro"}
    probed.add(*(contact(email(n), data={"plan": "free"}) for n in range(6)))
    probed.settle()
    assert probed.person(email(2))["data"] == {"plan": "free"}


def test_a_limit_that_a_batch_meets_parks_everybody_in_it(probed: World) -> None:
    limits = [Reply(429, retry_after=7.0)]
    clients = answering(probed, lambda _: limits.pop() if limits else None)
    ids = probed.add(*people(30))
    courier = probed.courier(clients=clients)
    courier.drain("W", Event())
    assert nothing_in_hand(probed)
    probed.settle(courier)
    assert set(probed.statuses(ids)) == {"created"}
    assert probed.person(email(29))["data"] == {"plan": "team"}
    assert probed.totals()["calls"] == probed.calls + 1


def test_a_credential_that_is_refused_to_a_batch_keeps_the_work(probed: World) -> None:
    ids = probed.add(*people(30))
    drain_once(probed, clients=answering(probed, lambda _: Reply(401)))
    assert nothing_in_hand(probed)
    assert "rejected" not in probed.statuses(ids)
    probed.connect(findings=PROBED)
    probed.settle()
    assert set(probed.statuses(ids)) == {"created"}
    assert probed.person(email(1))["data"] == {"plan": "pro"}


def nothing_in_hand(world: World) -> bool:
    """Nothing is claimed, the lease is free, and what was bought and not sent was given back."""
    with world.ledger.read() as connection:
        held = connection.scalar(select(func.count()).where(records.c.claim.is_not(None)))
        holder = connection.execute(lease_table.select()).one().holder
    return (held, holder) == (0, None)


def test_what_waits_is_handed_back_when_it_is_to_stop(probed: World) -> None:
    """Stopped with a call out whose job would be the last to be waited for."""
    ids, client, stop = probed.add(*people(30)), stalling(after=29), Event()
    with running(probed, client, stop):
        stop.set()
    assert nothing_in_hand(probed)
    assert routes(probed) == {"POST people/profile": 30}
    assert set(probed.statuses(ids)) == {"waiting"}
    with probed.ledger.read() as connection:
        assert quotas.get(connection, "W").used == probed.calls
        steps = set(connection.scalars(select(records.c.step)))
    assert steps == {"created"}
    probed.settle()
    everything_told(probed, ids)
    assert probed.calls == 30 + 3


def test_promise_1_and_2_another_finishes_what_a_dead_drain_held(probed: World) -> None:
    """It died with a batch out that Crisp has applied, and another that was bought."""
    ids, client = probed.add(*people(30)), stalling(after=30)
    with running(probed, client, concurrency=1):
        new = probed.courier(clock=lambda: probed.clock() + TERM + 1_000)
        assert new.drain("W", Event())
        probed.settle(new)
        assert set(probed.statuses(ids)) == {"created"}
    assert set(probed.statuses(ids)) == {"created"}
    assert set(probed.stats["creations"].values()) == {1}
    assert probed.calls <= 30 + 3 + 3, "more than one call again for each that was bought"
    assert [probed.person(email(n))["data"]["plan"] for n in range(30)] == [PLANS[n % 3] for n in range(30)]


def test_a_quota_that_ends_between_two_parts_loses_neither(probed: World) -> None:
    """Two columns are two parts of every job; one goes out today, the other tomorrow."""
    probed.connect(daily_quota=20, findings=PROBED)
    said = [contact(email(n), nickname="P", data={"plan": PLANS[n % 2], "seats": n // 2 % 2}) for n in range(16)]
    ids = probed.add(*said)
    drain_once(probed)
    assert nothing_in_hand(probed)
    assert probed.calls == 19
    assert "waiting" in probed.statuses(ids)
    probed.settle()
    assert set(probed.statuses(ids)) == {"created"}
    assert [probed.person(email(n))["data"] for n in range(16)] == [dict(each.data) for each in said]
    assert probed.totals()["calls"] == probed.calls
    assert set(probed.outcome(ids[0]).changed) == {"nickname", "data.plan", "data.seats"}


def test_somebody_who_waits_and_gets_a_live_change_waits_no_longer(
    probed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drains, "_LOOK", 0.01)
    client = stalling(after=9)
    ids = probed.add(*people(10))
    live = list[str]()
    with running(probed, client, concurrency=1):
        live += probed.add(contact(email(0), city="Nantes"), lane=0)
        within(5, lambda: people_known(probed) == 9, "nine do not wait for the tenth")
    probed.settle()
    assert probed.statuses([*ids, *live]) == ["created"] * 10 + ["updated"]
    assert routes(probed)["PATCH people/data/{people_id}"] == 1
    assert probed.person(email(0))["data"] == {"plan": "free"}


@pytest.mark.parametrize("seed", [1, 2])
def test_promise_3_faults_between_batches_lose_nothing(probed: World, seed: int) -> None:
    probed.switch(segments="append", error_rate=0.25, seed=seed)
    probed.connect(findings={**APPENDING, "batch_size": 7})
    said = [
        contact(email(n), nickname="P", segments=[f"s{n % 3}"], data={"plan": PLANS[n % 3], "seats": n % 5})
        for n in range(60)
    ]
    ids = probed.add(*said)
    probed.settle(concurrency=4)
    probed.switch(error_rate=0)
    assert set(probed.statuses(ids)) == {"created"}
    assert set(probed.stats["creations"].values()) == {1}
    for n, each in enumerate(said):
        card = probed.person(email(n))
        assert (card["segments"], card["data"]) == ([f"s{n % 3}"], dict(each.data))
    assert probed.totals()["calls"] == probed.calls
    assert probed.deliver(*said) == ["unchanged"] * 60


def test_a_job_that_breaks_in_a_batch_does_not_stop_the_others(probed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from connector.courier.job import Job

    proceed = Job.proceed

    def breaking(job: Job, answer: Reply) -> None:
        if job.name == email(4):
            raise RuntimeError("a mistake of ours")
        proceed(job, answer)

    monkeypatch.setattr(Job, "proceed", breaking)
    ids = probed.add(*people(9))
    probed.settle()
    assert probed.statuses(ids) == ["created"] * 4 + ["dead"] + ["created"] * 4


@pytest.mark.parametrize("known", [False, True], ids=["alone", "in a batch"])
def test_a_job_whose_person_cannot_be_kept_does_not_stop_the_others(
    probed: World, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    from connector.courier.job import Job

    if known:
        probed.deliver(*(contact(email(n), nickname="P") for n in range(9)))
    person_now = Job.person_now

    def breaking(job: Job) -> Any:
        if job.name == email(4):
            raise RuntimeError("a mistake of ours")
        return person_now(job)

    monkeypatch.setattr(Job, "person_now", breaking)
    ids = probed.add(*people(9))
    probed.settle()
    done = "updated" if known else "created"
    assert probed.statuses(ids) == [done] * 4 + ["dead"] + [done] * 4
    assert probed.outcome(ids[4]).code == "server_error"
    assert nothing_in_hand(probed)


def test_a_batch_that_always_fails_is_told_one_by_one(probed: World) -> None:
    """What is too much for Crisp at once is not too much for it bit by bit."""
    failed: list[Call] = []

    def failing(call: Call) -> Reply:
        failed.append(call)
        return Reply(503)

    ids = probed.add(*people(6))
    probed.settle(probed.courier(answering(probed, failing)))
    assert set(probed.statuses(ids)) == {"created"}
    assert {probed.person(email(n))["data"]["plan"] for n in range(6)} == set(PLANS)
    assert 3 <= len(failed) <= 6, "each batch is tried once more at most"
