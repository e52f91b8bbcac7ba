"""Receiving Crisp's events durably (200), against the same service with the commit removed; and polling among many."""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from urllib.parse import urlsplit

from sqlalchemy import insert

from benchmarks.clients import rate
from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import KEY, Said, sandbox, service
from connector.crisp.events import sign
from connector.ids import new_id
from connector.ledger import Ledger
from connector.ledger.tables import events
from connector.manifest import shipped

_SECONDS, _ROUNDS = 1.0, 5
_SECRET, _PEOPLE, _NUMBERS = "the-hook-secret", "5a7d8e0c-1d2f-4a3b-9c8d-%012x", count()
_MANY, _FEW, _POLLS, _EVENT = 100_000, 100, 300, "contact_updated"
_PAGE, _AT_ONCE = f"/v1/events/{_EVENT}?limit=50", 5_000


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Signed events per second with and without the commit, in turns; pages of a poll among many events and among few.
    On each of these databases."""
    for name in on:
        with opened(name) as database, ExitStack() as stack:
            stack.enter_context(patch.dict(os.environ, {"CRISP_HOOK_SECRET": _SECRET}))
            world = _World(stack, stack.enter_context(sandbox()), database)
            yield _receiving(world, name)
            yield from _polling(world, name)


class _World:
    """Services on databases of their own. Nothing understands or delivers, so that receiving alone is measured."""

    def __init__(self, stack: ExitStack, crisp: Said, database: Callable[[], str]) -> None:
        self._stack, self._database, self.crisp = stack, database, crisp
        self._folder = Path(stack.enter_context(TemporaryDirectory()))

    def web(self, name: str, module: str = "connector") -> tuple[str, Ledger]:
        """Where it listens, and what it keeps."""
        folder, url = self._folder / name, self._database()
        web = self._stack.enter_context(service(self.crisp, folder, "-m", module, "web", database=url))
        ledger = Ledger(url or f"sqlite:///{folder / 'connector.db'}")
        self._stack.callback(ledger.close)
        return web, ledger


def _receiving(world: _World, name: str) -> Figure:
    durable, _ = world.web("durable")
    bare, _ = world.web("bare", "benchmarks.uncommitted")
    website = world.crisp["website_id"]
    _rate(durable, website, 0.5), _rate(bare, website, 0.5)
    rounds = [(_rate(durable, website, _SECONDS), _rate(bare, website, _SECONDS)) for _ in range(_ROUNDS)]
    ratio = sorted(mine / theirs for mine, theirs in rounds)[_ROUNDS // 2]
    beside = f"{sorted(mine for mine, _ in rounds)[_ROUNDS // 2]:,.0f} events/s"
    return Figure("receiving durably, of the same without commit", ratio, "×", 0.5, "more", beside, name)


def _rate(url: str, website: str, seconds: float) -> float:
    """Events per second of a few senders at once."""
    return rate(partial(_send, url, website), seconds)


def _send(url: str, website: str, until: float, counts: list[int], index: int) -> None:
    connection = _connected(url)
    while time.perf_counter() < until:
        body, moment = _told(website), str(time.time_ns() // 1_000_000)
        signed = {"X-Crisp-Request-Timestamp": moment, "X-Crisp-Signature": sign(body, moment, _SECRET)}
        connection.request("POST", f"/crisp/{website}", body, {"Content-Type": "application/json", **signed})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, {"stored": True}), answer.status
        counts[index] += 1
    connection.close()


def _told(website: str) -> bytes:
    """Another event each time, as Crisp writes it."""
    data = {"website_id": website, "people_id": _PEOPLE % next(_NUMBERS), "update": {"person": {"nickname": "Ada"}}}
    told = {"website_id": website, "event": "people:profile:updated", "data": data, "timestamp": 1_790_000_000_000}
    return json.dumps(told, separators=(",", ":")).encode()


def _polling(world: _World, name: str) -> Iterator[Figure]:
    """The newest page, and one in the middle; half of the events are echoes of our own."""
    many, few = world.web("many"), world.web("few")
    for (_, ledger), number in ((many, _MANY), (few, _FEW)):
        _fill(ledger, world.crisp["website_id"], number)
    middle = f"{_PAGE}&cursor={_MANY // 2}-{'f' * 32}"
    for what, path in (("newest", _PAGE), ("in the middle", middle)):
        among_few, among_many = _pages(few[0], many[0], (_PAGE, path))
        figure, beside = f"a poll page, {what}, {_MANY:,} events, of {_FEW}", f"{1000 * among_many:.2f} ms"
        yield Figure(figure, among_many / among_few, "×", 1.5, "less", beside, name)


def _fill(ledger: Ledger, website: str, number: int) -> None:
    """Events that were told at 1, 2, 3 … milliseconds."""
    payload = shipped().triggers[_EVENT].sample_of(website)
    same = {"connection_id": website, "event": _EVENT, "email": "ada@example.com", "attempts": 0}
    with ledger.write() as connection:
        for first in range(0, number, _AT_ONCE):
            told = range(first + 1, min(first + _AT_ONCE, number) + 1)
            connection.execute(insert(events), [{**same, **_row(payload, moment)} for moment in told])


def _row(payload: Said, moment: int) -> dict[str, object]:
    event_id = new_id()
    told = {"payload": {**payload, "id": event_id}, "occurred_at": moment, "told_at": moment, "own": moment % 2 == 0}
    return {"id": event_id, "subject": event_id, **told}


def _pages(few: str, many: str, paths: tuple[str, str]) -> tuple[float, float]:
    """Seconds that a page takes here and there: the medians, measured in turns."""
    with ExitStack() as stack:
        connections = [_connected(few), _connected(many)]
        for each in connections:
            stack.callback(each.close)
        took = [[_page(each, path) for each, path in zip(connections, paths, strict=True)] for _ in range(_POLLS)]
    here, there = (sorted(times)[_POLLS // 2] for times in zip(*took, strict=True))
    return here, there


def _page(connection: http.client.HTTPConnection, path: str) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - began
    assert (answer.status, len(json.loads(body))) == (200, 50), (answer.status, body[:200])
    return took


def _connected(url: str) -> http.client.HTTPConnection:
    address = urlsplit(url)
    return http.client.HTTPConnection(address.hostname or "", address.port)
