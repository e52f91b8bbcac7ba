"""Delivering at 200 ms a call, 32 in flight, against a bare thread pool; and what a loop over the client would take."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import requests
from crisp_api import Crisp  # type: ignore[import-untyped]

from benchmarks.report import Figure
from benchmarks.servers import environment, sandbox
from connector import sources
from connector.crisp.calls import Call
from connector.crisp.client import Client, Credential
from connector.intake import Options, Reading
from connector.services import Services, open_services
from connector.settings import Settings

_CONTACTS, _IN_FLIGHT, _ROUNDS, _LOOPED = 480, 32, 3, 10


def measure() -> Iterator[Figure]:
    """Calls per second and processor time per call, ours over the bare pool's."""
    with ExitStack() as stack:
        crisp = stack.enter_context(sandbox("--latency-ms", "200"))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        services = open_services(_settings(crisp, folder))
        stack.callback(services.close)
        client = Client(_credential(crisp), f"{crisp['url']}/v1", _IN_FLIGHT)
        _warm_up(client)
        rounds = [(_bare(client, crisp), _ours(services, crisp)) for _ in range(_ROUNDS)]
        looped = _loop(crisp)
    pace = sorted(bare.seconds / mine.seconds for bare, mine in rounds)[_ROUNDS // 2]
    work = sorted(mine.processor / bare.processor for bare, mine in rounds)[_ROUNDS // 2]
    speed = 2 * _CONTACTS / sorted(mine.seconds for _, mine in rounds)[_ROUNDS // 2]
    yield Figure("delivering, of a bare thread pool", pace, "×", 0.95, "more", f"{speed:.0f} calls/s")
    yield Figure("processor time per call, of a bare thread pool", work, "×", 2, "less")
    yield Figure("delivering, of a loop over the official client", speed / looped, "×", beside=f"{looped:.1f} calls/s")


class _Took:
    """Seconds and processor seconds of some work."""

    def __init__(self, work: Callable[[], None]) -> None:
        began, processor = time.perf_counter(), time.process_time()
        work()
        self.seconds, self.processor = time.perf_counter() - began, time.process_time() - processor


def _settings(crisp: dict[str, str], folder: Path) -> Settings:
    said = environment(crisp, folder)
    return Settings(
        data_dir=folder,
        crisp_api_url=said["CRISP_API_URL"],
        crisp_website_id=crisp["website_id"],
        crisp_identifier=crisp["identifier"],
        crisp_key=crisp["key"],
        crisp_daily_quota=int(said["CRISP_DAILY_QUOTA"]),
        concurrency=_IN_FLIGHT,
    )


def _credential(crisp: dict[str, str]) -> Credential:
    return Credential(crisp["website_id"], crisp["tier"], crisp["identifier"], crisp["key"])


def _people() -> list[dict[str, Any]]:
    stamp = time.perf_counter_ns()
    return [
        {"email": f"c{stamp}.{n}@example.com", "nickname": "Ada", "data": {"plan": "pro"}} for n in range(_CONTACTS)
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


def _bare(client: Client, crisp: dict[str, str]) -> _Took:
    """The same calls over the same kind of session: nothing but a pool."""
    session, root = client._session, f"{crisp['url']}/v1/website/{crisp['website_id']}/"

    def deliver(person: dict[str, Any]) -> None:
        for call in _calls(person):
            url = root + call.path.replace("{who}", person["email"])
            session.request(call.method, url, json=call.body, timeout=30).raise_for_status()

    people = _people()
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        return _Took(lambda: list(pool.map(deliver, people)).clear())


def _ours(services: Services, crisp: dict[str, str]) -> _Took:
    """Accepted before; delivered while measured."""
    payload = sources.read(_people())
    reading = Reading(lambda: (payload,), Options(), services.manifest, datetime.now(UTC))
    services.intake.many(crisp["website_id"], reading, "upsert")
    took = _Took(lambda: _drained(services, crisp["website_id"]))
    stats = requests.get(f"{crisp['url']}/_sandbox/stats", timeout=30).json()
    assert max(stats["creations"].values()) == 1
    return took


def _drained(services: Services, connection_id: str) -> None:
    assert services.courier.drain(connection_id, Event())


def _loop(crisp: dict[str, str]) -> float:
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
