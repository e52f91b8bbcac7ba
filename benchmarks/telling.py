"""Telling 32 subscribers who take 200 ms each, against a bare thread pool; and nine beside one that hangs."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from cryptography.fernet import Fernet

from benchmarks import processes
from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from connector import logs
from connector.hooks.egress import Egress
from connector.hooks.sign import secret_of
from connector.hooks.telling import Telling
from connector.ids import new_id
from connector.ledger import Ledger, deliveries, subscriptions
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.ledger.subscriptions import Subscription
from connector.manifest import shipped
from connector.settings import Settings
from connector.vault import Vault

_LATENCY, _SUBSCRIBERS, _IN_FLIGHT, _ROUNDS = 200, 32, 32, 3
_EVENTS, _BESIDE, _PLACES = 30, 60, Settings.hook_concurrency
_EVENT, _WEBSITE = "contact_created", "website"
_OPEN = frozenset({"127.0.0.1"})


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Deliveries per second of the bare pool's; what a hanging subscriber costs nine others; and what telling costs
    while there is nothing to tell. On each of these databases."""
    logs.configure("error")
    for name in on:
        with ExitStack() as stack:
            database = stack.enter_context(opened(name))()
            folder = Path(stack.enter_context(TemporaryDirectory()))
            url = stack.enter_context(_subscriber())
            world = _World(Ledger(database or f"sqlite:///{folder / 'connector.db'}"), url)
            stack.callback(world.ledger.close)
            yield from (replace(figure, on=name) for figure in _figures(world))


def _figures(world: "_World") -> Iterator[Figure]:
    pairs = [(world.bare(_SUBSCRIBERS, _EVENTS), world.told(_SUBSCRIBERS, _EVENTS)) for _ in range(_ROUNDS)]
    share = sorted(bare / ours for bare, ours in pairs)[_ROUNDS // 2]
    pace = _SUBSCRIBERS * _EVENTS / sorted(ours for _, ours in pairs)[_ROUNDS // 2]
    yield Figure("32 subscribers at 200 ms, of a bare thread pool", share, "×", 0.9, "more", f"{pace:.0f} deliveries/s")
    beside = [
        (world.told(9, _BESIDE, places=_PLACES), world.told(9, _BESIDE, places=_PLACES, hanging=True))
        for _ in range(_ROUNDS)
    ]
    lost = sorted(1 - alone / hanging for alone, hanging in beside)[_ROUNDS // 2]
    yield Figure("nine subscribers beside one that hangs, lost", 100 * lost, "%", 5, "less")
    yield Figure("telling while there is nothing to tell, of a processor", 100 * world.idle(), "%", 1, "less")


class _World:
    """A ledger, and those who are told of what is in it."""

    def __init__(self, ledger: Ledger, url: str) -> None:
        ledger.prepare()
        self.ledger, self._url = ledger, url
        self._vault = Vault([Fernet.generate_key().decode()])
        website = CrispConnection(_WEBSITE, "a shop", _WEBSITE, "website", "I", b"sealed", 10_000, None)
        with ledger.write() as connection:
            tenants.save(connection, website, 1)

    def told(self, subscribers: int, events: int, *, places: int = _IN_FLIGHT, hanging: bool = False) -> float:
        """Seconds from the start until all have been told of all; what hangs beside them is not waited for."""
        ids = [self._subscribe(f"/{number}") for number in range(subscribers)]
        other = [self._subscribe("/hanging")] if hanging else []
        self._tell(events)
        settings = Settings(hook_concurrency=places)
        telling = Telling(self.ledger, self._vault, Egress(allow=_OPEN), settings)
        began = time.perf_counter()
        telling.start()
        while self._left(ids):
            time.sleep(0.02)
        took = time.perf_counter() - began
        with self.ledger.write() as connection:
            for each in (*ids, *other):
                subscriptions.remove(connection, _WEBSITE, each)
        telling.stop()
        return took

    def bare(self, subscribers: int, events: int) -> float:
        """The same requests: nothing but a pool, and a session that keeps its connections."""
        body = json.dumps(shipped().triggers[_EVENT].sample_of(_WEBSITE)).encode()
        session = requests.Session()
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=_IN_FLIGHT))
        headers = {"Content-Type": "application/json"}

        def post(number: int) -> None:
            url = f"{self._url}/{number % subscribers}"
            session.post(url, body, headers=headers, timeout=30).raise_for_status()

        with session, ThreadPoolExecutor(_IN_FLIGHT) as pool:
            return _seconds(lambda: list(pool.map(post, range(subscribers * events))).clear())

    def idle(self, seconds: float = 10) -> float:
        """The share of a processor."""
        telling = Telling(self.ledger, self._vault, Egress(allow=_OPEN), Settings())
        telling.start()
        time.sleep(2)
        before = processes.processor(os.getpid())
        time.sleep(seconds)
        used = processes.processor(os.getpid()) - before
        telling.stop()
        return used / seconds

    def _subscribe(self, path: str) -> str:
        made = new_id()
        sealed = self._vault.seal(secret_of(b"s" * 32))
        wanted = Subscription(
            id=made,
            connection_id=_WEBSITE,
            event=_EVENT,
            target_url=self._url + path,
            filter={},
            include_own=False,
            fingerprint=made,
            created_at=self.ledger.clock(),
            secret_sealed=sealed,
            token_sealed=sealed,
            token_hash="",
        )
        with self.ledger.write() as connection:
            subscriptions.add(connection, wanted)
        return made

    def _tell(self, events: int) -> None:
        payload, now = shipped().triggers[_EVENT].sample_of(_WEBSITE), self.ledger.clock()
        with self.ledger.write() as connection:
            for number in range(events):
                deliveries.tell(
                    connection,
                    _WEBSITE,
                    event_id=new_id(),
                    event=_EVENT,
                    own=False,
                    who=f"c{number}@example.com",
                    payload=payload,
                    now=now,
                )

    def _left(self, ids: Sequence[str]) -> bool:
        with self.ledger.read() as connection:
            return any(
                deliveries.newest(connection, _WEBSITE, before=None, limit=1, subscription_id=each, status="waiting")
                for each in ids
            )


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def _subscriber() -> Iterator[str]:
    """A process that is told; its address."""
    command = [sys.executable, "-m", "benchmarks.subscriber", str(_LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()
