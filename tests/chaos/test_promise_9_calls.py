"""Promise 9: few calls. The usual mix costs what it must, and not one call more."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.chaos.cluster import IN_ONE, VALUES, Cluster, Record, alike, cluster, in_batches, people, wrong
from tests.chaos.figures import Figure, report, sized
from tests.process.commands import result
from tests.process.running import Crisp

pytestmark = pytest.mark.alone

KNOWN = sized(180, 4_500)
NEW = KNOWN // 9
SAME, PROFILE, DATA = KNOWN * 7 // 9, KNOWN // 9, KNOWN // 9
BURST = 5
# How many calls these records cost.
Calls = Callable[[list[Record]], int]


@dataclass(frozen=True)
class Mix:
    """Calls per new contact; of the mix, as a multiple of the least possible; when nothing has changed; and how many
    Crisp then holds otherwise than they were sent."""

    first: float
    mix: float
    again: int
    differ: int

    def figures(self, where: str, most: float, most_of_least: float) -> list[Figure]:
        """These, with their goals."""
        return [
            Figure("9", f"calls per new contact: {where}", self.first, f"≤ {most}", self.first <= most),
            Figure(
                "9", f"calls of the mix: {where}", self.mix, f"≤ {most_of_least} × the least", self.mix <= most_of_least
            ),
            Figure("9", f"calls when nothing has changed: {where}", self.again, "0", self.again == 0),
            Figure("9", f"held by Crisp otherwise than sent: {where}", self.differ, "0", self.differ == 0),
        ]


def test_promise_9_few_calls(crisp: Crisp, env: dict[str, str], commands: tuple[str, ...], tmp_path: Path) -> None:
    """70 % unchanged, 20 % changed, 10 % new; bursts of changes of one contact each; and the same mix on the connection
    once it is probed, where values repeat."""
    with cluster(env, tmp_path, *commands) as members:
        calls = _counter(crisp, members)
        plain = _one_by_one(crisp, calls)
        burst = calls([{**each, "nickname": f"B{n}"} for each in people("known", NEW) for n in range(BURST)]) / NEW
        crisp.reset()
        assert result("doctor", "--probe", "--yes", env=env)["findings"]["batch_size"] == IN_ONE
        probed = _many_at_once(crisp, calls)
    where = "SQLite" if len(commands) == 1 else "PostgreSQL + Redis"
    report(
        *plain.figures(f"each with data of its own, {where}", 2, 1),
        Figure("9", f"calls for {BURST} changes of one contact at once: {where}", burst, "≤ 1", burst <= 1),
        *probed.figures(f"probed, values repeat, {where}", 1.05, 1.05),
    )


def _one_by_one(crisp: Crisp, calls: Calls) -> Mix:
    """Nothing that many are told alike."""
    known = people("known", KNOWN)
    first = calls(known) / KNOWN
    mixed = [_changed(person, n, {"n": -n}) for n, person in enumerate(known)] + people("new", NEW)
    mix = calls(mixed) / (PROFILE + DATA + 2 * NEW)
    return Mix(first, mix, calls(mixed), len(wrong(crisp, mixed)))


def _many_at_once(crisp: Crisp, calls: Calls) -> Mix:
    """What many are told alike takes a call for each value, not for each contact."""
    known = alike("alike", KNOWN)
    first = calls(known) / KNOWN
    mixed = [_changed(person, n, {"plan": "another"}) for n, person in enumerate(known)] + alike("late", NEW)
    mix = calls(mixed) / (PROFILE + in_batches(DATA, 1) + NEW + in_batches(NEW, *VALUES))
    return Mix(first, mix, calls(mixed), len(wrong(crisp, mixed)))


def _changed(person: Record, n: int, data: Record) -> Record:
    """Unchanged, another profile, or other data."""
    if n < SAME:
        return person
    return {**person, "nickname": "Other"} if n < SAME + PROFILE else {**person, "data": {**person["data"], **data}}


def _counter(crisp: Crisp, members: Cluster) -> Calls:
    """The ledger must count as many as Crisp."""

    names = count()

    def calls(records: list[Record]) -> int:
        before = crisp.calls
        [totals] = members.finished([members.accepted(records, f"batch {next(names)}")])
        assert not totals["rejected"] + totals["dead"], totals
        spent = crisp.calls - before
        assert totals["calls"] == spent, "the ledger says another number of calls than Crisp"
        return spent

    return calls
