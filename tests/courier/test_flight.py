"""Bought calls go out as slots and places come free, live ones first."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Event
from typing import Any, cast

import pytest

from connector.courier.flight import Flight
from connector.courier.job import Job
from connector.crisp.calls import Call, Reply


class OneJob:
    """As much of a job as a flight looks at."""

    def __init__(self, name: str, *, live: bool = False) -> None:
        self.call, self.live = Call("GET", name), live


class Later(Executor):
    """Keeps what it is given until it is run."""

    def __init__(self) -> None:
        self.given: list[Callable[[], Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.given.append(lambda: fn(*args, **kwargs))
        return Future()

    def run(self) -> None:
        given, self.given = self.given, []
        for each in given:
            each()


class Air:
    """A flight under a clock and an executor of the test's own."""

    def __init__(self, places: int = 1) -> None:
        self.now, self.sent, self.stop, self.pool = 1_000, list[str](), Event(), Later()
        self.flight = Flight(self.pool, places, self._send, lambda: self.now, self.stop)

    def _send(self, call: Call) -> Reply:
        self.sent.append(call.path)
        return Reply(200)

    def add(self, *jobs: OneJob, slot: int = 0) -> None:
        self.flight.add([cast(Job, job) for job in jobs], [slot] * len(jobs))

    def buy(self, *slots: int, per_second: int) -> None:
        """Calls that are named after their slots."""
        self.flight.add([cast(Job, OneJob(str(slot))) for slot in slots], slots, per_second)

    def watch(self, until: int, step: int = 10) -> list[int]:
        """When calls go out from now on, for who looks so often."""
        moments = list[int]()
        while self.now <= until:
            before = len(self.sent)
            self.go()
            moments += [self.now] * (len(self.sent) - before)
            self.now += step
        return moments

    def go(self) -> list[str]:
        self.flight.launch()
        self.pool.run()
        return self.sent


def test_live_calls_go_before_those_that_were_bought_earlier() -> None:
    air = Air()
    air.add(OneJob("bulk"), OneJob("more bulk"), OneJob("live", live=True))
    assert air.go() == ["live", "bulk", "more bulk"]


def test_no_more_calls_are_out_than_there_are_places() -> None:
    air = Air(places=2)
    air.add(*(OneJob(str(n)) for n in range(5)))
    air.flight.launch()
    assert (len(air.pool.given), air.flight.flying, air.flight.ready) == (2, 2, 3)
    air.pool.run()
    assert (len(air.sent), air.flight.flying, air.flight.ready) == (5, 0, 0)


def test_a_call_waits_for_its_slot() -> None:
    air = Air()
    air.add(OneJob("now"))
    air.add(OneJob("later"), slot=1_250)
    assert air.go() == ["now"]
    assert air.flight.seconds_to_next() == pytest.approx(0.25)
    air.now = 1_250
    assert air.go() == ["now", "later"]


def test_nothing_goes_out_once_it_is_to_stop_and_all_of_it_can_be_recalled() -> None:
    air = Air()
    air.add(OneJob("a"), OneJob("b"))
    air.stop.set()
    assert air.go() == []
    assert air.flight.seconds_to_next() is None
    assert len(air.flight.recall()) == 2
    assert air.flight.ready == 0


def test_every_call_is_answered() -> None:
    air = Air()
    air.add(OneJob("a"), OneJob("b"))
    air.go()
    assert air.flight.answers.qsize() == 2


def test_promise_7_slots_that_passed_by_are_used_one_after_the_other() -> None:
    """Crisp answers everything at once after ten seconds: late calls and new ones are still ten a second."""
    air = Air(places=40)
    air.buy(*range(1_000, 1_800, 100), per_second=10)
    air.now = 11_000
    air.buy(*range(11_000, 12_000, 100), per_second=10)
    assert air.watch(14_000) == list(range(11_000, 12_800, 100))
    assert air.sent == [str(slot) for slot in (*range(1_000, 1_800, 100), *range(11_000, 12_000, 100))]


def test_promise_7_whoever_brings_an_answer_keeps_the_rate_too() -> None:
    air = Air(places=1)
    air.buy(1_000, 1_100, 1_200, per_second=10)
    air.now = 5_000
    assert air.go() == ["1000"], "though its place is free again at once"
    assert air.flight.seconds_to_next() == pytest.approx(0.1, abs=0.006)


def test_slots_that_come_late_after_a_rest_need_not_wait() -> None:
    air = Air()
    air.buy(1_000, per_second=10)
    air.go()
    air.now = 60_000
    air.buy(60_000, per_second=10)
    assert air.go() == ["1000", "60000"]


@pytest.mark.parametrize("rate", [3, 30, 300])
def test_the_rate_is_reached_by_who_is_always_a_little_late(rate: int) -> None:
    air, slots = Air(), [int(1_000 + 1_000 / rate * n) for n in range(rate)]
    air.buy(*slots, per_second=rate)
    moments = air.watch(2_100, step=3)
    assert len(moments) == rate
    assert all(0 <= moment - slot <= 6 for moment, slot in zip(moments, slots, strict=True))


def test_a_clock_that_is_set_back_holds_nothing_up_and_the_rate_is_kept() -> None:
    air = Air()
    air.buy(1_000, 1_000, 1_000, 1_000, per_second=10)
    air.now = 600_000
    assert air.watch(600_000) == [600_000]
    air.now = 5_000
    assert air.watch(5_300) == [5_000, 5_100, 5_200]


def test_without_a_rate_all_places_are_taken_at_once() -> None:
    air = Air(places=3)
    air.add(OneJob("a"), OneJob("b"), OneJob("c"))
    assert air.go() == ["a", "b", "c"]
