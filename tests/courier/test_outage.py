"""Crisp is down for a while: hardly a call is made meanwhile, nobody is given up, and everything is delivered after."""

from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.crisp.plan import check, erase
from connector.errors import Problem
from connector.ledger import quotas, work
from tests.building import contact
from tests.courier.scripted import drain_once, scripted
from tests.courier.world import World

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BUSY = 8  # calls in flight


class Down(Client):
    """A Crisp that is down until a moment of the world's clock."""

    world: World
    until: int
    answer: Reply | Failure = Reply(503)
    failed = 0

    def send(self, call: Call) -> Reply | Failure:
        kind = type(self)
        if self.world.clock() >= self.until:
            return super().send(call)
        kind.failed += 1
        return self.answer


def down(world: World, milliseconds: int, **more: Any) -> type[Down]:
    return type("Down", (Down,), {"world": world, "until": world.clock() + milliseconds, **more})


def strikes(world: World) -> int:
    with world.ledger.read() as connection:
        return quotas.get(connection, "W").strikes


def next_call(world: World) -> int:
    with world.ledger.read() as connection:
        due_at = work.next_due_at(connection, "W")
    assert due_at is not None
    return due_at


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Reply(503), id="503"),
        pytest.param(Reply(502), id="502"),
        pytest.param(Failure("crisp_timeout", sent=True), id="no answer in time"),
        pytest.param(Failure("crisp_unreachable", sent=False), id="not reached"),
    ],
)
def test_an_outage_costs_few_calls_and_everything_is_delivered_after(world: World, answer: Reply | Failure) -> None:
    """Half an hour with 200 records: those in flight when it began, then one at a time with pauses up to a minute."""
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P", data={"n": n}) for n in range(200)))
    client = down(world, 30 * MINUTE, answer=answer)
    world.settle(world.courier(clients=Clients(world.url, BUSY, make=client), retry_cap=300))
    # A pause is half a minute on average; in the beginning there are some shorter ones.
    assert BUSY <= client.failed <= 2 * BUSY + 8 + 2 * 60
    assert set(world.statuses(ids)) == {"created"}
    assert set(world.stats["creations"].values()) == {1}
    assert strikes(world) == 0


def test_while_it_is_open_one_call_tries_at_a_time(world: World) -> None:
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(100)))
    client = down(world, DAY)
    courier = world.courier(clients=Clients(world.url, BUSY, make=client), retry_cap=300)
    courier.drain("W", Event())
    assert strikes(world) == -1
    for tries in range(2, 9):
        before = client.failed
        world.clock.leap_to(next_call(world))
        # Another process finds it open, too.
        world.courier(clients=Clients(world.url, BUSY, make=client), retry_cap=300).drain("W", Event())
        assert client.failed - before == 1
        assert strikes(world) == -tries


def test_an_outage_longer_than_the_greatest_age_gives_nobody_up(world: World) -> None:
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(50)))
    client = down(world, 2 * HOUR)
    courier = world.courier(clients=Clients(world.url, BUSY, make=client), retry_cap=300, retry_age=1800)
    world.settle(courier)
    assert client.failed > 100, "many records were tried again and again"
    assert set(world.statuses(ids)) == {"created"}


def test_a_record_that_fails_alone_is_given_up_in_its_time(world: World) -> None:
    """Others get through: that is no outage."""
    bad, good = "bad@example.com", [contact(f"p{n}@example.com", nickname="P") for n in range(30)]

    class Poisoned(Client):
        def send(self, call: Call) -> Reply | Failure:
            return Reply(500) if call.who == bad else super().send(call)

    courier = world.courier(clients=Clients(world.url, BUSY, make=Poisoned), retry_cap=300, retry_age=3600)
    ids = world.add(contact(bad, nickname="Bad"), *good)
    world.settle(courier)
    assert (world.outcome(ids[0]).status, world.outcome(ids[0]).code) == ("dead", "crisp_failed")
    assert set(world.statuses(ids[1:])) == {"created"}


def test_records_that_cannot_be_taken_do_not_keep_it_open(world: World) -> None:
    """Many of the oldest always fail; each record has its turn to try."""
    bad = {f"bad{n}@example.com" for n in range(30)}

    class Poisoned(Client):
        def send(self, call: Call) -> Reply | Failure:
            return Reply(500) if call.who in bad else super().send(call)

    courier = world.courier(clients=Clients(world.url, BUSY, make=Poisoned), retry_cap=300, retry_age=3600)
    ids = world.add(*(contact(each, nickname="Bad") for each in sorted(bad)))
    good = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(30)))
    for _ in range(400):
        courier.drain("W", Event())
        if set(world.statuses(good)) == {"created"}:
            break
        world.clock.leap_to(next_call(world))
    assert set(world.statuses(good)) == {"created"}
    assert set(world.statuses(ids)) <= {"waiting", "dead"}


class Failing(Down):
    """A Crisp that meets a limit once, and fails from then on."""

    def send(self, call: Call) -> Reply | Failure:
        kind = type(self)
        kind.failed += 1
        return Reply(429) if kind.failed == 1 else Reply(500)


def failing_since(world: World, ids: list[str]) -> set[int | None]:
    return {world.outcome(each).failing_since for each in ids}


def test_an_outage_that_begins_after_a_limit_is_an_outage(world: World) -> None:
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(10)))
    client = type("Failing", (Failing,), {"world": world, "until": 0})
    courier = world.courier(clients=Clients(world.url, 1, make=client), concurrency=1, retry_age=1800)
    until = world.clock() + HOUR
    while world.clock() < until:
        courier.drain("W", Event())
        world.clock.leap_to(next_call(world))
    assert strikes(world) < -8
    assert failing_since(world, ids) == {None}
    world.settle(world.courier(retry_age=1800))
    assert set(world.statuses(ids)) == {"created"}


def test_jobs_in_hand_when_it_opens_have_not_failed_either(world: World) -> None:
    """They were claimed as failing; so was the job of the very call that opens it."""
    recent, long_ago = world.clock() - MINUTE, world.clock() - HOUR
    said = [contact(f"p{n}@example.com", nickname="P") for n in range(12)]
    ids = world.add(*said, failing_since=recent)
    old = world.add(contact("old@example.com", nickname="Old"), failing_since=long_ago)
    courier = world.courier(clients=Clients(world.url, BUSY, make=down(world, DAY)))
    courier.drain("W", Event())
    assert strikes(world) == -1
    assert sum(world.outcome(each).attempts > 0 for each in ids) >= 8
    assert failing_since(world, ids) == {None}
    assert failing_since(world, old) == {long_ago}


def test_who_finds_in_person_that_it_begins_blames_no_record(world: World) -> None:
    ids = world.add(contact("p@example.com", nickname="P"), failing_since=world.clock() - MINUTE)
    world.connect()
    drain_once(world, clients=scripted(world, Reply(429), apply=False))
    world.clock.leap_to(next_call(world))
    with pytest.raises(Problem):
        world.courier(clients=Clients(world.url, BUSY, make=down(world, DAY))).run("W", check())
    assert strikes(world) < 0
    assert failing_since(world, ids) == {None}


def open_breaker(world: World) -> type[Down]:
    client = down(world, DAY)
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(20)))
    world.courier(clients=Clients(world.url, BUSY, make=client)).drain("W", Event())
    assert strikes(world) < 0
    return client


def test_who_waits_in_person_is_told_after_one_try(world: World) -> None:
    client = open_breaker(world)
    before = client.failed
    with pytest.raises(Problem) as caught:
        world.courier(clients=Clients(world.url, BUSY, make=client)).run("W", check())
    assert (caught.value.code, client.failed - before) == ("crisp_unreachable", 1)


def test_who_waits_in_person_finds_that_it_is_over(world: World) -> None:
    open_breaker(world)
    assert not world.courier().run("W", erase("nobody@example.com"))
    assert strikes(world) == 0
    ids = world.add(contact("ada@example.com", nickname="Ada"), lane=0)
    drain_once(world)
    assert world.statuses(ids) == ["created"]


def test_an_answer_of_the_edge_does_not_end_an_outage(world: World) -> None:
    """It answers a GET by itself while Crisp is away."""
    open_breaker(world)
    assert world.courier().run("W", check())
    assert strikes(world) == -1


def test_a_maintenance_that_says_how_long_it_takes_is_waited_for(world: World) -> None:
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(30)))
    before = world.clock()
    drain_once(world, clients=scripted(world, *[Reply(503, retry_after=120.0)] * 99, apply=False))
    assert next_call(world) >= before + 120_000


def test_opening_and_closing_is_logged_once(world: World) -> None:
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(60)))
    client = down(world, 10 * MINUTE)
    with capture_logs() as logs:
        world.settle(world.courier(clients=Clients(world.url, BUSY, make=client), retry_cap=300))
    said = [line["event"] for line in logs]
    assert (said.count("breaker_opened"), said.count("breaker_closed")) == (1, 1)
    assert set(world.statuses(ids)) == {"created"}


def test_an_outage_that_few_records_meet_is_one_too(world: World) -> None:
    """At night hardly anything waits: each drain ends after a call or two, and none sees eight failures."""
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(3)))
    client = down(world, 2 * HOUR)
    courier = world.courier(clients=Clients(world.url, BUSY, make=client), retry_cap=300, retry_age=1800)
    world.settle(courier)
    assert set(world.statuses(ids)) == {"created"}


def test_a_pause_that_crisp_asks_of_one_is_a_quarter_of_an_hour_at_most(world: World) -> None:
    class Closed(Client):
        def send(self, call: Call) -> Reply | Failure:
            del call
            return Reply(503, retry_after=86_400.0)

    courier = world.courier(clients=Clients(world.url, BUSY, make=Closed))
    [record] = world.add(contact("ada@example.com", nickname="Ada"))
    courier.drain("W", Event())
    assert world.outcome(record).due_at - world.clock() <= 900_000
