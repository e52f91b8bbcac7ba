"""Importing a file at 200 ms a call, 32 in flight, against a bare thread pool that makes the fewest calls; and beside
it the official client in a loop, when one call in twenty fails."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import requests
from crisp_api import Crisp  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter

from benchmarks import contacts_file
from benchmarks.contacts_file import COLUMNS, EMAIL
from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import Said, change, environment, sandbox
from connector import logs
from connector.file_imports.accepting import Came, Wanted, import_file
from connector.ledger import records
from connector.probing import probe
from connector.services import Services, open_services
from connector.settings import Settings

_FULL = os.environ.get("BENCH") == "full"
# Files, contacts in each of them, and contacts of the loop.
_ROUNDS, _CONTACTS, _LOOPED = (1, 20_000, 500) if _FULL else (3, 800, 50)
_IN_FLIGHT, _LATENCY, _ERRORS = 32, 200, 0.05
# Of every so many rows one is changed.
_CHANGED_EVERY = 10
# Seconds between two looks at what waits to be tried again.
_LOOK = 0.2

Rows = Sequence[list[str]]
Deliver = Callable[[Rows], None]
# What gets ready to deliver to that Crisp, before the clock runs.
Way = Callable[[Said, ExitStack], Deliver]


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Time and calls of importing contacts: new, the same again, changed; then in batches; then under faults."""
    logs.configure("warning")
    for name in on:
        with opened(name) as database:
            yield from (replace(figure, on=name) for figure in _figures(database))
    yield from _under_faults("official client, loop", _loop)


def _figures(database: Callable[[], str]) -> Iterator[Figure]:
    with _services(database) as (crisp, services):
        change(crisp, latency_ms=_LATENCY)
        yield from _alone(crisp, services)
    with _services(database) as (crisp, services):
        probe(services, crisp["website_id"])
        change(crisp, latency_ms=_LATENCY)
        yield _in_batches(crisp, services)
    yield from _under_faults("ours", partial(_ours, database), goal=0)


def _alone(crisp: Said, services: Services) -> Iterator[Figure]:
    """One call for each thing that is told."""
    rounds = [_round(crisp, services, start * _CONTACTS) for start in range(_ROUNDS)]
    ratio, speed, calls = (sorted(figures)[_ROUNDS // 2] for figures in zip(*rounds, strict=True))
    beside = f"{speed:.0f} contacts/s"
    yield Figure(f"{_CONTACTS:,} new contacts, time of a bare pool's", ratio, "×", 1.1, "less", beside)
    yield Figure("new contacts: calls per contact", calls, "", 2, "less")
    took, again = _imported(crisp, services, list(contacts_file.rows(_CONTACTS)))
    yield Figure("the same file again: calls", again, "", 0, "less", f"{took:.1f} s")
    changed = list(contacts_file.rows(_CONTACTS, changed_every=_CHANGED_EVERY))
    took, again = _imported(crisp, services, changed)
    yield Figure("10 % of the rows changed: calls per row", again / _CONTACTS, "", 0.2, "less", f"{took:.1f} s")
    with services.ledger.read() as connection:
        told = records.totals_of_connection(connection, crisp["website_id"]).by_status
    assert told["created"] == _ROUNDS * _CONTACTS
    assert told["updated"] == _CONTACTS // _CHANGED_EVERY


def _round(crisp: Said, services: Services, start: int) -> tuple[float, float, float]:
    """Time of an import, of the bare calls'; contacts per second; calls per contact. Half of the bare calls are made
    before and half after, so that what else this machine does is in both."""
    contacts, half = list(contacts_file.rows(_CONTACTS, start=start)), _CONTACTS // 2
    bare = _bare(crisp, contacts[:half])
    took, calls = _imported(crisp, services, contacts)
    bare += _bare(crisp, contacts[half:])
    return took / bare, _CONTACTS / took, calls / _CONTACTS


def _in_batches(crisp: Said, services: Services) -> Figure:
    contacts = list(contacts_file.rows(_ROUNDS * _CONTACTS))
    took, calls = _imported(crisp, services, contacts)
    beside = f"{len(contacts) / took:.0f} contacts/s"
    return Figure("new contacts in batches: calls per contact", calls / len(contacts), "", 1.1, "less", beside)


def _under_faults(name: str, way: Way, *, goal: float | None = None) -> Iterator[Figure]:
    """How one call in twenty that fails is taken."""
    contacts = list(contacts_file.rows(_LOOPED))
    with sandbox("--seed", "1") as crisp, ExitStack() as stack:
        deliver = way(crisp, stack)
        change(crisp, latency_ms=_LATENCY, error_rate=_ERRORS)
        began = time.perf_counter()
        deliver(contacts)
        took = time.perf_counter() - began
        calls, lost = _calls(crisp), len(contacts) - _whole(crisp, contacts)
    beside = f"{took:.0f} s, {len(contacts) / took:.1f} contacts/s"
    yield Figure(f"{name}, 5 % failing: calls per contact", calls / len(contacts), "", beside=beside)
    yield Figure(f"{name}, 5 % failing: rows lost, of {len(contacts)}", lost, "", goal, "less")


@contextmanager
def _services(database: Callable[[], str]) -> Iterator[tuple[Said, Services]]:
    """A Crisp and a service for it; nothing delivers by itself."""
    with sandbox() as crisp, ExitStack() as stack:
        yield crisp, _service(crisp, database, stack)


def _service(crisp: Said, database: Callable[[], str], stack: ExitStack) -> Services:
    folder = Path(stack.enter_context(TemporaryDirectory()))
    said = environment(crisp, folder)
    services = open_services(
        Settings(
            data_dir=folder,
            database_url=database(),
            crisp_api_url=said["CRISP_API_URL"],
            crisp_website_id=crisp["website_id"],
            crisp_identifier=crisp["identifier"],
            crisp_key=crisp["key"],
            crisp_daily_quota=int(said["CRISP_DAILY_QUOTA"]),
            concurrency=_IN_FLIGHT,
        )
    )
    stack.callback(services.close)
    return services


def _imported(crisp: Said, services: Services, contacts: Rows) -> tuple[float, int]:
    """Seconds until the whole file is delivered, and the calls that this took."""
    website, before = crisp["website_id"], _calls(crisp)
    with services.store.incoming() as coming:
        path = contacts_file.write_csv(coming.path.with_suffix(".csv"), iter(contacts))
        began = time.perf_counter()
        coming.write(path.read_bytes())
        import_file(services, website, Came.whole(coming, "contacts.csv"), Wanted())
        assert services.courier.drain(website, Event())
        took = time.perf_counter() - began
        path.unlink()
    return took, _calls(crisp) - before


def _calls(crisp: Said) -> int:
    return int(requests.get(f"{crisp['url']}/_sandbox/stats", timeout=60).json()["calls"]["total"])


def _whole(crisp: Said, contacts: Rows) -> int:
    """How many of these contacts Crisp has with all of their custom data."""
    cards = requests.get(f"{crisp['url']}/_sandbox/people", timeout=60).json()
    wanted = {row[EMAIL].lower(): _data(row) for row in contacts}
    return sum(card["data"] == wanted[card["email"]] for card in cards)


def _bare(crisp: Said, contacts: Rows) -> float:
    """Seconds of the calls that nobody can do without, made by nothing but a pool, for other people."""
    root = f"{crisp['url']}/v1/website/{crisp['website_id']}/people/"
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=_IN_FLIGHT))
    session.auth, session.headers["X-Crisp-Tier"] = (crisp["identifier"], crisp["key"]), crisp["tier"]

    def deliver(row: list[str]) -> None:
        card = _card(row, "bare.")
        session.post(f"{root}profile", json=card, timeout=30).raise_for_status()
        session.patch(f"{root}data/{card['email']}", json={"data": _data(row)}, timeout=30).raise_for_status()

    began = time.perf_counter()
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        list(pool.map(deliver, contacts))
    return time.perf_counter() - began


def _card(row: list[str], mark: str = "") -> dict[str, Any]:
    """What one writes by hand."""
    email, first, last, phone, _, city, company, segments, *_ = row
    person: dict[str, Any] = {"nickname": f"{first} {last}", "geolocation": {"country": "FR", "city": city}}
    person["employment"] = {"name": company}
    if phone:
        person["phone"] = phone
    listed = [name.strip() for name in segments.split(",") if name]
    return {"email": mark + email, "person": person, "segments": listed}


def _data(row: list[str]) -> dict[str, str]:
    pairs = zip(COLUMNS, row, strict=True)
    return {name.removeprefix("data."): value for name, value in pairs if name.startswith("data.")}


def _loop(crisp: Said, _stack: ExitStack) -> Deliver:
    """One contact after the other; what fails is lost."""
    client = Crisp()
    client.set_rest_host(crisp["url"])
    client.set_tier(crisp["tier"])
    client.authenticate(crisp["identifier"], crisp["key"])

    def deliver(contacts: Rows) -> None:
        for row in contacts:
            with suppress(Exception):  # whatever it raises
                client.website.add_new_people_profile(crisp["website_id"], _card(row))
                client.website.update_people_data(crisp["website_id"], row[EMAIL], {"data": _data(row)})

    return deliver


def _ours(database: Callable[[], str], crisp: Said, stack: ExitStack) -> Deliver:
    services, website = _service(crisp, database, stack), crisp["website_id"]

    def deliver(contacts: Rows) -> None:
        _imported(crisp, services, contacts)
        while _waits(services, website):
            time.sleep(_LOOK)
            services.courier.drain(website, Event())

    return deliver


def _waits(services: Services, website: str) -> bool:
    with services.ledger.read() as connection:
        return bool(records.totals_of_connection(connection, website).by_status.get("waiting"))
