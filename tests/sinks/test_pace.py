"""The pace of writes, on a clock that only waiting moves."""

import pytest

from connector.sinks.base import Stopped
from connector.sinks.pace import Pace


class Time:
    """Seconds that pass only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept = 0.0
        self.is_over = False

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        self.slept += seconds
        return self.is_over


@pytest.fixture
def time() -> Time:
    return Time()


def taken(pace: Pace, time: Time, count: int) -> list[float]:
    """When each one was taken."""
    moments = []
    for _ in range(count):
        pace.take()
        moments.append(time.now)
    return moments


def test_a_burst_does_not_wait(time: Time) -> None:
    assert taken(Pace(60, 10, clock=time.clock, wait=time.wait), time, 10) == [0.0] * 10


@pytest.mark.parametrize("rest", [0, 5, 30, 600], ids="after {} seconds of rest".format)
def test_there_are_never_more_in_any_minute(time: Time, rest: float) -> None:
    pace = Pace(60, 10, clock=time.clock, wait=time.wait)
    moments = taken(pace, time, 100)
    time.now += rest
    moments += taken(pace, time, 200)
    for start in moments:
        assert sum(start <= moment < start + 60 for moment in moments) <= 60


def test_the_minute_is_used(time: Time) -> None:
    moments = taken(Pace(60, 10, clock=time.clock, wait=time.wait), time, 200)
    assert sum(moment < 60 for moment in moments) >= 59
    assert sum(60 <= moment < 120 for moment in moments) >= 49


@pytest.mark.parametrize("before", [0, 10], ids="after {} of a burst of 10".format)
def test_who_is_to_end_takes_none(time: Time, before: int) -> None:
    pace = Pace(60, 10, clock=time.clock, wait=time.wait)
    taken(pace, time, before)
    time.is_over = True
    with pytest.raises(Stopped):
        pace.take()
