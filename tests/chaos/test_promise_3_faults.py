"""Promise 3: what goes wrong at Crisp is absorbed. (`benchmarks/beside.py` harasses the official client alike.)"""

import time
from pathlib import Path

import pytest

from tests.chaos.cluster import cluster, people, wrong
from tests.chaos.figures import Figure, report, sized
from tests.chaos.harassing import PATIENCE, harassed
from tests.process.running import Crisp

pytestmark = pytest.mark.alone

RECORDS = sized(300, 5_000)


def test_promise_3_faults_are_absorbed(
    crisp: Crisp, env: dict[str, str], commands: tuple[str, ...], tmp_path: Path
) -> None:
    crisp.set(latency_ms=20)
    sent = people("fault", RECORDS)
    # A call is given up before the sandbox answers one that "times out"; pauses are short, for there are many.
    patience = {"CONNECTOR_CALL_TIMEOUT": str(PATIENCE), "CONNECTOR_RETRY_CAP": "4"}
    with cluster({**env, **patience}, tmp_path, *commands) as members, harassed(crisp.set):
        began = time.monotonic()
        [totals] = members.finished([members.accepted(sent, "faults")], 1200)
        pace = RECORDS / (time.monotonic() - began)
    stats = crisp.stats()
    answers, creations = stats["calls"], stats["creations"]
    delivered = 100 * totals["created"] / RECORDS
    differs, twice = len(wrong(crisp, sent)), sum(each > 1 for each in creations.values())
    where = f"{RECORDS} records, {'SQLite' if len(commands) == 1 else 'PostgreSQL + Redis'}"
    report(
        Figure("3", f"delivered, in percent: {where}", delivered, "100", delivered == 100),
        Figure("3", f"held by Crisp otherwise than sent: {where}", differs, "0", differs == 0),
        Figure("3", f"created twice: {where}", twice, "0", twice == 0),
        Figure("3", f"calls per contact (2 without faults): {where}", answers["total"] / RECORDS, "-", None),
        Figure("3", f"refused by a limit: {where}", answers["over_limit"], "-", None),
        Figure("3", f"contacts per second: {where}", pace, "-", None),
    )
