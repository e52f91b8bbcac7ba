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
