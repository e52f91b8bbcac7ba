"""Crisp's limits: what is met pauses everything, and what is known is never exceeded."""

from collections import Counter
from threading import Event, Lock

import pytest

from connector.budget import DAY, Budget, Limits, limit_today, resets_at
from connector.courier import single
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.crisp.plan import read
from connector.errors import Problem
from connector.ledger import quotas
from tests.building import contact
from tests.courier.scripted import drain_once, scripted
from tests.courier.world import World

ADA = "ada@example.com"
HOUR = 3_600_000


@pytest.mark.parametrize("status", [420, 423, 429])
def test_a_limit_pauses_the_connection_and_the_work_goes_on_later(world: World, status: int) -> None:
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(30)))
    before = world.clock()
    drain_once(world, clients=scripted(world, None, Reply(status, retry_after=7.0), apply=False))
    after = world.clock()
    with world.ledger.read() as connection:
        blocked = quotas.get(connection, "W").blocked_until
    assert before + 7_000 <= blocked <= after + 9_000
    waiting = [each for each in ids if world.outcome(each).status == "waiting"]
    assert waiting
    assert all(world.outcome(each).due_at is not None for each in waiting)
    world.settle()
    assert set(world.statuses(ids)) == {"created"}


def test_calls_that_meet_a_limit_together_are_one_strike(world: World) -> None:
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(30)))
    drain_once(world, clients=scripted(world, *[Reply(429)] * 99, apply=False))
    with world.ledger.read() as connection:
        budget = quotas.get(connection, "W")
    assert budget.strikes == 1
    assert budget.blocked_until - world.clock() <= 1_000


def test_after_a_limit_one_call_goes_first(world: World) -> None:
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(30)))
    clients = scripted(world, *[Reply(429)] * 99, apply=False)
    drain_once(world, clients=clients)
    before = world.totals()["calls"]
    with world.ledger.read() as connection:
        world.clock.leap_to(quotas.get(connection, "W").blocked_until)
    drain_once(world, clients=clients)
    assert world.totals()["calls"] - before == 1


def test_when_nothing_gets_through_everything_pauses(world: World) -> None:
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(100)))
    drain_once(world, clients=scripted(world, *[Reply(503)] * 999, apply=False))
    assert sum(world.outcome(each).attempts > 0 for each in ids) < 40
    world.settle()
    assert set(world.statuses(ids)) == {"created"}


def test_promise_7_the_quota_is_never_exceeded_and_the_rest_goes_out_after_the_reset(world: World) -> None:
    world.switch(daily_quota=40)
    world.connect(daily_quota=40)
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P", data={"n": n}) for n in range(30)))
    drain_once(world)
    assert (world.calls, world.stats["calls"]["over_limit"]) == (38, 0)
    left = [world.outcome(each) for each in ids if world.outcome(each).status == "waiting"]
    assert {each.code for each in left} <= {"quota_used_up", None}
    reset = resets_at(world.clock())
    world.settle()
    assert world.clock() >= reset
    assert world.clock() < reset + DAY
    assert set(world.statuses(ids)) == {"created"}
    assert (world.calls, world.stats["calls"]["over_limit"]) == (60, 0)


def test_promise_7_what_bulk_leaves_is_for_live_work(world: World) -> None:
    world.switch(daily_quota=40)
    world.connect(daily_quota=40)
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(60)))
    drain_once(world)
    [live] = world.add(contact(ADA, nickname="Ada", data={"n": 1}), lane=0)
    drain_once(world)
    assert (world.outcome(live).status, world.calls) == ("created", 40)


def budget_of(world: World) -> Budget:
    with world.ledger.read() as connection:
        return quotas.get(connection, "W")


class Elsewhen(Client):
    """A Crisp whose quota is smaller than was told and whose day begins at another hour; it says nothing of either."""

    world: World
    daily = 60
    begins = 7 * HOUR
    day = 0
    used = 0
    over = 0

    def send(self, call: Call) -> Reply | Failure:
        kind = type(self)
        with _COUNTING:
            day = (self.world.clock() - self.begins) // DAY
            kind.day, kind.used = day, 0 if day != kind.day else kind.used
            if kind.used >= self.daily:
                kind.over += 1
                return Reply(429, "quota_limit_exceeded")
            kind.used += 1
        return super().send(call)


_COUNTING = Lock()


def test_promise_7_a_smaller_quota_and_another_reset_are_learnt(world: World) -> None:
    """From noon on 60 of 1,000 calls go through; the next ones at 07:00 UTC; after that the hour is known."""
    world.connect(daily_quota=1_000)
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(150)))
    client: type[Elsewhen] = type("Crisp", (Elsewhen,), {"world": world})
    world.settle(world.courier(clients=Clients(world.url, 8, make=client)))
    assert set(world.statuses(ids)) == {"created"}
    budget = budget_of(world)
    assert budget.offset == 7 * HOUR
    # Those in flight, eight in a row, and then one each quarter of an hour: 12 hours to midnight, 7 more; next day 24.
    assert client.over <= 2 * (8 + 8) + 4 * (19 + 24)
    over = client.over
    reset = resets_at(world.clock(), budget.offset)
    assert reset % DAY == 7 * HOUR
    world.connect(daily_quota=60)
    world.clock.leap_to(reset)
    more = world.add(*(contact(f"q{n}@example.com", nickname="Q") for n in range(100)))
    world.settle(world.courier(clients=Clients(world.url, 8, make=client)))
    assert set(world.statuses(more)) == {"created"}
    assert client.over == over, "known by now: no call is refused any more"


class Midnight(Client):
    """A Crisp at which every call bought before midnight arrives after it; it counts its days."""

    world: World
    days: Counter[int]
    leapt = False

    def send(self, call: Call) -> Reply | Failure:
        kind = type(self)
        with _COUNTING:
            if not kind.leapt:
                kind.leapt = True
                self.world.clock.leap_to(resets_at(self.world.clock()))
            kind.days[self.world.clock() // DAY] += 1
        return super().send(call)


@pytest.mark.parametrize("in_person", [False, True])
def test_promise_7_calls_that_arrive_after_the_reset_are_the_new_days(world: World, in_person: bool) -> None:
    """Bought just before it; `in_person`: with them a single plan's, which ends the day first."""
    world.connect(daily_quota=40)
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(60)))
    world.clock.leap_to(resets_at(world.clock()) - 5_000)
    today, days = world.clock() // DAY + 1, Counter[int]()
    client: type[Midnight] = type("Midnight", (Midnight,), {"world": world, "days": days})
    courier = world.courier(clients=Clients(world.url, 8, make=client))
    if in_person:
        courier.run("W", read(ADA))
        assert (budget_of(world).day, budget_of(world).used) == (today, 1)
    courier.drain("W", Event())
    assert budget_of(world).day == today
    assert days[today] == budget_of(world).used == 38
    world.settle(courier)
    assert set(world.statuses(ids)) == {"created"}
    assert max(days.values()) <= 40


def test_while_the_quota_is_refused_hardly_a_call_is_made(world: World) -> None:
    world.connect(daily_quota=1_000)
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(100)))
    clients = scripted(world, *[Reply(429)] * 999, apply=False)
    courier = world.courier(clients=clients)
    until = world.clock() + 3 * HOUR
    while world.clock() < until:
        courier.drain("W", Event())
        world.clock.leap_to(budget_of(world).blocked_until)
    calls = world.totals()["calls"]
    assert 8 + 12 <= calls <= 8 + 8 + 12 + 1
    budget = budget_of(world)
    assert (budget.believed, budget.used) == (calls, calls)


def test_a_refusal_that_names_the_reset_is_believed(world: World) -> None:
    world.connect(daily_quota=1_000)
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(40)))
    before = world.clock()
    asked = 2 * 3600.0
    drain_once(world, clients=scripted(world, *[None] * 10, *[Reply(429, retry_after=asked)] * 99, apply=False))
    budget = budget_of(world)
    assert budget.believed == budget.used == limit_today(budget, Limits(1_000), world.clock())
    assert 10 <= budget.used <= 10 + 8 + 8
    assert resets_at(world.clock(), budget.offset) == budget.blocked_until
    assert before + 2 * HOUR <= budget.blocked_until <= world.clock() + 2 * HOUR
    assert {world.outcome(each).code for each in ids if world.outcome(each).status == "waiting"} <= {
        "quota_used_up",
        None,
    }
    world.settle()
    assert world.clock() >= before + 2 * HOUR
    assert set(world.statuses(ids)) == {"created"}


def test_an_answer_of_the_edge_is_no_sign_of_quota(world: World) -> None:
    """It answers a GET by itself."""
    world.deliver(contact(ADA, nickname="Ada"))
    drain_once_refused(world)
    world.clock.leap_to(budget_of(world).blocked_until)
    assert world.courier().run("W", read(ADA)) is not None
    assert budget_of(world).strikes > 0
    world.settle()
    assert budget_of(world).strikes == 0


def drain_once_refused(world: World) -> None:
    world.add(contact("bob@example.com", nickname="Bob"))
    drain_once(world, clients=scripted(world, Reply(429), apply=False))
    assert budget_of(world).strikes == 1


@pytest.mark.parametrize("reserve", [0, 50])
def test_promise_7_the_reserve_for_live_work_can_be_set(world: World, reserve: int) -> None:
    world.switch(daily_quota=40)
    world.connect(daily_quota=40)
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(60)))
    drain_once(world, live_reserve=reserve)
    assert world.calls == 40 * (100 - reserve) // 100


@pytest.mark.parametrize(("reserve", "paused"), [(5, False), (50, True)])
def test_who_buys_a_call_in_person_knows_the_reserve_that_is_set(world: World, reserve: int, paused: bool) -> None:
    """Batches are paused for the reserve; with less than that used, they are not any more."""
    tenant, now = world.connect(daily_quota=40), world.clock()
    released = resets_at(now) - HOUR
    with world.ledger.write() as connection:
        quotas.locked(connection, "W")
        quotas.save(connection, "W", Budget(now // DAY, 30, bulk_until=released))
        world.courier(live_reserve=reserve).buy(connection, tenant, now)
    assert (budget_of(world).used, budget_of(world).bulk_until) == (31, released if paused else 0)


def test_reads_do_not_buy_the_rate_away_from_what_is_delivered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slots far ahead are left to who comes first; who would wait too long is told when to come again."""
    monkeypatch.setattr(single, "_PATIENCE", 0.2)
    world.connect(rate=2)
    with world.ledger.write() as connection:
        quotas.locked(connection, "W")
        quotas.save(connection, "W", Budget(next_slot_at=world.clock() + 5_000))
    with pytest.raises(Problem) as refused:
        world.courier().run("W", read(ADA))
    assert (refused.value.code, refused.value.status) == ("crisp_rate_limited", 503)
    assert refused.value.retry_after in (5, 6)
    with world.ledger.read() as connection:
        assert quotas.get(connection, "W").next_slot_at - world.clock() <= 5_000
    assert world.calls == 0


def test_a_read_waits_for_a_slot_that_is_near(world: World) -> None:
    world.connect(rate=2)
    before = world.clock()
    with world.ledger.write() as connection:
        quotas.locked(connection, "W")
        quotas.save(connection, "W", Budget(next_slot_at=before + 700))
    assert world.courier().run("W", read(ADA)) is None
    assert world.clock() - before >= 700
