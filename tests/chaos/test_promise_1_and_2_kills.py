"""Promises 1 and 2: every process is killed with -9 at random moments; nothing is lost, nobody is created twice."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.chaos.cluster import IN_ONE, VALUES, Cluster, Record, alike, cluster, in_batches, people, wrong
from tests.chaos.figures import Figure, of_one_day, report, sized
from tests.process.commands import result
from tests.process.running import Crisp, until

RECORDS, KILLS, BATCH = sized(300, 5_000), sized(3, 20), sized(100, 500)
# Where values repeat; after the first, a kill waits until a call that tells many is out.
ALIKE, ALIKE_KILLS = sized(200, 5_000), sized(2, 10)
ADDS, TELLS_MANY = "POST people/profile", "PATCH batch/data"
CONCURRENCY, LATENCY, ALIKE_LATENCY = 16, 100, 200
# A call is in flight from when it is bought until its answer is in the ledger. A drain buys a quarter ahead of what is
# out, so that no place is idle while it writes.
IN_FLIGHT = CONCURRENCY + CONCURRENCY // 4
MOMENTS = random.Random(4)

Moment = Callable[[Crisp], None]


def test_promise_1_and_2_nothing_is_lost_and_nobody_created_twice(
    crisp: Crisp, env: dict[str, str], commands: tuple[str, ...], tmp_path: Path
) -> None:
    """Records still come in while processes die; their sender repeats what was not answered. Then once more on the
    connection when it is probed, with values that repeat: the kills meet calls that tell many at once."""
    of_one_day(sized(300, 2_700))
    back_end = "SQLite, serve" if len(commands) == 1 else "PostgreSQL + Redis, 2 web, 2 work"
    with cluster({**env, "CONNECTOR_CONCURRENCY": str(CONCURRENCY)}, tmp_path, *commands) as members:
        figures = _one_by_one(crisp, members, f"{RECORDS} records, {KILLS} kills, {back_end}")
        crisp.reset()
        crisp.set(latency_ms=0)
        assert result("doctor", "--probe", "--yes", env=env)["findings"]["batch_size"] == IN_ONE
        figures += _many_at_once(crisp, members, f"probed, {ALIKE} records, {ALIKE_KILLS} kills, {back_end}")
    report(*figures)


def _one_by_one(crisp: Crisp, members: Cluster, where: str) -> list[Figure]:
    """Two calls each. Every other kill comes while calls are in flight."""
    sent, moments = people("kill", RECORDS), [_any_moment if n % 2 else _at_work for n in range(KILLS)]
    crisp.set(latency_ms=LATENCY)
    whole = _whole(crisp, sent, _delivered(crisp, members, sent, moments), where)
    extra, in_flight = crisp.calls - _cut_off(crisp, members) - 2 * RECORDS, members.unanswered()
    each, beside, most = in_flight / KILLS, extra / KILLS / CONCURRENCY, KILLS * IN_FLIGHT
    return [
        *whole,
        Figure("2", f"extra calls, {in_flight} in flight when killed: {where}", extra, f"≤ {most}", 0 <= extra <= most),
        Figure("2", f"calls in flight at a kill: {where}", each, f"≤ {IN_FLIGHT}", each <= IN_FLIGHT),
        Figure("2", f"extra calls, of {KILLS} kills × {CONCURRENCY}", beside, "≤ 1 per kill and call in flight", None),
    ]


def _many_at_once(crisp: Crisp, members: Cluster, where: str) -> list[Figure]:
    """One call each, and a few for all."""
    sent, moments = alike("alike", ALIKE), [_at_work, *[_a_batch_is_out] * (ALIKE_KILLS - 1)]
    probed, died, lost = crisp.calls, members.unanswered(), _unanswered_batches(crisp, members)
    crisp.set(latency_ms=ALIKE_LATENCY)
    whole = _whole(crisp, sent, _delivered(crisp, members, sent, moments), where)
    calls, in_flight = crisp.calls - probed, members.unanswered() - died
    met = _unanswered_batches(crisp, members) - lost
    each, extra = calls / ALIKE, calls - ALIKE - in_batches(ALIKE, *VALUES)
    return [
        *whole,
        Figure("2", f"calls that tell many, in flight when killed: {where}", met, "≥ 1", met >= 1),
        Figure("2", f"calls per contact with two values: {where}", each, "< 2", each < 2),
        # Who was told one value is parted from who was told none: that may take a call more.
        Figure("2", f"extra calls: {where}", extra, f"{in_flight} in flight when killed", None),
    ]


def _any_moment(_crisp: Crisp) -> None:
    """Be it that nothing is delivered yet."""
    time.sleep(MOMENTS.uniform(0.2, sized(1, 3)))


def _at_work(crisp: Crisp) -> None:
    """While calls are in flight, if there are any left to make."""
    before, end = crisp.calls, time.monotonic() + 10
    while crisp.calls == before and time.monotonic() < end:
        time.sleep(0.03)
    time.sleep(MOMENTS.uniform(0, sized(1, 3)))


def _a_batch_is_out(crisp: Crisp) -> None:
    before = _batches(crisp)
    until(lambda: _batches(crisp) > before, 120, "a batch")


def _batches(crisp: Crisp) -> int:
    return int(crisp.stats()["calls"]["by_route"].get(TELLS_MANY, 0))


def _cut_off(crisp: Crisp, members: Cluster) -> int:
    """Creations whose sender was killed between head and body: the sandbox counts them, Crisp was asked nothing."""
    stats, refused = crisp.stats(), members.metric("calls_total", route=ADDS, answer="409")
    return int(stats["calls"]["by_route"][ADDS] - sum(stats["creations"].values())) - refused


def _unanswered_batches(crisp: Crisp, members: Cluster) -> int:
    return _batches(crisp) - members.metric("calls_total", route=TELLS_MANY)


def _delivered(
    crisp: Crisp, members: Cluster, sent: Sequence[Record], moments: Sequence[Moment]
) -> list[dict[str, int]]:
    """Sends everything in batches while all processes are killed at these moments; the totals when nothing waits."""
    with ThreadPoolExecutor(1) as sender:
        batches = [sent[first : first + BATCH] for first in range(0, len(sent), BATCH)]
        imports = [sender.submit(members.accepted, batch, f"from {batch[0]['email']}") for batch in batches]
        imports[0].result()
        for comes in moments:
            comes(crisp)
            members.kill()
            members.start()
        return members.finished([each.result() for each in imports], 600)


def _whole(crisp: Crisp, sent: Sequence[Record], totals: Sequence[dict[str, int]], where: str) -> list[Figure]:
    """Nobody is missing, nobody was created twice, and Crisp holds what was sent."""
    creations = crisp.stats()["creations"]
    lost = sum(person["email"] not in creations for person in sent)
    twice, differs = sum(each > 1 for each in creations.values()), len(wrong(crisp, sent))
    told = sum(each["records"] for each in totals)
    identity = told == len(sent) == sum(each["created"] for each in totals)
    return [
        Figure("1", f"lost: {where}", lost, "0", lost == 0),
        Figure("1", f"records in = created: {where}", identity, "True", identity),
        Figure("1", f"held by Crisp otherwise than sent: {where}", differs, "0", differs == 0),
        Figure("2", f"created twice: {where}", twice, "0", twice == 0),
    ]
