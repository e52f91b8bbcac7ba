"""Promise 7: Crisp's limits of the day and of the second hold, whoever delivers and whoever is started again."""

import time
from pathlib import Path

import pytest
import requests

from tests.chaos.cluster import cluster, people
from tests.chaos.conftest import MANY
from tests.chaos.figures import Figure, of_one_day, report, sized
from tests.process.running import Crisp, until

pytestmark = pytest.mark.alone

DAILY, RATE = sized(480, 4_000), 60
RESERVE = DAILY * 5 // 100


@pytest.mark.parametrize("commands", [pytest.param(MANY, id="postgresql+redis")])
def test_promise_7_the_quota_is_respected_and_used(
    crisp: Crisp, env: dict[str, str], commands: tuple[str, ...], tmp_path: Path
) -> None:
    """More work than quota: bulk takes all but the reserve, single contacts the reserve; workers come and go."""
    of_one_day(4_500)  # in its last hour the reserve is released
    crisp.set(latency_ms=30, daily_quota=DAILY, rate=RATE)
    limits = {"CRISP_DAILY_QUOTA": str(DAILY), "CRISP_RATE": str(RATE)}
    with cluster({**env, **limits}, tmp_path, *commands) as members:
        members.accepted(people("bulk", DAILY), "bulk")
        works = [member for member in members.members if member.command == "work"]
        for worker in (*works, works[0]):
            time.sleep(sized(1, 8))
            worker.stop()
            worker.start()
        until(lambda: _used(crisp) >= DAILY - RESERVE - 1, 300, "the quota of bulk work")
        single = [_told(members.ask, n) for n in range(RESERVE)]
        me = members.ask("GET", "/v1/me").json()
        waits = members.ask("POST", "/v1/contacts", json=_person(RESERVE + 1), params={"wait": 2}).json()
    stats = crisp.stats()["calls"]
    used = 100 * (stats["total"] - stats["over_limit"]) / DAILY
    agreed, over = waits["retry_at"] == me["quota"]["resets_at"], stats["over_limit"]
    report(
        Figure("7", f"calls over the limit: {DAILY} a day, {RATE} a second", over, "0", not over),
        Figure("7", "used of the day's quota, in percent: 2 web, 2 work, 3 restarts", used, "≥ 99", used >= 99),
        Figure("7", "single contacts taken from the reserve", single.count("created"), "-", "created" in single),
        Figure("7", "the outcome and /v1/me name the same moment", agreed, "True", agreed),
    )


def _used(crisp: Crisp) -> int:
    return crisp.calls


def _person(n: int) -> dict[str, str]:
    return {"email": f"live.{n}@example.com", "nickname": f"L{n}"}


def _told(ask: object, n: int) -> str:
    assert callable(ask)
    answer: requests.Response = ask("POST", "/v1/contacts", json=_person(n), params={"wait": 5})
    return str(answer.json()["status"])
