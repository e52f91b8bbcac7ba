"""Sinks are written to by one at a time, together and in order; what cannot be written waits, and stands in nobody's
way."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from connector.hooks.plan import PATIENCE
from connector.ledger import deliveries
from connector.ledger.tables import sinks
from connector.sinks.base import Broken, Later, Refused, Stopped, Unwritten, Wait
from tests.app.stack import until
from tests.hooks.conftest import World
from tests.ledger.telling import add_sink


class Sheet:
    """A sink that remembers what it was told. `refuses`: what to raise for these payloads, if anything."""

    def __init__(self) -> None:
        self.batches = list[list[int]]()
        self.opened, self.at_once, self.most = 0, 0, 0
        self.refuses: Callable[[Sequence[int]], Exception | None] = lambda _: None
        self.takes = 0.0
        self.wait: Wait = lambda _: False

    def write(self, payloads: Sequence[Mapping[str, Any]]) -> None:
        numbers = [each["number"] for each in payloads]
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        time.sleep(self.takes)
        self.at_once -= 1
        self.batches.append(numbers)
        if (problem := self.refuses(numbers)) is not None:
            raise problem

    def look(self) -> Mapping[str, Any]:
        return {}


@pytest.fixture
def sheet(monkeypatch: pytest.MonkeyPatch) -> Sheet:
    found = Sheet()

    def opened(kind: str, *more: Any) -> Sheet:
        if kind != "test":
            raise KeyError(kind)
        found.opened, found.wait = found.opened + 1, more[-1]
        return found

    monkeypatch.setattr("connector.hooks.telling.opened", opened)
    return found


def tell(world: World, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        world.tell(payload={"number": number})


def sink(world: World, **more: Any) -> str:
    return add_sink(world.ledger, "contact_created", **{"credential_sealed": world.vault.seal("key"), **more})


def statuses(world: World) -> list[str]:
    return [row.status for row in world.deliveries()]


def test_what_is_due_is_written_together_and_in_order(world: World, sheet: Sheet) -> None:
    sink(world)
    sheet.takes = 0.05
    tell(world, 250)
    assert until(lambda: set(statuses(world)) == {"delivered"})
    assert [number for batch in sheet.batches for number in batch] == list(range(250))
    assert max(map(len, sheet.batches)) <= 100
    assert len(sheet.batches) < 40
    assert (sheet.most, sheet.opened) == (1, 1)


def test_what_is_to_come_later_waits_so_long_and_is_not_overtaken(world: World, sheet: Sheet) -> None:
    sink(world)
    sheet.refuses = lambda _: Later(60, "It asks for a pause.")
    tell(world, 1)
    row = world.tried()
    assert (row.status, row.due_at - row.trail[0]["at"]) == ("waiting", 60_000)
    assert row.trail[0]["reason"] == "It asks for a pause."
    sheet.refuses = lambda _: None
    tell(world, 1, first=1)
    time.sleep(0.2)
    assert sheet.batches == [[0]]
    world.go_on(60)
    assert until(lambda: statuses(world) == ["delivered", "delivered"])
    assert sheet.batches == [[0], [0, 1]]


def test_what_is_refused_stands_in_nobodys_way(world: World, sheet: Sheet) -> None:
    sheet.refuses = lambda numbers: Refused("It is too large.") if 1 in numbers else None
    sink(world)
    tell_together(world, 4)
    assert statuses(world) == ["delivered", "dead", "delivered", "delivered"]
    assert sheet.batches == [[0, 1, 2, 3], [0], [1], [2], [3]]


@pytest.mark.parametrize("count", [1, 3, 100])
def test_a_place_that_takes_nothing_ends_no_delivery(world: World, sheet: Sheet, count: int) -> None:
    """It may be protected, full, or gone: that is no fault of what was to be written."""
    sheet.refuses = lambda _: Refused("These cells are not taken.")
    sink(world)
    tell_together(world, count)
    assert statuses(world) == ["waiting"] * count
    assert {row.trail[0]["reason"] for row in world.deliveries()} == {"These cells are not taken."}
    assert len(sheet.batches) <= 6
    with world.ledger.read() as connection:
        assert connection.scalar(select(sinks.c.failing_since)) is not None
    sheet.refuses = lambda _: None
    world.go_on(6)
    assert until(lambda: statuses(world) == ["delivered"] * count)


def test_one_that_was_refused_alone_is_given_up_once_another_is_taken(world: World, sheet: Sheet) -> None:
    sheet.refuses = lambda numbers: Refused("It is too large.") if 0 in numbers else None
    sink(world)
    tell_together(world, 1)
    tell(world, 1, first=1)
    world.go_on(6)
    assert until(lambda: statuses(world) == ["dead", "delivered"])


def test_what_comes_after_one_that_is_not_written_now_is_not_written_either(world: World, sheet: Sheet) -> None:
    problems: dict[int, Unwritten] = {1: Refused("It is too large."), 2: Later(5, "Not now.")}
    sheet.refuses = lambda numbers: problems[1] if len(numbers) > 1 else problems.get(numbers[0])
    sink(world)
    tell_together(world, 4)
    assert statuses(world) == ["delivered", "dead", "waiting", "waiting"]
    assert sheet.batches == [[0, 1, 2, 3], [0], [1], [2]]


def test_what_waits_for_a_quota_when_the_process_is_to_end_is_given_back_as_it_was(world: World, sheet: Sheet) -> None:
    """As one by one after a refusal, each at the pace that Google allows."""

    def refuses(numbers: Sequence[int]) -> Exception | None:
        if len(numbers) > 1:
            return Refused("It is too large.")
        return Stopped() if numbers[0] > 0 and sheet.wait(60) else None

    sheet.refuses = refuses
    sink(world)
    tell_together(world, 100, waits=False)
    assert until(lambda: sheet.batches[-1:] == [[1]])
    began = time.monotonic()
    world.telling.stop()
    assert time.monotonic() - began < 2
    first, *others = world.deliveries()
    assert (first.status, first.attempts) == ("delivered", 1)
    assert {(row.status, row.attempts, row.claim, row.claimed_until) for row in others} == {("waiting", 0, None, None)}
    assert (len(others), sheet.batches[1:]) == (99, [[0], [1]])


def tell_together(world: World, count: int, *, waits: bool = True) -> None:
    """So many events in one transaction, so that they are met as one batch; `waits`: until all were tried."""
    told: dict[str, Any] = {"event_id": "e", "event": "contact_created", "own": False, "who": "", "now": world.clock()}
    with world.ledger.write() as connection:
        for number in range(count):
            deliveries.tell(connection, "W", payload={"number": number}, **told)
    world.telling.kick()
    assert not waits or until(lambda: {row.attempts for row in world.deliveries()} == {1})


def tried(world: World, count: int) -> bool:
    return all(row.attempts >= count for row in world.deliveries())


def test_who_is_broken_is_tried_for_five_days_and_then_disabled(world: World, sheet: Sheet) -> None:
    sink(world, failing_since=world.clock() - PATIENCE)
    sheet.refuses = lambda _: Broken("The sheet is not shared with the service account any more, so see to that.")
    tell_together(world, 2)
    for number, pause in ((1, 5), (2, 300)):
        assert until(partial(tried, world, number))
        world.go_on(pause + 1)
    assert until(lambda: statuses(world) == ["dead", "dead"])
    tell(world, 1, first=2)
    assert len(statuses(world)) == 2


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param({"kind": "gone"}, "there is no such kind of place in this version", id="no such kind"),
        pytest.param(
            {"credential_sealed": b"of another key"},
            "its credential cannot be opened: the secret key is another",
            id="no key opens its credential",
        ),
    ],
)
def test_a_sink_that_cannot_be_opened_waits(world: World, sheet: Sheet, more: dict[str, Any], reason: str) -> None:
    sink(world, **more)
    tell(world, 1)
    row = world.tried()
    assert (row.status, row.trail[0]["reason"]) == ("waiting", reason)


def test_a_mistake_of_ours_is_a_failure_like_any_other(world: World, sheet: Sheet) -> None:
    sink(world)
    sheet.refuses = lambda _: ValueError("a mistake")
    tell(world, 1)
    row = world.tried()
    assert (row.status, row.trail[0]["reason"]) == ("waiting", "something broke here; the log says what")


def test_a_sink_that_was_set_up_anew_is_opened_anew(world: World, sheet: Sheet) -> None:
    sink(world)
    tell(world, 1)
    assert until(lambda: statuses(world) == ["delivered"])
    with world.ledger.write() as connection:
        connection.execute(update(sinks).values(options={"tab": "B"}))
    tell(world, 1, first=1)
    assert until(lambda: statuses(world) == ["delivered"] * 2)
    assert sheet.opened == 2
