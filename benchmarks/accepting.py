"""Accepting a contact durably (202), against the same service with the commit removed."""

import http.client
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from benchmarks.clients import rate
from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import KEY, sandbox, service

_SECONDS, _ROUNDS = 1.0, 5


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
    return rate(partial(_client, url), seconds)


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
