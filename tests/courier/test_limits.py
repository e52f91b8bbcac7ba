"""Crisp's limits: what is met pauses everything, and what is known is never exceeded."""

import pytest

from connector.budget import DAY, resets_at
from connector.crisp.calls import Reply
from connector.ledger import quotas
from tests.building import contact
from tests.courier.scripted import drain_once, scripted
from tests.courier.world import World

ADA = "ada@example.com"


@pytest.mark.parametrize("status", [420, 423, 429])
def test_a_limit_pauses_the_connection_and_the_work_goes_on_later(world: World, status: int) -> None:
    ids = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(30)))
    before = world.clock()
    drain_once(world, clients=scripted(world, None, Reply(status, retry_after=7.0), apply=False))
    with world.ledger.read() as connection:
        blocked = quotas.get(connection, "W").blocked_until
    assert 7_000 <= blocked - before <= 9_000
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
