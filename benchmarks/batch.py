"""Taking in a large batch: memory of 100,000 records against that of 10,000, and how fast they are taken."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from benchmarks import processes
from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import KEY, probe, sandbox, serving
from connector.ledger import Ledger
from connector.ledger.tables import connections, imports, records
from connector.settings import Settings

_SMALL, _LARGE = 10_000, 100_000
# Seconds of delivering after the batch is taken, whose memory counts as well.
_DELIVERS = 10
# Records a second that are enough, whatever the database could do by itself; else the share of that.
_ENOUGH, _SHARE = 10_000, 0.3


@dataclass(frozen=True)
class _Taken:
    """Peak MB of the largest process; records per second until they were taken, and those of a bare executemany."""

    peak: float
    pace: float
    bare: float


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Peak memory of the largest process; records per second until the answer 202, against a bare executemany."""
    for name in on:
        with opened(name) as database:
            small, large = _taken(_SMALL, database), _taken(_LARGE, database)
        what, peak = f"peak memory of {_LARGE:,} records, of {_SMALL:,}", f"{large.peak:.0f} MB"
        yield Figure(what, large.peak / small.peak, "×", 1.2, "less", peak, name)
        goal, beside = min(_ENOUGH, _SHARE * large.bare), f"{large.pace / large.bare:.2f} of a bare executemany"
        yield Figure("records taken per second", large.pace, "/s", goal, "more", f"{beside}, {large.bare:,.0f}/s", name)


def _taken(count: int, database: Callable[[], str]) -> _Taken:
    body = "\n".join(json.dumps(person) for person in _people(count)).encode()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-ndjson"}
    with ExitStack() as stack:
        folder, other = (Path(stack.enter_context(TemporaryDirectory())) for _ in range(2))
        crisp, url = stack.enter_context(sandbox()), database()
        probe(crisp, folder, url)
        with serving(crisp, folder, database=url) as (address, pid):
            began = time.perf_counter()
            answer = requests.post(f"{address}/v1/contacts/batch", data=body, headers=headers, timeout=600)
            took = time.perf_counter() - began
            assert answer.status_code == 202, answer.text
            time.sleep(_DELIVERS)
            peak = processes.peak(pid)
        return _Taken(peak, count / took, _bare(_ledger(folder, url), _ledger(other, database())))


def _people(count: int) -> list[dict[str, Any]]:
    return [
        {"email": f"user{n}@example.com", "nickname": f"User {n}", "city": "Paris", "data": {"plan": "pro", "n": n}}
        for n in range(count)
    ]


def _ledger(folder: Path, url: str) -> Ledger:
    return Ledger(Settings(data_dir=folder, database_url=url).database)


def _bare(taken: Ledger, empty: Ledger) -> float:
    """Rows per second of one executemany, on disk when it ends: the rows that were taken, as the database has them,
    into an empty table that is the same."""
    empty.prepare()
    with taken.read() as source, empty.write() as target:
        for table in (connections, imports):
            target.execute(table.insert(), [dict(row) for row in source.execute(table.select()).mappings()])
        found = source.exec_driver_sql("SELECT * FROM records")
        names, rows = list(found.keys()), [tuple(_raw(value) for value in row) for row in found]
    assert set(names) == set(records.c.keys())
    mark = "?" if empty.is_sqlite else "%s"
    columns, marks = ", ".join(f'"{name}"' for name in names), ", ".join(mark for _ in names)
    began = time.perf_counter()
    with empty.write(durable=True) as target:
        target.exec_driver_sql(f"INSERT INTO records ({columns}) VALUES ({marks})", rows)
    took = time.perf_counter() - began
    for ledger in (taken, empty):
        ledger.close()
    return len(rows) / took


def _raw(value: Any) -> Any:
    """What is bound without further ado: psycopg has read JSON."""
    return json.dumps(value) if isinstance(value, dict | list) else value
