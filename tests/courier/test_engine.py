"""The engine: everybody's due work is found, whoever is woken and whatever goes wrong; nobody starves."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from connector import engine as module
from connector.board import Board
from connector.clock import now_ms
from connector.contact import Contact
from connector.courier import Courier
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.engine import Engine
from connector.ledger import Ledger, leases, people, workers
from connector.ledger import connections as tenants
from connector.ledger.lanes import LIVE
from connector.ledger.people import Person
from connector.ledger.retention import Retention
from connector.ledger.tables import records
from connector.settings import Settings
from connector.wakeups import open_wakeups
from tests.building import add_rows, contact, outcome, row, tenant
from tests.courier.world import World


class Told:
    """In the courier's place: notes whom it was told to drain, and keeps its place until it is told to make room."""

    holder = "told"

    def __init__(self, fails: int = 0, *, lingers: bool = False) -> None:
        self.drained: list[str] = []
        self.fails, self.lingers = fails, lingers
        self.room: dict[str, Event] = {}
        self.most = 0
        self._lock = Lock()

    def clock(self) -> int:
        if self.fails:
            self.fails -= 1
            raise TypeError("a mistake of ours")
        return now_ms()

    def drain(self, connection_id: str, stop: Event) -> bool:
        room = Event()
        with self._lock:
            self.drained.append(connection_id)
            self.room[connection_id] = room
            self.most = max(self.most, len(self.room))
        while self.lingers and not (room.wait(0.01) or stop.is_set()):
            pass
        with self._lock:
            del self.room[connection_id]
        return True

    def make_room(self, connection_id: str) -> None:
        with self._lock:
            if connection_id in self.room:
                self.room[connection_id].set()

    def nudge(self, _connection_id: str) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def running(ledger: Ledger, told: Any, folder: Path, drains: int = 2) -> Iterator[Engine]:
    wakeups = open_wakeups(Settings(data_dir=folder))
    engine = Engine(ledger, cast(Courier, told), Board(), wakeups, drains, Retention(30))
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


def within(seconds: float, look: Callable[[], Any]) -> bool:
    until = time.monotonic() + seconds
    while not look():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def connected(ledger: Ledger, *names: str) -> None:
    with ledger.write() as connection:
        for name in names:
            tenants.save(connection, tenant(name), now_ms())


def waiting(ledger: Ledger, name: str, count: int = 1, **more: Any) -> list[str]:
    said = [contact(f"{n}@{name.lower()}.example.com", nickname=name) for n in range(count)]
    return add_rows(ledger, [row(each, connection_id=name, **{"due_at": now_ms(), **more}) for each in said])


def test_steady_wakes_of_one_connection_do_not_starve_another(ledger: Ledger, tmp_path: Path) -> None:
    connected(ledger, "A", "B")
    waiting(ledger, "B")
    told = Told()
    with running(ledger, told, tmp_path) as engine:

        def look() -> bool:
            engine.wake("A")
            return "B" in told.drained

        assert within(5, look)
        assert within(5, lambda: "A" in told.drained)


def test_a_mistake_does_not_end_delivering(ledger: Ledger, tmp_path: Path) -> None:
    connected(ledger, "B")
    waiting(ledger, "B")
    told = Told(fails=1)
    with running(ledger, told, tmp_path):
        assert within(5, lambda: "B" in told.drained)
    assert told.fails == 0


def test_what_waits_for_a_place_gets_one(ledger: Ledger, tmp_path: Path) -> None:
    """Two have all the places and would keep them for ever; three more wait."""
    names = ("A", "B", "C", "D", "E")
    connected(ledger, *names)
    for name in names:
        waiting(ledger, name)
    told = Told(lingers=True)
    with running(ledger, told, tmp_path):
        assert within(15, lambda: set(told.drained) == set(names))
    assert told.most == 2, "more than there are places for"


def test_live_work_waits_for_no_slice_to_end(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.engine._SLICE", 3600.0)
    connected(ledger, "A", "B", "C")
    waiting(ledger, "A")
    waiting(ledger, "B")
    told = Told(lingers=True)
    with running(ledger, told, tmp_path):
        assert within(5, lambda: {"A", "B"} <= set(told.drained))
        waiting(ledger, "C", lane=LIVE)
        assert within(5, lambda: "C" in told.drained)


def test_bulk_work_waits_for_the_slice_to_end(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.engine._SLICE", 3600.0)
    connected(ledger, "A", "C")
    waiting(ledger, "A")
    told = Told(lingers=True)
    with running(ledger, told, tmp_path, drains=1):
        assert within(5, lambda: told.drained == ["A"])
        waiting(ledger, "C")
        assert not within(2.5, lambda: "C" in told.drained)


@pytest.fixture
def never_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not told is not found."""
    monkeypatch.setattr("connector.engine._LOOK", 3600.0)


@pytest.mark.usefixtures("never_looks")
def test_what_becomes_due_later_is_drained_when_it_does(ledger: Ledger, tmp_path: Path) -> None:
    connected(ledger, "A")
    waiting(ledger, "A", due_at=now_ms() + 400)
    told = Told()
    with running(ledger, told, tmp_path) as engine:
        engine.wake("A")
        assert within(5, lambda: len(told.drained) >= 2)


@pytest.mark.usefixtures("never_looks")
def test_live_work_gets_a_place_at_once_when_all_are_taken(ledger: Ledger, tmp_path: Path) -> None:
    connected(ledger, "A", "B")
    told = Told(lingers=True)
    with running(ledger, told, tmp_path, drains=1) as engine:
        engine.wake("A")
        assert within(5, lambda: told.drained == ["A"])
        engine.wake("B", True)
        assert within(5, lambda: "B" in told.drained)


@pytest.mark.usefixtures("never_looks")
def test_what_is_to_be_tidied_up_soon_is(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By this process, or by another that hears of it."""
    swept = list[str]()
    monkeypatch.setattr(Engine, "tidy", lambda _engine: swept.append("swept"))
    with running(ledger, Told(), tmp_path) as engine:
        assert within(5, lambda: len(swept) == 1)
        engine.sweep_soon()
        assert within(5, lambda: len(swept) == 2)
        other = open_wakeups(Settings(data_dir=tmp_path))
        other.sweep()
        other.close()
        assert within(5, lambda: len(swept) == 3)


def test_whom_another_process_delivers_for_is_left_to_it(ledger: Ledger, tmp_path: Path) -> None:
    connected(ledger, "A", "B")
    waiting(ledger, "A")
    waiting(ledger, "B")
    with ledger.write() as connection:
        assert leases.take(connection, "A", "another", now_ms())
    told = Told()
    with running(ledger, told, tmp_path):
        assert within(5, lambda: "B" in told.drained)
        assert not within(1.5, lambda: "A" in told.drained)


def test_a_connection_with_much_does_not_starve_one_with_little(world: World, tmp_path: Path) -> None:
    """One place. The little one waits for a slice, not for the end of the big one."""
    world.clock.leap_to(now_ms())
    with world.ledger.write() as connection:
        tenants.save(connection, tenant("V", website_id="W", key_sealed=world.vault.seal("K")), now_ms())
    world.switch(latency_ms=60)
    big = waiting(world.ledger, "W", 2_000)
    courier = world.courier(drains=1)
    with running(world.ledger, courier, tmp_path, drains=1):
        assert within(10, lambda: world.calls > 20)
        little = waiting(world.ledger, "V", 3)
        assert within(20, lambda: {outcome(world.ledger, each, "V").status for each in little} == {"created"})
    left = sum(outcome(world.ledger, each).status == "waiting" for each in big)
    assert left > 500, "the little one waited for the big one to end"


def test_a_process_that_ends_tells_the_others_what_it_leaves(world: World, tmp_path: Path) -> None:
    world.clock.leap_to(now_ms())
    world.switch(latency_ms=60)
    ids = waiting(world.ledger, "W", 400)
    with running(world.ledger, world.courier(), tmp_path):
        assert within(10, lambda: world.calls > 20)
    told = list[tuple[str, bool]]()
    stop, wakeups = Event(), open_wakeups(Settings(data_dir=tmp_path))

    def heard(connection_id: str, live: bool) -> None:
        told.append((connection_id, live))
        stop.set()

    wakeups.listen(heard, stop.set, stop)
    wakeups.close()
    assert told == [("W", False)]
    assert "waiting" in {outcome(world.ledger, each).status for each in ids}
    with world.ledger.write() as connection:
        assert leases.take(connection, "W", "another", now_ms()), "the lease was not given back"


def test_workers_that_live_are_known(ledger: Ledger, tmp_path: Path) -> None:
    def alive(ahead: int = 0) -> int:
        with ledger.read() as connection:
            return workers.alive(connection, now_ms() + ahead)

    with running(ledger, Told(), tmp_path):
        assert within(5, lambda: alive() == 1)
        assert alive(workers.ALIVE + 60_000) == 0
    assert alive() == 0


def updated(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.scalar(select(func.count()).where(records.c.status == "updated")) or 0


class Quick(Client):
    """A Crisp that takes everything."""

    def send(self, call: Call) -> Reply:
        return Reply(200, "updated")


def test_connections_that_take_turns_all_make_progress(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a slice that is too short to gather those who could share a call, something is delivered all the same."""
    monkeypatch.setattr("connector.engine._SLICE", 0.02)
    names, count = ("W", "A", "B"), 150
    for name in names:
        made = replace(world.connect(findings={"batch_data": "merge"}), id=name)
        persons = [Person(f"{n}@{name}.com", f"id {n} of {name}", Contact({"nickname": "P"})) for n in range(count)]
        with world.ledger.write() as connection:
            tenants.save(connection, made, world.clock())
            people.save(connection, name, persons, world.clock())
        said = [contact(f"{n}@{name}.com", data={"n": n}) for n in range(count)]
        more: dict[str, Any] = {"due_at": world.clock(), "created_at": world.clock()}
        add_rows(world.ledger, [row(each, connection_id=name, **more) for each in said])
    courier = world.courier(clients=Clients(world.url, 8, make=Quick), concurrency=4)
    with running(world.ledger, courier, tmp_path, drains=1):
        assert within(60, lambda: updated(world.ledger) == len(names) * count)


def test_who_has_waited_long_goes_before_live_work_of_others(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONG", 0.3)
    connected(ledger, "A", "B", "L", "M")
    told = Told(lingers=True)
    with running(ledger, told, tmp_path, drains=1) as engine:
        engine.wake("A")
        assert within(5, lambda: told.drained)
        engine.wake("B")

        def drained() -> bool:
            engine.wake("L", live=True)
            engine.wake("M", live=True)
            return "B" in told.drained

        assert within(5, drained)


def test_who_is_to_make_room_before_the_first_turn_has_that_turn(world: World) -> None:
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(30)))
    courier = world.courier()
    drain = courier._begin("W", Event())
    assert drain is not None
    drain.make_room()
    courier._carry(drain)
    assert 8 <= world.statuses(ids).count("created") <= 10
