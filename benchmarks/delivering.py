"""Delivering at 200 ms a call, 32 in flight, against a bare thread pool; and what a loop over the client would take."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import requests
from crisp_api import Crisp  # type: ignore[import-untyped]

from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import Said, change, environment, sandbox
from connector import logs, probing, sources
from connector.crisp.calls import Call
from connector.crisp.client import Client, Credential
from connector.intake import Options, Reading
from connector.services import Services, open_services
from connector.settings import Settings

_CONTACTS, _IN_FLIGHT, _ROUNDS, _LOOPED = 480, 32, 3, 10


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Calls per second and processor time per call, ours over the bare pool's; on each of these databases."""
    logs.configure("warning")
    for name in on:
        with ExitStack() as stack:
            database = stack.enter_context(opened(name))()
            crisp = stack.enter_context(sandbox())
            folder = Path(stack.enter_context(TemporaryDirectory()))
            services = open_services(_settings(crisp, folder, database))
            stack.callback(services.close)
            probing.probe(services, crisp["website_id"])
            change(crisp, latency_ms=200)
            yield from (replace(figure, on=name) for figure in _figures(services, crisp))


def _figures(services: Services, crisp: Said) -> Iterator[Figure]:
    client = Client(_credential(crisp), f"{crisp['url']}/v1", _IN_FLIGHT)
    _warm_up(client)
    rounds = [(_bare(client, crisp, _people()), _ours(services, crisp, _people())) for _ in range(_ROUNDS)]
    pace = sorted(bare.seconds / mine.seconds for bare, mine in rounds)[_ROUNDS // 2]
    work = sorted(mine.processor / bare.processor for bare, mine in rounds)[_ROUNDS // 2]
    bare, speed = rounds[-1][0], 2 * _CONTACTS / sorted(mine.seconds for _, mine in rounds)[_ROUNDS // 2]
    yield Figure("delivering, of a bare thread pool", pace, "×", 0.95, "more", f"{speed:.0f} calls/s")
    yield Figure("processor time per call, of a bare thread pool", work, "×", 2, "less")
    before = _called(crisp)
    ahead = bare.seconds / _ours(services, crisp, _people(plan="pro")).seconds
    beside = f"{(_called(crisp) - before) / _CONTACTS:.2f} calls a contact"
    yield Figure("delivering where values repeat, of a bare thread pool", ahead, "×", beside=beside)
    looped = _loop(crisp)
    yield Figure("delivering, of a loop over the official client", speed / looped, "×", beside=f"{looped:.1f} calls/s")


class _Took:
    """Seconds and processor seconds of some work."""

    def __init__(self, work: Callable[[], None]) -> None:
        began, processor = time.perf_counter(), time.process_time()
        work()
        self.seconds, self.processor = time.perf_counter() - began, time.process_time() - processor


def _settings(crisp: Said, folder: Path, database: str) -> Settings:
    said = environment(crisp, folder)
    return Settings(
        data_dir=folder,
        database_url=database,
        crisp_api_url=said["CRISP_API_URL"],
        crisp_website_id=crisp["website_id"],
        crisp_identifier=crisp["identifier"],
        crisp_key=crisp["key"],
        crisp_daily_quota=int(said["CRISP_DAILY_QUOTA"]),
        concurrency=_IN_FLIGHT,
    )


def _credential(crisp: Said) -> Credential:
    return Credential(crisp["website_id"], crisp["tier"], crisp["identifier"], crisp["key"])


def _people(**data: str) -> list[dict[str, Any]]:
    """New contacts with this custom data, or each with its own: then nothing saves a call."""
    stamp = time.perf_counter_ns()
    return [
        {"email": f"c{stamp}.{n}@example.com", "nickname": "Ada", "data": data or {"n": n}} for n in range(_CONTACTS)
    ]


def _calls(person: dict[str, Any]) -> tuple[Call, Call]:
    """What a new contact with custom data costs."""
    card = {"email": person["email"], "person": {"nickname": person["nickname"]}}
    return (
        Call("POST", "people/profile", None, card),
        Call("PATCH", "people/data/{who}", person["email"], {"data": person["data"]}),
    )


def _warm_up(client: Client) -> None:
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        list(pool.map(lambda _: client.send(Call("GET", "people/stats")), range(_IN_FLIGHT)))


def _bare(client: Client, crisp: Said, people: list[dict[str, Any]]) -> _Took:
    """The same calls over the same kind of session: nothing but a pool."""
    session, root = client._session, f"{crisp['url']}/v1/website/{crisp['website_id']}/"

    def deliver(person: dict[str, Any]) -> None:
        for call in _calls(person):
            url = root + call.path.replace("{who}", person["email"])
            session.request(call.method, url, json=call.body, timeout=30).raise_for_status()

    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        return _Took(lambda: list(pool.map(deliver, people)).clear())


def _ours(services: Services, crisp: Said, people: list[dict[str, Any]]) -> _Took:
    """Accepted before; delivered while measured."""
    payload = sources.read(people)
    reading = Reading(lambda: (payload,), Options(), services.manifest, datetime.now(UTC))
    services.intake.many(crisp["website_id"], reading, "upsert")
    took = _Took(lambda: _drained(services, crisp["website_id"]))
    assert max(_stats(crisp)["creations"].values()) == 1
    return took


def _stats(crisp: Said) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{crisp['url']}/_sandbox/stats", timeout=30).json()
    return found


def _called(crisp: Said) -> int:
    return int(_stats(crisp)["calls"]["total"])


def _drained(services: Services, connection_id: str) -> None:
    assert services.courier.drain(connection_id, Event())


def _loop(crisp: Said) -> float:
    """Calls per second of what one would write by hand: one contact after the other."""
    client = Crisp()
    client.set_rest_host(crisp["url"])
    client.set_tier(crisp["tier"])
    client.authenticate(crisp["identifier"], crisp["key"])
    began = time.perf_counter()
    for person in _people()[:_LOOPED]:
        create, data = _calls(person)
        client.website.add_new_people_profile(crisp["website_id"], create.body)
        client.website.update_people_data(crisp["website_id"], person["email"], data.body)
    return 2 * _LOOPED / (time.perf_counter() - began)
