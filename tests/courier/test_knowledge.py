"""What is known of a person stays true: whatever is in flight, whatever the person is called, whatever others do."""

from collections.abc import Callable
from typing import Any

import pytest

from connector.contact import Contact
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.crisp.plan import erase
from connector.ledger import people, records
from connector.ledger.people import Person
from connector.ledger.tables import people as table
from tests.building import contact
from tests.courier.scripted import drain_once, scripted
from tests.courier.world import World

ADA, NEW = "ada@example.com", "ada@example.org"


def meanwhile(world: World, happens: Callable[[], object]) -> Clients:
    """Clients with which something happens while the first call is under way."""

    class Busy(Client):
        calls = 0

        def send(self, call: Call) -> Reply | Failure:
            Busy.calls += 1
            if Busy.calls == 1:
                happens()
            return super().send(call)

    return Clients(world.url, 8, make=Busy)


def told_meanwhile(world: World, first: Any, second: Any) -> list[Any]:
    """Delivers the first record; the second is accepted while the first one's call is under way. Both outcomes."""
    ids = world.add(first[0], **first[1])
    world.settle(world.courier(clients=meanwhile(world, lambda: ids.extend(world.add(second[0], **second[1])))))
    return [world.outcome(each) for each in ids]


def known(world: World) -> list[Person]:
    """Everybody whom the ledger knows."""
    with world.ledger.read() as connection:
        names = [name for row in connection.execute(table.select()) for name in (row.email, row.people_id) if name]
        found = people.by_who(connection, "W", names)
    return list({person.id: person for person in found.values()}.values())


def unknown(world: World, *said: Any) -> str:
    """Somebody whom Crisp has and the ledger does not; the people_id."""
    world.deliver(*said)
    with world.ledger.write() as connection:
        connection.execute(table.delete())
    return str(world.person(ADA)["people_id"])


def test_promise_4_what_is_in_flight_is_known_to_the_next_record(world: World) -> None:
    """Known is A, B is under way, A arrives: it is news."""
    world.deliver(contact(ADA, nickname="A"))
    ended = told_meanwhile(world, (contact(ADA, nickname="B"), {}), (contact(ADA, nickname="A"), {}))
    assert [each.status for each in ended] == ["updated", "updated"]
    assert world.person(ADA)["person"]["nickname"] == "A"


def test_promise_4_the_time_of_what_is_in_flight_counts(world: World) -> None:
    world.deliver(contact(ADA, nickname="0"))
    new, old = (contact(ADA, nickname="new"), {"at": 2_000}), (contact(ADA, nickname="old"), {"at": 1_000})
    assert [each.status for each in told_meanwhile(world, new, old)] == ["updated", "superseded"]
    assert world.person(ADA)["person"]["nickname"] == "new"


def test_promise_9_somebody_who_is_being_created_is_not_created_again(world: World) -> None:
    ended = told_meanwhile(world, (contact(ADA, nickname="A"), {}), (contact(ADA, nickname="B"), {}))
    assert [(each.status, each.calls) for each in ended] == [("created", 1), ("updated", 1)]


@pytest.mark.parametrize("mode", ["update", "upsert"])
def test_an_address_is_changed_though_a_later_record_names_the_old_one(world: World, mode: str) -> None:
    world.deliver(contact(ADA, nickname="Ada"))
    world.add(contact(NEW), who=ADA, mode=mode)
    world.add(contact(ADA, city="Nantes"), mode=mode)
    world.settle()
    assert world.person(NEW)["person"]["geolocation"]["city"] == "Nantes"


@pytest.mark.parametrize("says", [ADA, NEW])
def test_a_record_that_was_accepted_before_the_address_changed_finds_the_person(world: World, says: str) -> None:
    world.deliver(contact(ADA, nickname="Ada"))
    people_id = world.person(ADA)["people_id"]
    named = {"who": ADA, "people_id": people_id, "mode": "update"}
    ended = told_meanwhile(world, (contact(NEW), named), (contact(says, city="Nantes"), named))
    assert [(each.status, each.code) for each in ended] == [("updated", None), ("updated", None)]
    assert world.person(NEW)["person"]["geolocation"]["city"] == "Nantes"


@pytest.mark.parametrize("fault", [None, Reply(503), Failure("crisp_timeout", sent=True)])
@pytest.mark.parametrize("at", [1, 2])
def test_an_address_and_data_of_somebody_unknown_are_both_changed(
    world: World, fault: Reply | Failure | None, at: int
) -> None:
    """Also when it stops between the two and goes on later."""
    unknown(world, contact(ADA, nickname="Ada"))
    [record] = world.add(contact(NEW, data={"plan": "pro"}), who=ADA, mode="update")
    world.settle(world.courier(clients=scripted(world, *[None] * at, fault)))
    assert (world.outcome(record).status, world.outcome(record).code) == ("updated", None)
    assert world.person(NEW)["data"] == {"plan": "pro"}


def test_two_names_of_somebody_unknown_become_one_person(world: World) -> None:
    people_id = unknown(world, contact(ADA, nickname="X"))
    assert world.deliver(Contact({"nickname": "Ada"}), who=people_id) == ["updated"]
    assert world.deliver(contact(ADA, nickname="Bob")) == ["updated"]
    assert [(each.email, each.people_id) for each in known(world)] == [(ADA, people_id)]
    assert world.deliver(contact(ADA, nickname="Ada"), who=people_id) == ["updated"]
    assert world.person(ADA)["person"]["nickname"] == "Ada"


def test_promise_9_somebody_unknown_costs_at_most_four_calls_once(world: World) -> None:
    unknown(world, contact(ADA, nickname="Ada", city="Nantes"))
    calls = world.calls
    said = contact(ADA, nickname="Ada", city="Paris", data={"plan": "pro"})
    assert (world.deliver(said), world.calls - calls) == (["updated"], 4)
    assert (world.deliver(said), world.calls - calls) == (["unchanged"], 4)


def test_promise_9_somebody_unknown_to_whom_nothing_is_new_is_known_from_then_on(world: World) -> None:
    unknown(world, contact(ADA, nickname="Ada"))
    assert world.deliver(contact(ADA, nickname="Ada")) == ["unchanged"]
    calls = world.calls
    assert (world.deliver(contact(ADA, nickname="Ada")), world.calls) == (["unchanged"], calls)


def test_somebody_who_was_removed_and_made_again_is_met_anew(world: World) -> None:
    world.deliver(contact(ADA, nickname="S", city="Nantes", data={"plan": "pro"}))
    world.courier().run("W", erase(ADA))
    with world.ledger.read() as connection:
        before = connection.execute(table.select()).all()
    with world.ledger.write() as connection:
        connection.execute(table.delete())
    world.deliver(contact(ADA, nickname="chat"))
    with world.ledger.write() as connection:
        connection.execute(table.delete())
        connection.execute(table.insert(), [dict(row._mapping) for row in before])
    assert world.deliver(contact(ADA, nickname="S2")) == ["updated"]
    assert world.deliver(contact(ADA, data={"plan": "pro"})) == ["updated"]
    assert world.person(ADA)["data"] == {"plan": "pro"}
    assert [each.people_id for each in known(world)] == [world.person(ADA)["people_id"]]


def test_a_people_id_that_is_not_known_is_not_a_new_person(world: World) -> None:
    people_id = unknown(world, contact(ADA, nickname="Ada"))
    assert world.deliver(contact(NEW, nickname="Ada"), who=people_id) == ["updated"]
    assert world.person(NEW)["people_id"] == people_id
    assert world.stats["creations"] == {ADA: 1}


def test_what_waited_long_for_quota_is_not_too_old_for_a_failure(world: World) -> None:
    world.connect(daily_quota=0)
    [record] = world.add(contact(ADA, nickname="Ada"), created_at=world.clock() - 10_000)
    drain_once(world, retry_age=10)
    world.connect()
    with world.ledger.write() as connection:
        connection.exec_driver_sql("DELETE FROM quotas")
    world.clock.leap_to(world.outcome(record).due_at or 0)
    drain_once(world, clients=scripted(world, Reply(500), apply=False), retry_age=10)
    assert world.outcome(record).status == "waiting"
    world.settle()
    assert world.statuses([record]) == ["created"]


def again(world: World, record: str) -> None:
    """The record failed before and is replayed now."""
    with world.ledger.write() as connection:
        assert records.replay(connection, "W", records.chosen(ids=[record]), world.clock()) == 1
    world.settle()


@pytest.mark.parametrize("mode", ["upsert", "update"])
def test_promise_4_a_replay_does_not_undo_what_came_later(world: World, mode: str) -> None:
    """None of them has a time of its source. What nothing later said still counts."""
    world.deliver(contact(ADA, nickname="0"))
    [failed] = world.add(contact(ADA, nickname="monday", city="Nantes", data={"n": 1}), mode=mode)
    drain_once(world, clients=scripted(world, Reply(503), apply=False), retry_age=0)
    assert world.statuses([failed]) == ["dead"]
    world.deliver(contact(ADA, nickname="tuesday", data={"n": 2}))
    again(world, failed)
    person = world.person(ADA)
    assert (person["person"]["nickname"], person["data"], world.outcome(failed).status) == (
        "tuesday",
        {"n": 2},
        "updated",
    )
    assert person["person"]["geolocation"]["city"] == "Nantes"


def test_promise_4_a_replay_of_what_was_said_again_is_superseded(world: World) -> None:
    [failed] = world.add(contact(ADA, nickname="monday"))
    drain_once(world, clients=scripted(world, Reply(503), apply=False), retry_age=0)
    world.deliver(contact(ADA, nickname="tuesday"))
    calls = world.calls
    again(world, failed)
    assert (world.statuses([failed]), world.calls) == (["superseded"], calls)
    assert world.deliver(contact(ADA, nickname="wednesday")) == ["updated"]
