"""Counts that only grow: calls by route and answer, and how long records took."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from connector.ledger.tables import calls, latencies
from connector.ledger.upsert import insert_or_add

# Upper bounds of the latencies' buckets, in milliseconds; what took longer is counted under `BEYOND`.
BOUNDS = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000)
BEYOND = 0


@dataclass(frozen=True, slots=True)
class Latency:
    """Records of one lane in one bucket: how many, and the sum of their times in milliseconds."""

    lane: int
    bound: int
    count: int
    sum: int


def bound_of(milliseconds: int) -> int:
    """The bucket of a time: the smallest bound that is not below it."""
    place = bisect_left(BOUNDS, milliseconds)
    return BOUNDS[place] if place < len(BOUNDS) else BEYOND


def add_calls(connection: Connection, connection_id: str, counted: Mapping[tuple[str, str], int]) -> None:
    """Adds calls: (route, answer) → how many."""
    rows = [
        {"connection_id": connection_id, "route": route, "answer": answer, "count": count}
        for (route, answer), count in counted.items()
    ]
    insert_or_add(connection, calls, rows, ("connection_id", "route", "answer"))


def add_latencies(connection: Connection, connection_id: str, counted: Mapping[tuple[int, int], list[int]]) -> None:
    """Adds records that ended: (lane, bound) → their times in milliseconds."""
    rows = [
        {"connection_id": connection_id, "lane": lane, "bound": bound, "count": len(times), "sum": sum(times)}
        for (lane, bound), times in counted.items()
    ]
    insert_or_add(connection, latencies, rows, ("connection_id", "lane", "bound"))


def calls_of(connection: Connection, connection_id: str) -> dict[tuple[str, str], int]:
    """Calls that were ever made: (route, answer) → how many."""
    columns = (calls.c.route, calls.c.answer, calls.c.count)
    mine = select(*columns).where(calls.c.connection_id == connection_id).order_by(*columns[:2])
    return {(route, answer): count for route, answer, count in connection.execute(mine)}


def latencies_of(connection: Connection, connection_id: str) -> tuple[Latency, ...]:
    """How long records took from being accepted to their outcome."""
    columns = (latencies.c.lane, latencies.c.bound, latencies.c.count, latencies.c.sum)
    mine = select(*columns).where(latencies.c.connection_id == connection_id)
    return tuple(Latency(*row) for row in connection.execute(mine))
