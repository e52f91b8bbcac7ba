"""Live latency: one contact at a time on an idle service, the whole answer without its call to Crisp."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from benchmarks.report import Figure
from benchmarks.servers import KEY, sandbox, service

_TIMES = 300
# Nothing happens for so long, then a contact comes (seconds).
_IDLE = float(os.environ.get("BENCH_IDLE", "60"))


def measure() -> Iterator[Figure]:
    """p50 and p99 in milliseconds, and the first answers after a pause."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        crisp = stack.enter_context(sandbox())
        url = stack.enter_context(service(crisp, folder))
        session, direct = requests.Session(), requests.Session()
        direct.auth = (crisp["identifier"], crisp["key"])
        direct.headers["X-Crisp-Tier"] = crisp["tier"]
        call = sorted(_timed(lambda: _directly(direct, crisp)) for _ in range(100))[50]
        for _ in range(20):
            _send(session, url)
        times = sorted(_timed(lambda: _send(session, url)) - call for _ in range(_TIMES))
        yield Figure("live contact without its call, p50", times[_TIMES // 2], "ms", 30, "less")
        yield Figure("live contact without its call, p99", times[int(_TIMES * 0.99)], "ms", 100, "less")
        time.sleep(_IDLE)
        first = max(_timed(lambda: _send(session, url)) - call for _ in range(3))
        yield Figure(f"the slowest of three after {_IDLE:.0f} s of nothing", first, "ms", 100, "less")


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _directly(session: requests.Session, crisp: dict[str, str]) -> None:
    """The one call that a new contact without custom data costs."""
    contact = {"email": f"direct{time.perf_counter_ns()}@example.com", "person": {"nickname": "Ada"}}
    url = f"{crisp['url']}/v1/website/{crisp['website_id']}/people/profile"
    assert session.post(url, json=contact, timeout=30).status_code == 201


def _send(session: requests.Session, url: str) -> None:
    contact = {"email": f"live{time.perf_counter_ns()}@example.com", "nickname": "Ada"}
    answer = session.post(f"{url}/v1/contacts", json=contact, headers={"X-API-Key": KEY}, timeout=30)
    assert answer.json()["status"] == "created", answer.text
