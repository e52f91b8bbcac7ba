"""The same contacts by hand: the official client in a loop and in a pool of threads, beside ours; and under faults."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any
from unittest.mock import patch

import requests
from crisp_api import Crisp  # type: ignore[import-untyped]
from urllib3.connection import HTTPConnection

from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import Said, change, sandbox
from connector import logs, probing, sources
from connector.intake import Options, Reading
from connector.ledger import records
from connector.services import Services, open_services
from connector.settings import Settings
from tests.chaos.harassing import PATIENCE, harassed

_CONTACTS, _THREADS, _LATENCY = 2_000, 32, 20
# A loop needs minutes for as many, and tells the same of the first of them; BENCH=full waits for it.
_LOOPED = _CONTACTS if os.environ.get("BENCH") == "full" else 200
Person = dict[str, Any]
Deliver = Callable[[Sequence[Person]], None]
# What gets ready to deliver to that Crisp, before the clock runs.
Way = Callable[[Said, ExitStack], Deliver]


@dataclass(frozen=True)
class _Run:
    """What a way of delivering took, and what it left undone."""

    seconds: float
    opened: int
    calls: int
    lost: int


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Contacts per second, connections opened and calls per contact; contacts lost under the faults of promise 3."""
    logs.configure("warning")
    yield from _figures("official client, loop", _loop, _LOOPED)
    yield from _figures("official client, 32 threads", _pool, _CONTACTS)
    for name in on:
        with opened(name) as database:
            yield from _figures("ours", partial(_ours, database), _CONTACTS, goal=0, on=name)


def _figures(name: str, way: Way, count: int, *, goal: float | None = None, on: str = "") -> Iterator[Figure]:
    calm, rough = _run(way, count, harassing=False), _run(way, count, harassing=True)
    yield Figure(f"{name}: contacts per second", count / calm.seconds, "/s", on=on)
    yield Figure(f"{name}: connections opened, for {count}", calm.opened, "", on=on)
    yield Figure(f"{name}: calls per contact", calm.calls / count, "", on=on)
    yield Figure(f"{name}: lost under faults, of {count}", rough.lost, "", goal, "less", on=on)
    yield Figure(f"{name}: calls per contact under faults", rough.calls / count, "", on=on)


def _run(way: Way, count: int, *, harassing: bool) -> _Run:
    people = [{"email": f"c{n}@example.com", "nickname": "Ada", "data": {"n": n}} for n in range(count)]
    with sandbox("--seed", "1") as crisp, ExitStack() as stack:
        deliver, before = way(crisp, stack), _calls(crisp)
        change(crisp, latency_ms=_LATENCY)
        if harassing:
            stack.enter_context(harassed(partial(change, crisp)))
        with _counted() as opened:
            began = time.perf_counter()
            deliver(people)
            took = time.perf_counter() - began
        cards = requests.get(f"{crisp['url']}/_sandbox/people", timeout=60).json()
        calls = _calls(crisp) - before
    held = {card["email"]: (card["person"]["nickname"], card["data"]) for card in cards}
    lost = sum(held.get(person["email"]) != (person["nickname"], person["data"]) for person in people)
    return _Run(took, opened[0], calls, lost)


def _calls(crisp: Said) -> int:
    return int(requests.get(f"{crisp['url']}/_sandbox/stats", timeout=60).json()["calls"]["total"])


@contextmanager
def _counted() -> Iterator[list[int]]:
    """How many connections this process opens meanwhile."""
    opened, connect = [0], HTTPConnection.connect

    def counting(self: HTTPConnection) -> None:
        opened[0] += 1
        connect(self)

    with patch.object(HTTPConnection, "connect", counting):
        yield opened


def _client(crisp: Said) -> Any:
    """Its own timeout is 5 seconds; here it waits as long as ours."""
    client = Crisp()
    client.set_rest_host(crisp["url"])
    client.set_tier(crisp["tier"])
    client.authenticate(crisp["identifier"], crisp["key"])
    client.set_timeout(PATIENCE)
    return client


def _by_hand(client: Any, website: str, person: Person) -> None:
    """What one writes: create, then data; what fails is lost."""
    try:
        card = {"email": person["email"], "person": {"nickname": person["nickname"]}}
        client.website.add_new_people_profile(website, card)
        client.website.update_people_data(website, person["email"], {"data": person["data"]})
    except Exception:
        return


def _loop(crisp: Said, _stack: ExitStack) -> Deliver:
    one = partial(_by_hand, _client(crisp), crisp["website_id"])
    return lambda people: [one(person) for person in people].clear()


def _pool(crisp: Said, stack: ExitStack) -> Deliver:
    one, pool = partial(_by_hand, _client(crisp), crisp["website_id"]), ThreadPoolExecutor(_THREADS)
    stack.enter_context(pool)
    return lambda people: list(pool.map(one, people)).clear()


def _ours(database: Callable[[], str], crisp: Said, stack: ExitStack) -> Deliver:
    folder = stack.enter_context(TemporaryDirectory())
    services = open_services(
        Settings(
            data_dir=Path(folder),
            database_url=database(),
            crisp_api_url=f"{crisp['url']}/v1",
            crisp_website_id=crisp["website_id"],
            crisp_identifier=crisp["identifier"],
            crisp_key=crisp["key"],
            crisp_daily_quota=10_000_000,
            concurrency=_THREADS,
            call_timeout=PATIENCE,
            retry_cap=4,
        )
    )
    stack.callback(services.close)
    probing.probe(services, crisp["website_id"])
    return partial(_delivered, services, crisp["website_id"])


def _delivered(services: Services, connection_id: str, people: Sequence[Person]) -> None:
    payload = sources.read(list(people))
    reading = Reading(lambda: (payload,), Options(), services.manifest, datetime.now(UTC))
    import_id = services.intake.many(connection_id, reading, "upsert")
    services.engine.start()
    while _waits(services, str(import_id)):
        Event().wait(0.05)


def _waits(services: Services, import_id: str) -> bool:
    with services.ledger.read() as connection:
        return bool(records.totals(connection, import_id).by_status.get("waiting"))
