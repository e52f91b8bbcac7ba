"""Two delivering processes, several connections: no call is made over a limit, and nearly all of a quota is used."""

from collections import Counter
from collections.abc import Iterator
from threading import Event, Lock, Thread
from typing import Any

import pytest

from connector.budget import resets_at
from connector.courier import Courier
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from connector.crisp.plan import check
from connector.errors import Problem
from connector.ledger import Ledger, quotas
from connector.ledger import connections as tenants
from connector.manifest import shipped
from connector.settings import Settings
from tests.building import add_rows, contact, row, tenant
from tests.courier.world import Ticking, World

WEBSITES = ("A", "B", "C")
DAILY, RATE, RECORDS = 400, 100, 500


class Counting(Client):
    """A Crisp for every website, each with its own quota and rate (a bucket of one second's calls); it enforces both
    and counts what is over them."""

    clock: Ticking
    let_through: Counter[str]
    over: Counter[str]
    tokens: dict[str, tuple[float, int]]

    def send(self, call: Call) -> Reply | Failure:
        website = self.credential.website_id
        with _COUNTING:
            if not self._let(website):
                self.over[website] += 1
                return Reply(429, "rate_limited")
            self.let_through[website] += 1
        data: Any = [] if call.path.startswith("people/profiles") else {"people_id": f"id of {call.who}"}
        return Reply(200, "added", data)

    def _let(self, website: str) -> bool:
        now = self.clock()
        held, at = self.tokens.get(website, (float(RATE), now))
        held = min(float(RATE), held + (now - at) * RATE / 1000)
        if held < 1 or self.let_through[website] >= DAILY:
            return False
        self.tokens[website] = (held - 1, now)
        return True


_COUNTING = Lock()


@pytest.fixture
def other(world: World) -> Iterator[Ledger]:
    """The ledger as another process has it: its own connections to the same database."""
    made = Ledger(world.ledger.url.render_as_string(hide_password=False))
    yield made
    made.close()


def fill(world: World) -> None:
    now = world.clock()
    with world.ledger.write() as connection:
        for website in WEBSITES:
            sealed = world.vault.seal("K")
            made = tenant(website, key_sealed=sealed, daily_quota=DAILY, rate=RATE)
            tenants.save(connection, made, now)
    said = [contact(f"p{n}@example.com", nickname="P", data={"n": n}) for n in range(RECORDS)]
    for website in WEBSITES:
        add_rows(world.ledger, [row(each, website, due_at=now, created_at=now) for each in said])


def used(ledger: Ledger, website: str) -> int:
    with ledger.read() as connection:
        return quotas.get(connection, website).used


def deliver(courier: Courier, website: str) -> None:
    """As an engine does, again and again; in between somebody asks for something in person, who is refused where the
    others have bought the last calls meanwhile."""
    for _ in range(6):
        courier.drain(website, Event())
        if used(courier.ledger, website) < DAILY - 10:
            try:
                courier.run(website, check())
            except Problem as problem:
                if problem.code != "quota_used_up":
                    raise


def everywhere(couriers: list[Courier]) -> None:
    threads = [Thread(target=deliver, args=(courier, website)) for courier in couriers for website in WEBSITES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)


def test_promise_7_two_processes_share_each_quota(world: World, other: Ledger) -> None:
    fill(world)
    made, over = Counter[str](), Counter[str]()
    client = type("Counted", (Counting,), {"clock": world.clock, "let_through": made, "over": over, "tokens": {}})
    settings = Settings(crisp_api_url=world.url, concurrency=8, drains=3)
    couriers = [
        Courier(each, world.vault, shipped(), settings, clients=Clients(world.url, 8, make=client), clock=world.clock)
        for each in (world.ledger, other)
    ]
    everywhere(couriers)
    assert all(DAILY * 0.94 <= made[website] < DAILY for website in WEBSITES), "bulk leaves a reserve"
    world.clock.leap_to(resets_at(world.clock()) - 1_800_000)
    everywhere(couriers)
    assert over == {}
    assert all(DAILY * 0.99 <= made[website] <= DAILY for website in WEBSITES)
    assert {website: used(world.ledger, website) for website in WEBSITES} == made
    for courier in couriers:
        courier.close()
