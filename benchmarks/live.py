"""Live latency, one contact at a time on an idle service: the whole answer without its call to Crisp. And what `serve`
takes while nothing happens."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from benchmarks import processes
from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import KEY, Said, sandbox, serving

_TIMES = 300
# Nothing happens for so long, then a contact comes (seconds).
_IDLE = float(os.environ.get("BENCH_IDLE", "40"))


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """p50 and p99 in milliseconds; then all of these databases' services are left alone together, until a first contact
    comes after the pause."""
    with ExitStack() as stack:
        crisp = stack.enter_context(sandbox())
        services = [_Service(name, crisp, stack) for name in on]
        for each in services:
            yield from each.at_work()
        since = time.monotonic()
        time.sleep(_IDLE / 4)
        before = [processes.processor(each.pid) for each in services]
        time.sleep(_IDLE / 2)
        for each, processor in zip(services, before, strict=True):
            yield from each.idle(processor, _IDLE / 2)
        time.sleep(since + _IDLE - time.monotonic())
        for each in services:
            yield each.after_a_pause()


class _Service:
    """One service, and who sends it contacts."""

    def __init__(self, name: str, crisp: Said, stack: ExitStack) -> None:
        self._name, self._crisp = name, crisp
        folder, database = stack.enter_context(TemporaryDirectory()), stack.enter_context(opened(name))()
        self._url, self.pid = stack.enter_context(serving(crisp, Path(folder), database=database))
        self._session, self._direct = (stack.enter_context(requests.Session()) for _ in range(2))
        self._direct.auth = (crisp["identifier"], crisp["key"])
        self._direct.headers["X-Crisp-Tier"] = crisp["tier"]
        self._call = 0.0

    def at_work(self) -> Iterator[Figure]:
        """What a contact waits for beside its call."""
        self._call = sorted(_timed(self._directly) for _ in range(100))[50]
        for _ in range(20):
            self._send()
        times = sorted(_timed(self._send) - self._call for _ in range(_TIMES))
        yield self._figure("live contact without its call, p50", times[_TIMES // 2], "ms", 30)
        yield self._figure("live contact without its call, p99", times[int(_TIMES * 0.99)], "ms", 100)

    def idle(self, before: float, seconds: float) -> Iterator[Figure]:
        """Memory and processor time of all processes, `before` being the latter so many seconds ago."""
        busy = 100 * (processes.processor(self.pid) - before) / seconds
        yield self._figure("idle serve, all its processes together", processes.memory(self.pid), "MB", 150)
        yield self._figure("idle serve, of one core", busy, "%", 1)

    def after_a_pause(self) -> Figure:
        """The first contacts that come again."""
        first = max(_timed(self._send) - self._call for _ in range(3))
        return self._figure(f"the slowest of three after {_IDLE:.0f} s of nothing", first, "ms", 100)

    def _figure(self, what: str, value: float, unit: str, most: float) -> Figure:
        return Figure(what, value, unit, most, "less", on=self._name)

    def _directly(self) -> None:
        """The one call that a new contact without custom data costs."""
        contact = {"email": f"direct{time.perf_counter_ns()}@example.com", "person": {"nickname": "Ada"}}
        url = f"{self._crisp['url']}/v1/website/{self._crisp['website_id']}/people/profile"
        assert self._direct.post(url, json=contact, timeout=30).status_code == 201

    def _send(self) -> None:
        contact = {"email": f"live{time.perf_counter_ns()}@example.com", "nickname": "Ada"}
        headers = {"X-API-Key": KEY}
        answer = self._session.post(f"{self._url}/v1/contacts", json=contact, headers=headers, timeout=30)
        assert answer.json()["status"] == "created", answer.text


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
