"""Promise 8: a single contact does not wait for the batch before it."""

import time
from pathlib import Path

import pytest

from tests.chaos.cluster import cluster, people
from tests.chaos.figures import Figure, report, sized
from tests.process.running import Crisp

pytestmark = pytest.mark.alone

RECORDS, LATENCY, LIVE = sized(1_000, 50_000), 200, sized(5, 20)


def test_promise_8_live_before_bulk(
    crisp: Crisp, env: dict[str, str], commands: tuple[str, ...], tmp_path: Path
) -> None:
    """The contact has one call to be told with; it waits for at most one that is out, and a second."""
    crisp.set(latency_ms=LATENCY)
    with cluster(env, tmp_path, *commands) as members:
        members.ask("POST", "/v1/contacts", json={"email": "first@example.com"})
        import_id = members.accepted(people("batch", RECORDS), "batch", 600)
        time.sleep(2)
        took = []
        for n in range(LIVE):
            began = time.monotonic()
            answer = members.ask("POST", "/v1/contacts", json={"email": f"live.{n}@example.com", "nickname": "L"})
            took.append(time.monotonic() - began)
            assert (answer.status_code, answer.json()["status"]) == (200, "created")
            time.sleep(0.3)
        left = members.shown(import_id)["totals"]["waiting"]
    assert left, "the batch was over before"
    call = LATENCY / 1000
    waited, usual = round(max(took) - call, 2), round(sorted(took)[LIVE // 2] - call, 2)
    where = f"{RECORDS} records, {'SQLite' if len(commands) == 1 else 'PostgreSQL + Redis'}"
    report(
        Figure(
            "8",
            f"longest wait of {LIVE} live contacts, in seconds: {where}",
            round(waited, 2),
            f"≤ {call + 1}",
            waited <= call + 1,
        ),
        Figure("8", f"usual wait, in seconds: {where}", usual, "-", None),
    )
