"""What a fleet must get over by itself: a dead worker, a wrong clock, a database that restarts, an emptied queue."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests import postgres
from tests.chaos.cluster import cluster, people, wrong
from tests.chaos.conftest import MANY
from tests.chaos.figures import Figure, report, sized
from tests.process.running import Crisp

RECORDS, AWAY = sized(400, 5_000), sized(3, 60)
# The program on a machine whose clock is an hour fast.
AN_HOUR_FAST = """
import runpy, sys, time
seconds, nanoseconds = time.time, time.time_ns
time.time, time.time_ns = lambda: seconds() + 3600, lambda: nanoseconds() + 3600 * 10**9
runpy.run_module("connector", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def server() -> Iterator[postgres.Own]:
    with postgres.own_server() as own:
        yield own


@pytest.fixture(params=["redis", "postgresql"])
def queue(request: pytest.FixtureRequest) -> str | None:
    """Where wake-ups go: to Redis, or by default to the database."""
    return str(request.getfixturevalue("redis_url")) if request.param == "redis" else None


def test_a_fleet_goes_on_by_itself(crisp: Crisp, server: postgres.Own, queue: str | None, tmp_path: Path) -> None:
    """One worker is killed and the other's clock is wrong, PostgreSQL is away for a while, Redis is emptied, all during
    one batch."""
    crisp.set(latency_ms=100)
    sent = people("fleet", RECORDS)
    with postgres.database(server.url) as url:
        env = {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path / "data"), "CRISP_DAILY_QUOTA": "10000000"}
        env |= {"CONNECTOR_DATABASE_URL": url, "CONNECTOR_CONCURRENCY": "16"}
        env |= {"CONNECTOR_QUEUE_URL": queue} if queue else {}
        with cluster(env, tmp_path, *MANY, programs={2: (sys.executable, "-c", AN_HOUR_FAST)}) as members:
            import_id = members.accepted(sent, "fleet")
            time.sleep(1)
            members.members[-1].kill()
            _empty(queue)
            time.sleep(1)
            server.stop()
            time.sleep(AWAY)
            assert members.ask("GET", f"/v1/imports/{import_id}").status_code == 503
            assert members.ask("POST", "/v1/contacts", json={"email": "a@example.com"}).status_code == 503
            server.start()
            _empty(queue)
            [totals] = members.finished([import_id], 300)
            alive = [m.running.process.poll() is None for m in members.members if m.running is not None]
    creations = crisp.stats()["creations"]
    lost, twice = RECORDS - totals["created"], sum(each > 1 for each in creations.values())
    extra, differs = crisp.calls - 2 * RECORDS, len(wrong(crisp, sent))
    away = f"PostgreSQL away {AWAY} s, {'Redis emptied' if queue else 'the queue in it'}"
    report(
        Figure("1", f"lost: a worker killed, the other's clock wrong, {away}", lost, "0", lost == 0),
        Figure("1", f"held by Crisp otherwise than sent: {away}", differs, "0", differs == 0),
        Figure("2", f"created twice: {away}", twice, "0", twice == 0),
        Figure("2", f"extra calls: {away}", extra, "≤ 40", extra <= 40),
        Figure("-", f"processes that lived through it: {away}", alive.count(True), "3", alive == [True] * 3),
    )


def _empty(queue: str | None) -> None:
    if queue:
        redis.Redis.from_url(queue).flushall()
