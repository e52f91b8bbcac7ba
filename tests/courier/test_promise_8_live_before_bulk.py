"""Live work goes before bulk work at every call: it waits for a place or a slot, never for a record."""

import time
from collections.abc import Callable
from threading import Event, Lock, Semaphore, Thread
from typing import Any

import pytest

from connector.contact import Contact
from connector.courier import Courier
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.ledger import people
from connector.ledger.people import Person
from tests.building import contact
from tests.courier.world import World

pytestmark = pytest.mark.alone

ADA = "ada@example.com"
PLACES = 8
BULK = 10_000


class Gated(Client):
    """A Crisp of the test's own that answers as many calls as it is let, and notes whose they are."""

    gate: Semaphore
    whose: list[str | None]
    seconds = 0.0

    def send(self, call: Call) -> Reply | Failure:
        with _NOTING:
            self.whose.append(call.who)
        self.gate.acquire()
        time.sleep(self.seconds)
        return Reply(201, "added", {"people_id": f"id of {call.who}"})


_NOTING = Lock()


def within(seconds: float, look: Callable[[], Any], what: str) -> None:
    until = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < until, what
        time.sleep(0.005)


def gated(gate: Semaphore, **more: Any) -> type[Gated]:
    return type("Gated", (Gated,), {"gate": gate, "whose": list[str | None](), **more})


def bulk(world: World, count: int) -> list[str]:
    return world.add(*(contact(f"p{n}@example.com", nickname="P", data={"n": n}) for n in range(count)))


def until_created(world: World, record: str) -> None:
    within(20, lambda: world.outcome(record).status == "created", "it was not delivered")


def test_promise_8_the_next_place_that_comes_free_is_for_live_work(world: World) -> None:
    """All places are taken, and more calls are bought and ready to go."""
    client = gated(Semaphore(0))
    bulk(world, 200)
    courier = world.courier(clients=Clients(world.url, PLACES, make=client), concurrency=PLACES)
    draining = Thread(target=courier.drain, args=("W", Event()))
    draining.start()
    within(10, lambda: len(client.whose) == PLACES, "the places are not taken")
    [live] = world.add(contact(ADA, nickname="Ada", data={"n": 1}), lane=0)
    assert courier.nudge("W")
    within(10, lambda: world.outcome(live).claim is not None, "it was not claimed while bulk work had every place")
    client.gate.release()
    within(10, lambda: len(client.whose) > PLACES, "nothing went out")
    assert client.whose[PLACES] == ADA
    for _ in range(1_000):
        client.gate.release()
    draining.join(60)
    assert world.outcome(live).status == "created"


def test_promise_8_a_live_contact_in_a_great_import_waits_for_hardly_a_call(world: World) -> None:
    client = gated(Semaphore(100_000), seconds=0.05)
    bulk(world, BULK)
    stop = Event()
    courier = world.courier(clients=Clients(world.url, PLACES, make=client), concurrency=PLACES)
    draining = Thread(target=courier.drain, args=("W", stop))
    draining.start()
    within(20, lambda: len(client.whose) > 5 * PLACES, "the import does not go out")
    for number in range(5):
        email = f"live{number}@example.com"
        before = len(client.whose)
        [live] = world.add(contact(email, nickname="Ada", data={"n": 1}), lane=0)
        courier.nudge("W")
        until_created(world, live)
        mine = [index for index, who in enumerate(client.whose) if who and who.endswith(email)]
        # Its two calls: each waits for those that are out and for a turn or two of the drain.
        assert len(mine) == 2
        assert mine[0] - before <= 4 * PLACES
        assert mine[1] - mine[0] <= 4 * PLACES
    stop.set()
    draining.join(60)
    assert len(client.whose) < BULK, "it was in the middle of the import"


def known(world: World, count: int, connection_id: str = "W") -> None:
    """So many people whom Crisp has."""
    persons = (Person(f"p{n}@example.com", f"id of p{n}", Contact({"nickname": "P"})) for n in range(count))
    with world.ledger.write() as connection:
        people.save(connection, connection_id, persons, world.clock())


def overtakes(world: World, courier: Courier, client: type[Gated], said: Contact, status: str, *, calls: int) -> None:
    before = len(client.whose)
    [live] = world.add(said, lane=0)
    courier.nudge("W")
    within(20, lambda: world.outcome(live).status == status, f"it was not {status}")
    assert len(client.whose) - before <= calls


@pytest.mark.parametrize("alike", [1, 2], ids=["all different", "pairs"])
def test_promise_8_live_work_overtakes_what_waits_for_a_batch(world: World, alike: int) -> None:
    """Thousands of known people: nobody shares a value, or two at a time do."""
    client = gated(Semaphore(100_000), seconds=0.05)
    world.connect(findings={"batch_data": "merge", "batch_size": 500})
    known(world, 2_200)
    world.add(*(contact(f"p{n}@example.com", data={"n": n // alike}) for n in range(2_200)))
    stop = Event()
    courier = world.courier(clients=Clients(world.url, PLACES, make=client), concurrency=PLACES)
    draining = Thread(target=courier.drain, args=("W", stop))
    draining.start()
    within(30, lambda: len(client.whose) > 2 * PLACES, "the import does not go out")
    # A change waits for what the person is told already, and a moment to see that it is done.
    overtakes(world, courier, client, contact(ADA, nickname="Ada"), "created", calls=4 * PLACES)
    overtakes(world, courier, client, contact("p1500@example.com", city="B"), "updated", calls=20 * PLACES)
    stop.set()
    draining.join(60)
    assert len(client.whose) < 2_200 // alike - 100, "it was in the middle of the import"
