"""Every call is counted once, every delivered record's time as well, and the log says what was done."""

from collections import Counter
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.crisp import plan
from connector.errors import Problem
from connector.ids import new_id
from connector.ledger import counts, figures, importing
from connector.ledger.lanes import LIVE
from tests.building import contact
from tests.courier.world import World

PEOPLE = [contact(f"p{number}@example.com", nickname="P", data={"plan": "pro"}) for number in range(12)]


def counted(world: World) -> Counter[str]:
    """Calls by route, as the sandbox counts them."""
    with world.ledger.read() as connection:
        found = counts.calls_of(connection, "W")
    by_route: Counter[str] = Counter()
    for (route, _), count in found.items():
        by_route[route.replace("{people_id}", "{who}")] += count
    return by_route


def seen(world: World) -> Counter[str]:
    """What the sandbox counted."""
    found: dict[str, int] = world.stats["calls"]["by_route"]
    return Counter({route.replace("{people_id}", "{who}"): count for route, count in found.items()})


def answers(world: World) -> Counter[str]:
    with world.ledger.read() as connection:
        found = counts.calls_of(connection, "W")
    by_answer: Counter[str] = Counter()
    for (_, answer), count in found.items():
        by_answer[answer] += count
    return by_answer


def timed(world: World) -> Counter[int]:
    """Records whose time was counted, by lane."""
    with world.ledger.read() as connection:
        found = counts.latencies_of(connection, "W")
    by_lane: Counter[int] = Counter()
    for each in found:
        by_lane[each.lane] += each.count
    return by_lane


def test_the_ledger_counts_the_calls_that_crisp_counts(world: World) -> None:
    assert world.deliver(*PEOPLE) == ["created"] * 12
    assert world.courier().run("W", plan.read("nobody@example.com")) is None
    world.courier().run("W", plan.read("p1@example.com"))
    assert counted(world) == seen(world)
    assert counted(world).total() == world.calls > 24


def test_refused_and_failed_ones_too(world: World) -> None:
    world.switch(error_rate=0.3)
    world.deliver(*PEOPLE)
    assert counted(world) == seen(world)
    assert answers(world).total() == world.calls
    assert any(answer.startswith("5") for answer in answers(world))


def test_a_call_that_never_went_out_is_none(world: World) -> None:
    [record_id] = world.add(PEOPLE[0])
    away = world.courier(crisp_api_url="http://127.0.0.1:9/v1")
    away.drain("W", Event())
    with pytest.raises(Problem):
        away.run("W", plan.read("ada@example.com"))
    assert world.outcome(record_id).code == "crisp_unreachable"
    assert not counted(world)


def test_each_record_that_ended_is_timed_once_by_its_lane(world: World) -> None:
    world.add(contact("ada@example.com", nickname="Ada"), lane=LIVE)
    world.add(*PEOPLE[:3])
    world.add(contact("p0@example.com", nickname="Newer"))
    world.settle()
    assert timed(world) == {LIVE: 1, 1: 4}
    world.add(PEOPLE[0], created_at=world.clock() - 90_000)
    world.settle()
    with world.ledger.read() as connection:
        found = counts.latencies_of(connection, "W")
    [slow] = [each for each in found if each.bound == 300_000]
    assert slow.count == 1
    assert slow.sum >= 90_000


def test_waiting_is_no_end(world: World) -> None:
    world.switch(key="another")
    world.add(PEOPLE[0])
    world.courier().drain("W", Event())
    assert answers(world) == {"401": 1}
    assert not timed(world)


def test_after_a_drain_nothing_is_in_flight(world: World) -> None:
    world.deliver(*PEOPLE)
    with world.ledger.read() as connection:
        found = figures.of_lease(connection, "W", world.clock())
        raw = connection.exec_driver_sql("SELECT in_flight FROM leases").scalar()
    assert (found.holder, found.in_flight, raw) == (None, 0, 0)
    assert found.grants >= 1


def lines(logs: list[Any], event: str) -> list[Any]:
    return [{key: value for key, value in line.items() if key != "ms"} for line in logs if line["event"] == event]


def test_the_log_has_a_line_for_each_call_and_for_the_lease(world: World) -> None:
    with capture_logs() as logs:
        [record_id] = world.add(contact("ada@example.com", nickname="Ada"))
        world.settle()
        world.courier().run("W", plan.read("ada@example.com"))
    delivered, *read = lines(logs, "call")
    about = {"event": "call", "log_level": "debug", "connection": "W"}
    assert delivered == {**about, "outcome": record_id, "route": "POST people/profile", "answer": "201"}
    assert {line["route"].split("/")[1] for line in read} == {"profile", "data"}
    assert all(line["ms"] > 0 for line in logs if line["event"] == "call")
    assert [line["token"] for line in lines(logs, "lease_taken")] == [1]
    assert [line["token"] for line in lines(logs, "lease_given_back")] == [1]
    assert "ada@" not in str(logs)


def test_the_log_says_once_that_an_import_is_completed(world: World) -> None:
    import_id, now = new_id(), world.clock()
    with world.ledger.write() as connection:
        opened = {"id": import_id, "connection_id": "W", "source": "generic", "mode": "upsert", "records": 0}
        importing.open_import(connection, {**opened, "notes": [], "created_at": now})
    world.add(*PEOPLE, import_id=import_id)
    with world.ledger.write() as connection:
        importing.seal_import(connection, import_id, len(PEOPLE), now)
    courier = world.courier()
    with capture_logs() as logs:
        world.settle(courier)
        courier.close()  # what is looked at beside the drain is done by then
    [line] = lines(logs, "import_completed")
    assert (line["import_id"], line["connection"], line["records"], line["created"]) == (import_id, "W", 12, 12)
