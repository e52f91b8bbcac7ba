"""Drains that stop, stall, break or compete: nothing is lost, nobody is created twice."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from copy import copy
from threading import Event, Thread
from time import sleep
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from connector.clock import Clock, now_ms
from connector.courier import Courier
from connector.courier import drain as drains
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.crisp.plan import check
from connector.errors import Problem
from connector.ledger import Ledger, database, leases, quotas
from connector.ledger import connections as tenants
from connector.ledger.leases import TERM
from connector.ledger.tables import leases as lease_table
from connector.ledger.tables import records
from tests.building import contact
from tests.courier import world as worlds
from tests.courier.world import World

ADA = "ada@example.com"


class Stalling(Client):
    """Crisp does what it is asked; from some call on its answers come only when the test says so."""

    after = 10
    sent = 0
    stalled: Event
    go_on: Event

    def send(self, call: Call) -> Reply | Failure:
        type(self).sent += 1
        stalls = self.sent > self.after
        answer = super().send(call)
        if stalls:
            self.stalled.set()
            assert self.go_on.wait(20)
        return answer


def stalling(**more: Any) -> type[Stalling]:
    return type("Stalled", (Stalling,), {"stalled": Event(), "go_on": Event(), **more})


@contextmanager
def running(world: World, client: type[Stalling], stop: Event | None = None, **settings: Any) -> Iterator[Courier]:
    """A drain of the connection W, with such a client, in a thread of its own; from where it stalls to its end."""
    courier = world.courier(clients=Clients(world.url, 8, make=client), **settings)
    thread = Thread(target=courier.drain, args=("W", stop or Event()))
    thread.start()
    try:
        assert client.stalled.wait(10), "no call was made"
        yield courier
    finally:
        client.go_on.set()
        thread.join(20)
    assert not thread.is_alive(), "the drain does not end"


def people(count: int, **more: Any) -> Iterator[Any]:
    return (contact(f"p{n}@example.com", nickname="P", data={"n": n}, **more) for n in range(count))


def all_created_once(world: World, ids: list[str]) -> None:
    assert set(world.statuses(ids)) == {"created"}
    assert set(world.stats["creations"].values()) == {1}
    assert world.totals()["records"] == world.totals()["created"]


def test_promise_1_and_2_another_finishes_what_a_dead_drain_had_in_hand(world: World) -> None:
    """The first stalls with calls in flight that Crisp has done; its lease runs out; it comes back too late."""
    ids, client = world.add(*people(30)), stalling()
    with running(world, client):
        new = world.courier(clock=lambda: world.clock() + TERM + 1_000)
        assert new.drain("W", Event())
        world.settle(new)
        all_created_once(world, ids)
        assert world.calls <= 60 + 8 + 2, "more than one call again for each that was bought"
    all_created_once(world, ids)


def test_promise_4_a_dead_drains_last_write_is_not_taken_for_undone(world: World) -> None:
    """Nantes → Paris (applied, the drain died) → Nantes."""
    world.deliver(contact(ADA, nickname="Ada", city="Nantes"))
    world.add(contact(ADA, city="Paris"))
    client = stalling(after=0)
    with running(world, client):
        world.add(contact(ADA, city="Nantes"))
        world.settle(world.courier(clock=lambda: world.clock() + TERM + 1_000))
    assert world.person(ADA)["person"]["geolocation"]["city"] == "Nantes"


def test_a_lost_lease_sends_nothing_that_was_bought(world: World) -> None:
    """With two calls out and a third bought, the drain finds the lease with another."""
    world.add(*people(30))
    client = stalling(after=0)
    with running(world, client, concurrency=2) as courier:
        with world.ledger.write() as connection:
            connection.execute(lease_table.update().values(token=lease_table.c.token + 1, holder="another"))
        while courier.nudge("W"):
            sleep(0.01)
    courier.close()
    assert client.sent == 2


def test_of_two_couriers_one_has_the_lease(world: World) -> None:
    ids, client = world.add(*people(20)), stalling()
    with running(world, client):
        assert not world.courier().drain("W", Event())
    world.settle()
    all_created_once(world, ids)


def off(hours: int) -> type[Clock]:
    """The clock of a process whose machine's own is so many hours off."""
    ahead = hours * 3_600_000

    class Off(Clock):
        def __init__(self, ask: Callable[[], int] = lambda: now_ms() + ahead) -> None:
            super().__init__(ask)
            self._offset += ahead

    return Off


@pytest.mark.parametrize("wrong_comes", ["first", "second"])
@pytest.mark.parametrize("hours", [1, -1])
def test_promise_2_a_machine_whose_clock_is_wrong_neither_steals_a_lease_nor_loses_its_own(
    emptied_postgres: str, monkeypatch: pytest.MonkeyPatch, hours: int, wrong_comes: str
) -> None:
    """Two machines share PostgreSQL, whose clock counts. One has calls in flight, the other comes meanwhile."""
    right = Ledger(emptied_postgres)
    monkeypatch.setattr(database, "Clock", off(hours))
    wrong = Ledger(emptied_postgres)
    here, there = (wrong, right) if wrong_comes == "first" else (right, wrong)
    with closing(right), closing(wrong), worlds.world(here) as world:
        elsewhere, client = copy(world), stalling()
        elsewhere.ledger = there
        ids, other = world.add(*people(30)), elsewhere.courier(clock=there.clock)
        with running(world, client, clock=here.clock):
            assert not other.drain("W", Event()), "the lease was stolen"
        ids += world.add(*(contact(f"later{n}@example.com", nickname="L") for n in range(10)))
        assert other.drain("W", Event()), "the lease was not given back"
        all_created_once(world, ids)
        assert world.calls == 70


def test_promise_7_several_couriers_at_once_share_one_quota(world: World) -> None:
    world.switch(daily_quota=100, latency_ms=5)
    world.connect(daily_quota=100)
    world.add(*people(80))
    couriers = [world.courier() for _ in range(3)]
    threads = [Thread(target=lambda each=each: [each.drain("W", Event()) for _ in range(10)]) for each in couriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (world.calls, world.stats["calls"]["over_limit"]) == (95, 0)


def test_stopping_hands_everything_back(world: World) -> None:
    ids, client, stop = world.add(*people(60)), stalling(), Event()
    with running(world, client, stop):
        stop.set()
    with world.ledger.read() as connection:
        held = connection.execute(records.select().where(records.c.claim.is_not(None))).all()
        holder = connection.execute(lease_table.select()).one().holder
        used = quotas.get(connection, "W").used
    assert (held, holder, used) == ([], None, world.calls)
    assert "waiting" in world.statuses(ids)
    world.settle()
    all_created_once(world, ids)
    assert world.calls == 120


def test_nothing_begins_when_it_is_to_stop(world: World) -> None:
    world.add(*people(3))
    stop = Event()
    stop.set()
    world.courier().drain("W", stop)
    assert world.calls == 0


def test_the_last_record_is_not_lost_between_the_last_turn_and_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when the drain has found nothing more and gives its lease back: whoever brings it gets no answer."""
    courier, late, told = world.courier(), list[str](), list[bool]()
    turn = drains.Drain._turn

    def last_turn(drain: drains.Drain, *, look: bool) -> None:
        turn(drain, look=look)
        if drain.over and not late:
            late.extend(world.add(contact("late@example.com", nickname="Late")))
            told.append(courier.nudge("W"))

    monkeypatch.setattr(drains.Drain, "_turn", last_turn)
    world.add(contact(ADA, nickname="Ada"))
    assert courier.drain("W", Event())
    assert told == [True]
    assert world.statuses(late) == ["created"]
    assert not courier.nudge("W")


def test_a_nudge_brings_new_work_into_a_running_drain(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before the drain looks by itself."""
    monkeypatch.setattr(drains, "_LOOK", 60.0)
    client = stalling(after=0)
    world.add(contact(ADA, nickname="Ada"))
    with running(world, client) as courier:
        client.stalled.clear()
        world.add(contact("bob@example.com", nickname="Bob"))
        assert courier.nudge("W")
        assert client.stalled.wait(10), "the new record was not sent"
    assert world.totals()["created"] == 2


def test_a_database_that_fails_in_a_turn_loses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, renew, turns = world.add(*people(30)), leases.renew, list[int]()

    def failing(*arguments: Any, **more: Any) -> int:
        turns.append(1)
        if len(turns) == 3:
            raise OperationalError("", {}, Exception("the server is gone"))
        return renew(*arguments, **more)

    monkeypatch.setattr(leases, "renew", failing)
    assert world.courier().drain("W", Event())
    with world.ledger.read() as connection:
        assert connection.execute(lease_table.select()).one().holder is None, "the lease was kept"
    world.settle()
    all_created_once(world, ids)


def test_a_connection_that_was_changed_is_begun_again_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller quota holds at once, not only for the next drain."""
    monkeypatch.setattr(drains, "_LOOK", 0.01)
    world.switch(latency_ms=10)
    world.add(*people(200))
    client = stalling(after=20)
    with running(world, client):
        world.connect(daily_quota=60)
    assert world.calls <= 60


def test_a_connection_that_was_halted_elsewhere_sends_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drains, "_LOOK", 0.01)
    world.switch(latency_ms=10)
    world.add(*people(200))
    client = stalling(after=20)
    with running(world, client):
        world.connect(halted="crisp_credential_refused")
    assert world.calls < 100


def test_a_connection_that_was_removed_ends_its_drain(world: World) -> None:
    world.add(*people(30))
    client = stalling()
    with running(world, client), world.ledger.write() as connection:
        assert tenants.remove(connection, "W")
    assert world.totals() == {}


class Refusing(Client):
    """Every call is refused as with a wrong key, so that each answer halts the connection."""

    def send(self, call: Call) -> Reply | Failure:
        return Reply(401)


def test_halting_and_replacing_a_credential_at_once_do_not_wait_for_each_other(world: World) -> None:
    """Each locks the quota before the connection."""
    courier, problems = world.courier(clients=Clients(world.url, 8, make=Refusing)), list[Exception]()

    def often(act: Callable[[], Any]) -> None:
        try:
            for _ in range(100):
                act()
        except OperationalError as problem:
            problems.append(problem)

    def asked() -> None:
        with suppress(Problem):
            courier.run("W", check())

    def replaced() -> None:
        world.connect(halted=None)

    threads = [Thread(target=often, args=(act,)) for act in (asked, asked, asked, replaced, replaced)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []
