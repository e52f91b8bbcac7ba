"""The brake: ten wrong ones a minute, by sender."""

import pytest

from connector.brake import Brake
from connector.errors import Problem


def test_the_eleventh_within_a_minute_waits_for_the_first_to_be_a_minute_old() -> None:
    now = [0.0]
    brake = Brake(lambda: now[0])
    for _ in range(10):
        brake.check("a")
        brake.count("a")
        now[0] += 1
    with pytest.raises(Problem) as refused:
        brake.check("a")
    assert (refused.value.code, refused.value.retry_after) == ("key_slowed", 51)
    brake.check("b")
    now[0] = 60.0
    brake.check("a")
    brake.count("a")
    with pytest.raises(Problem):
        brake.check("a")


def test_it_does_not_grow_without_end() -> None:
    brake = Brake(lambda: 0.0)
    for sender in range(10_010):
        brake.count(str(sender))
    assert len(brake._wrong) == 10_000
