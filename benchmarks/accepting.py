"""Accepting a contact durably (202), against the same service with the commit removed."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import KEY, sandbox, service

_CLIENTS, _SECONDS, _ROUNDS = 4, 1.0, 5


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Requests per second with and without the commit, in turns; on each of these databases."""
    for name in on:
        with opened(name) as database:
            rounds = _rounds(database)
        ratio = sorted(mine / theirs for mine, theirs in rounds)[_ROUNDS // 2]
        beside = f"{sorted(mine for mine, _ in rounds)[_ROUNDS // 2]:,.0f} requests/s"
        yield Figure("accepting durably, of the same without commit", ratio, "×", 0.5, "more", beside, name)


def _rounds(database: Callable[[], str]) -> list[tuple[float, float]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        crisp = stack.enter_context(sandbox())

        def accepts(name: str, module: str) -> str:
            """Nothing delivers, so that accepting alone is measured."""
            return stack.enter_context(service(crisp, folder / name, "-m", module, "web", database=database()))

        durable, bare = accepts("durable", "connector"), accepts("bare", "benchmarks.uncommitted")
        _rate(durable, 0.5), _rate(bare, 0.5)
        return [(_rate(durable, _SECONDS), _rate(bare, _SECONDS)) for _ in range(_ROUNDS)]


def _rate(url: str, seconds: float) -> float:
    """Requests per second of a few clients at once."""
    counts = [0] * _CLIENTS
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=_client, args=(url, until, counts, index)) for index in range(_CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def _client(url: str, until: float, counts: list[int], index: int) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    while time.perf_counter() < until:
        email = f"user{index}.{time.perf_counter_ns()}@example.com"
        contact = {"email": email, "first_name": "Ada", "city": "Paris", "data": {"plan": "pro"}}
        connection.request("POST", "/v1/contacts?wait=0", json.dumps(contact), headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 202, answer.status
        counts[index] += 1
    connection.close()
