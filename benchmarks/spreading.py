"""Sixteen websites of 4 calls at once each, 4 of them delivered for at once: two `work` processes against one."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import Said, environment, sandbox, worker
from connector import sources
from connector.intake import Options, Reading
from connector.ledger import connections as tenants
from connector.ledger import records
from connector.services import Services, Token, described, open_services
from connector.settings import Settings

# So many contacts that the beginning and the end, when not all are busy, weigh little.
_WEBSITES, _CONTACTS = 16, 120
_LIMITS = {"CONNECTOR_CONCURRENCY": "4", "CONNECTOR_DRAINS": "4"}


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Contacts per second of two processes, of those of one; on each of these databases."""
    for name in on:
        with sandbox("--latency-ms", "200") as crisp, opened(name) as database:
            one, two = _pace(crisp, 1, database()), _pace(crisp, 2, database())
        beside = f"{two:.0f} against {one:.0f} contacts/s"
        yield Figure("two work processes of one, 16 websites", two / one, "×", 1.8, "more", beside, name)


def _pace(crisp: Said, workers: int, database: str) -> float:
    """Contacts per second, from when all workers are there until nothing waits."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        env = {**environment(crisp, Path(folder), database), **_LIMITS}
        settings = Settings(
            data_dir=Path(folder),
            database_url=database,
            crisp_website_id=crisp["website_id"],
            crisp_identifier=crisp["identifier"],
            crisp_key=crisp["key"],
            crisp_daily_quota=10_000_000,
        )
        services = open_services(settings)
        stack.callback(services.close)
        names = [_connected(services, crisp, n) for n in range(_WEBSITES)]
        for _ in range(workers):
            stack.enter_context(worker(env))
        began = time.perf_counter()
        for name in names:
            _take(services, name)
        while _left(services, names):
            time.sleep(0.1)
        return _WEBSITES * _CONTACTS / (time.perf_counter() - began)


def _connected(services: Services, crisp: Said, number: int) -> str:
    """One more connection; to the sandbox they are all the same website."""
    token = Token(crisp["website_id"], crisp["tier"], crisp["identifier"], crisp["key"])
    made = described(services.vault, token, None)
    name = f"website-{number}"
    with services.ledger.write() as connection:
        plain = {each: getattr(made, each) for each in made.__slots__}
        tenants.save(
            connection,
            tenants.CrispConnection(**{**plain, "id": name, "label": name, "daily_quota": 10_000_000}),
            number,
        )
    return name


def _take(services: Services, name: str) -> None:
    stamp = time.perf_counter_ns()
    payload = sources.read([{"email": f"{name}.{stamp}.{n}@example.com", "nickname": "Ada"} for n in range(_CONTACTS)])
    reading = Reading(lambda: (payload,), Options(), services.manifest, datetime.now(UTC))
    services.intake.many(name, reading, "upsert")


def _left(services: Services, names: list[str]) -> int:
    with services.ledger.read() as connection:
        return sum(records.totals_of_connection(connection, name).by_status.get("waiting", 0) for name in names)
