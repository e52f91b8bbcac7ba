"""Counts grow by what every process adds, and nothing of it is lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.ledger import Ledger, counts
from connector.ledger.counts import BEYOND, BOUNDS, Latency
from tests.building import add_tenant

CREATE, READ = ("POST people/profile", "201"), ("GET people/profile/{people_id}", "crisp_timeout")


@pytest.mark.parametrize(
    ("milliseconds", "bound"), [(0, 50), (50, 50), (51, 100), (3_600_000, 3_600_000), (3_600_001, BEYOND)]
)
def test_a_time_is_counted_under_the_smallest_bound_that_is_not_below_it(milliseconds: int, bound: int) -> None:
    assert counts.bound_of(milliseconds) == bound


def test_bounds_grow() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
    assert BOUNDS[0] > BEYOND


def test_what_is_added_adds_up_for_each_connection(ledger: Ledger) -> None:
    add_tenant(ledger)
    add_tenant(ledger, "V")
    with ledger.write() as connection:
        counts.add_calls(connection, "W", {CREATE: 2, READ: 1})
        counts.add_calls(connection, "W", {CREATE: 3})
        counts.add_calls(connection, "V", {CREATE: 10})
        counts.add_calls(connection, "V", {})
        counts.add_latencies(connection, "W", {(0, 50): [10, 20], (1, BEYOND): [4_000_000]})
        counts.add_latencies(connection, "W", {(0, 50): [30]})
    with ledger.read() as connection:
        assert counts.calls_of(connection, "W") == {CREATE: 5, READ: 1}
        assert counts.calls_of(connection, "V") == {CREATE: 10}
        assert set(counts.latencies_of(connection, "W")) == {Latency(0, 50, 3, 60), Latency(1, BEYOND, 1, 4_000_000)}
        assert counts.latencies_of(connection, "V") == ()


def test_two_that_add_at_the_same_time_lose_nothing(ledger: Ledger) -> None:
    add_tenant(ledger)

    def add(number: int) -> None:
        with ledger.write() as connection:
            counts.add_calls(connection, "W", {CREATE: 1, READ: number})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(40)))
    with ledger.read() as connection:
        assert counts.calls_of(connection, "W") == {CREATE: 40, READ: sum(range(40))}
