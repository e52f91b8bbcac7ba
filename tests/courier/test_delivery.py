"""Records become what Crisp says, with the fewest calls."""

import random
from threading import Semaphore
from time import sleep
from typing import Any

import pytest

from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.ledger.lanes import LIVE
from tests.building import contact
from tests.courier.world import World

ADA = "ada@example.com"


def test_promise_9_a_new_person_costs_two_calls_and_unchanged_none(world: World) -> None:
    said = contact(ADA, nickname="Ada", city="Nantes", segments=["vip"], data={"plan": "pro"})
    assert world.deliver(said) == ["created"]
    assert world.calls == 2
    assert world.deliver(said) == ["unchanged"]
    assert world.calls == 2
    card = world.person(ADA)
    assert (card["person"]["nickname"], card["segments"], card["data"]) == ("Ada", ["vip"], {"plan": "pro"})


@pytest.mark.parametrize(
    ("more", "changed"),
    [
        pytest.param({"city": "Paris"}, ["city"], id="profile"),
        pytest.param({"data": {"plan": "free"}}, ["data.plan"], id="data"),
        pytest.param({"segments": ["beta"]}, ["segments"], id="segments"),
    ],
)
def test_promise_9_a_change_costs_one_call(world: World, more: dict[str, Any], changed: list[str]) -> None:
    world.deliver(contact(ADA, nickname="Ada", city="Nantes", segments=["vip"], data={"plan": "pro"}))
    [record] = world.add(contact(ADA, **more))
    world.settle()
    after = world.outcome(record)
    assert (after.status, after.changed, after.calls) == ("updated", changed, 1)
    assert world.calls == 3


def test_promise_9_without_custom_data_a_new_person_costs_one_call(world: World) -> None:
    world.deliver(contact(ADA, nickname="Ada"))
    assert world.calls == 1


def test_promise_9_a_burst_of_changes_of_one_person_goes_out_as_one(world: World) -> None:
    *absorbed, last = world.add(*(contact(ADA, nickname="Ada", data={"n": n, f"k{n}": 1}) for n in range(5)))
    world.settle()
    assert world.calls == 2
    assert world.person(ADA)["data"] == {"n": 4, **{f"k{n}": 1 for n in range(5)}}
    assert world.outcome(last).status == "created"
    assert {(world.outcome(each).status, world.outcome(each).superseded_by) for each in absorbed} == {
        ("superseded", last)
    }
    assert world.totals() == {"records": 5, "created": 1, "superseded": 4, "calls": 2}


def test_promise_9_a_person_whom_only_crisp_knows_costs_at_most_four(world: World) -> None:
    world.deliver(contact(ADA, nickname="Ada", segments=["old"]))
    with world.ledger.write() as connection:
        connection.exec_driver_sql("DELETE FROM people")
    assert world.deliver(contact(ADA, city="Paris", segments=["new"], data={"plan": "pro"})) == ["updated"]
    assert world.calls == 1 + 4
    assert world.person(ADA)["segments"] == ["old", "new"]


def test_promise_4_order_is_kept_by_the_sources_times(world: World) -> None:
    """1,000 updates of 50 people in any order, in several rounds: the newest wins, for everybody."""
    people, rounds = 50, 20
    changes = [(who, moment) for moment in range(rounds) for who in range(people)]
    random.Random(4).shuffle(changes)
    courier = world.courier()
    for start in range(0, len(changes), 100):
        for who, moment in changes[start : start + 100]:
            said = contact(f"p{who}@example.com", nickname=f"P{moment}", data={"n": moment})
            world.add(said, at=1_000 + moment)
        world.settle(courier)
    found = {(world.person(f"p{who}@example.com")["person"]["nickname"]) for who in range(people)}
    assert found == {f"P{rounds - 1}"}
    assert {world.person(f"p{who}@example.com")["data"]["n"] for who in range(people)} == {rounds - 1}


def test_promise_4_a_late_change_loses_only_what_is_older(world: World) -> None:
    world.deliver(contact(ADA, nickname="Ada", city="Nantes"), at=2_000)
    assert world.deliver(contact(ADA, nickname="Old", job_title="CTO"), at=1_000) == ["updated"]
    person = world.person(ADA)["person"]
    assert (person["nickname"], person["employment"]["title"]) == ("Ada", "CTO")
    calls = world.calls
    assert world.deliver(contact(ADA, nickname="Older", city="Brest"), at=500) == ["superseded"]
    assert world.calls == calls


def test_promise_8_live_work_overtakes_bulk(world: World) -> None:
    world.switch(latency_ms=20)
    bulk = world.add(*(contact(f"p{n}@example.com", nickname="P") for n in range(200)))
    [live] = world.add(contact(ADA, nickname="Ada"), lane=LIVE)
    world.settle()
    ended = world.outcome(live).finished_at
    before = [each for each in bulk if world.outcome(each).finished_at <= ended]
    assert len(before) <= 16, "it waited for bulk work"


def test_another_address_moves_what_is_known(world: World) -> None:
    world.deliver(contact(ADA, nickname="Ada"))
    people_id = world.person(ADA)["people_id"]
    moved = contact("ada@example.org", nickname="Ada")
    assert world.deliver(moved, who=people_id) == ["updated"]
    assert world.person("ada@example.org")["people_id"] == people_id
    calls = world.calls
    assert world.deliver(moved) == ["unchanged"]
    assert world.calls == calls


def test_a_person_under_two_names_at_once_gets_both_changes(world: World) -> None:
    """One after the other: what is known after both must be what Crisp has."""
    calling = Semaphore()

    class Alone(Client):
        def send(self, call: Call) -> Reply | Failure:
            assert calling.acquire(blocking=False), "two calls at once for one person"
            sleep(0.02)
            answer = super().send(call)
            calling.release()
            return answer

    world.deliver(contact(ADA, nickname="Ada"))
    people_id = world.person(ADA)["people_id"]
    first = world.add(contact(ADA, city="Nantes"))
    second = world.add(contact(ADA, city="Paris"), who=people_id)
    world.settle(world.courier(clients=Clients(world.url, 8, make=Alone)))
    assert world.statuses(first + second) == ["updated", "updated"]
    assert [len(world.outcome(each).trail) for each in first + second] == [1, 1]
    assert world.person(ADA)["person"]["geolocation"]["city"] == "Paris"
    assert world.deliver(contact(ADA, city="Paris")) == ["unchanged"]


@pytest.mark.parametrize(
    ("mode", "known", "status", "code"),
    [
        pytest.param("create", False, "created", None, id="create, new"),
        pytest.param("create", True, "rejected", "contact_exists", id="create, there"),
        pytest.param("update", True, "updated", None, id="update, there"),
        pytest.param("update", False, "rejected", "contact_missing", id="update, missing"),
    ],
)
def test_modes(world: World, mode: str, status: str, code: str | None, *, known: bool) -> None:
    if known:
        world.deliver(contact(ADA, nickname="Old"))
    [record] = world.add(contact(ADA, nickname="Ada"), mode=mode)
    world.settle()
    assert (world.outcome(record).status, world.outcome(record).code) == (status, code)


def test_a_person_who_left_crisp_is_created_again(world: World) -> None:
    world.deliver(contact(ADA, nickname="Ada", data={"plan": "pro"}))
    world._control.post("/_sandbox/reset")
    assert world.deliver(contact(ADA, nickname="Ada", data={"plan": "free"})) == ["created"]
    assert world.person(ADA)["data"] == {"plan": "free"}


def test_what_is_refused_together_goes_by_itself(world: World) -> None:
    """Which of several changes Crisp refuses is not known: each is tried alone, and only the wrong one is rejected."""
    wrong, right = world.add(contact(ADA, country="ZZ"), contact(ADA, nickname="Ada", city="Nantes"))
    world.settle()
    assert (world.outcome(wrong).status, world.outcome(wrong).code) == ("rejected", "crisp_refused")
    assert world.outcome(right).status == "created"
    assert world.person(ADA)["person"]["nickname"] == "Ada"
