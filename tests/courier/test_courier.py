"""The courier's other ways: the rate, single plans, checks, and how little an idle drain does."""

import time
from threading import Event, Thread

import pytest

from connector.courier import drain as drains
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.crisp.plan import check, erase, read, suggestions
from connector.errors import Problem
from connector.ledger import quotas
from tests.building import contact
from tests.courier.scripted import scripted
from tests.courier.world import World

ADA = "ada@example.com"


def used(world: World) -> int:
    with world.ledger.read() as connection:
        return quotas.get(connection, "W").used


@pytest.mark.alone
def test_promise_7_the_rate_is_kept_and_used(world: World) -> None:
    """The sandbox lets a second's calls through at once and refuses what comes faster than that."""
    world.switch(rate=40)
    world.connect(rate=40)
    world.add(*(contact(f"p{n}@example.com", nickname="P", data={"n": n}) for n in range(40)))
    begun = time.monotonic()
    world.courier().drain("W", Event())
    took = time.monotonic() - begun
    assert (world.calls, world.stats["calls"]["over_limit"]) == (80, 0)
    assert 79 / 40 <= took <= 80 / 40 + 1


@pytest.mark.alone
def test_a_slow_rate_is_not_bought_ahead(world: World) -> None:
    """A live plan need not wait until all that a drain has in hand is sent."""
    world.connect(rate=5)
    world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(20)))
    stop, courier = Event(), world.courier()
    draining = Thread(target=courier.drain, args=("W", stop))
    draining.start()
    while not world.calls:
        time.sleep(0.01)
    begun = time.monotonic()
    assert courier.run("W", check())
    assert time.monotonic() - begun < 1.5
    stop.set()
    draining.join()


def test_a_slow_rate_still_sends(world: World) -> None:
    world.connect(rate=1)
    assert world.deliver(contact(ADA, nickname="Ada", data={"n": 1})) == ["created"]


@pytest.mark.parametrize("rate", [None, 1])
def test_an_idle_drain_hardly_turns(world: World, monkeypatch: pytest.MonkeyPatch, rate: int | None) -> None:
    """While it waits for answers or for the rate it must not spin."""
    turns, turn = list[float](), drains.Drain._turn

    def counted(drain: drains.Drain, *, look: bool) -> None:
        turns.append(time.monotonic())
        turn(drain, look=look)

    monkeypatch.setattr(drains.Drain, "_turn", counted)
    world.connect(rate=rate)
    world.switch(latency_ms=0 if rate else 1_000)
    world.add(contact(ADA, nickname="Ada", data={"n": 1} if rate else {}))
    world.courier().drain("W", Event())
    assert turns[-1] - turns[0] >= 0.9
    assert len(turns) <= 16


def test_a_single_plan_runs_at_once_and_is_charged(world: World) -> None:
    world.deliver(contact(ADA, nickname="Ada", data={"plan": "pro"}))
    before = used(world)
    courier = world.courier()
    found = courier.run("W", read(ADA))
    assert found is not None
    assert (found[0]["person"]["nickname"], found[1]) == ("Ada", {"plan": "pro"})
    assert courier.run("W", erase(ADA))
    assert courier.run("W", read(ADA)) is None
    assert used(world) - before == 4


def test_a_single_plan_is_tried_again(world: World) -> None:
    answers: list[Reply | Failure] = [Reply(502), Failure("crisp_timeout", sent=True)]

    class Flaky(Client):
        def send(self, call: Call) -> Reply | Failure:
            return answers.pop(0) if answers else super().send(call)

    assert world.courier(clients=Clients(world.url, 8, make=Flaky)).run("W", check())


class Answering(Client):
    answer: Reply | Failure

    def send(self, call: Call) -> Reply | Failure:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(Reply(401), "connection_halted", id="credential refused"),
        pytest.param(Reply(429, retry_after=9.0), "crisp_rate_limited", id="limit"),
        pytest.param(Reply(429, retry_after=7200.0), "quota_used_up", id="quota"),
        pytest.param(Reply(400, "invalid_data"), "crisp_refused", id="refused"),
        pytest.param(Reply(500), "crisp_unreachable", id="failing"),
        pytest.param(Failure("crisp_unreachable", sent=False), "crisp_unreachable", id="not there"),
    ],
)
def test_a_single_plan_says_why_it_cannot_be_done(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: Reply | Failure, code: str
) -> None:
    monkeypatch.setattr("connector.courier.single._PAUSES", (0.0, 0.0))
    clients = Clients(world.url, 8, make=type("Same", (Answering,), {"answer": answer}))
    with pytest.raises(Problem) as caught:
        world.courier(clients=clients).run("W", check())
    assert caught.value.code == code
    if isinstance(answer, Reply) and answer.retry_after:
        assert caught.value.retry_after == pytest.approx(answer.retry_after, abs=1)


def test_a_single_plan_does_not_run_without_quota_or_connection(world: World) -> None:
    world.connect(daily_quota=0)
    with pytest.raises(Problem, match="quota"):
        world.courier().run("W", check())
    world.connect(halted="crisp_not_allowed")
    with pytest.raises(Problem, match="crisp_not_allowed"):
        world.courier().run("W", check())
    with pytest.raises(Problem, match="No Crisp website"):
        world.courier().run("nobody", check())
    assert world.calls == 0


def test_promise_21_a_single_plan_takes_the_new_credential(world: World) -> None:
    class Rotating(Client):
        def send(self, call: Call) -> Reply | Failure:
            if self.credential.key == "K":
                world.switch(key="new")
                world.connect(key_sealed=world.vault.seal("new"))
            return super().send(call)

    assert world.courier(clients=Clients(world.url, 8, make=Rotating)).run("W", check())


def test_nothing_is_drained_without_a_connection(world: World) -> None:
    assert not world.courier().drain("nobody", Event())


def test_those_who_wait_are_told_once_it_is_written(world: World) -> None:
    told = list[tuple[str, str]]()
    courier = world.courier()
    object.__setattr__(
        courier._tools, "announce", lambda ids: told.extend((each, world.outcome(each).status) for each in ids)
    )
    ids = world.add(contact(ADA, nickname="Ada"), contact("bob@example.com", nickname="Bob", country="Atlantis"))
    world.settle(courier)
    assert sorted(told) == sorted(zip(ids, ["created", "rejected"], strict=True))


def test_a_single_plan_ends_while_somebody_still_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No try begins after the deadline, of whichever call; and none waits for its answer as long as a delivery does."""
    monkeypatch.setattr("connector.courier.single._DEADLINE", 0.3)
    tried, waits, failing = list[str](), set[float](), next(check()).path
    world.deliver(contact(ADA, segments=["vip"]))

    class Slow(Client):
        def send(self, call: Call) -> Reply | Failure:
            tried.append(call.method)
            waits.add(self.read_timeout)
            time.sleep(0.2)
            return Reply(502) if call.path == failing else super().send(call)

    courier = world.courier(clients=Clients(world.url, 8, make=Slow))
    with pytest.raises(Problem, match="reached"):
        courier.run("W", check())
    assert len(tried) == 1
    with pytest.raises(Problem, match="reached"):
        courier.run("W", suggestions())
    assert len(tried) == 1 + 2
    assert waits == {10.0}
    world.add(contact("bob@example.com"))
    courier.drain("W", Event())
    assert waits == {10.0, 30.0}


@pytest.mark.parametrize("lost", [Failure("crisp_timeout", sent=True), Reply(502)])
def test_an_erasure_that_was_done_unseen_is_done(world: World, lost: Reply | Failure) -> None:
    world.deliver(contact(ADA))
    assert world.courier(clients=scripted(world, lost)).run("W", erase(ADA)) is True
    assert world.courier().run("W", erase(ADA)) is False
    unsent = scripted(world, Failure("crisp_unreachable", sent=False))
    assert world.courier(clients=unsent).run("W", erase(ADA)) is False
