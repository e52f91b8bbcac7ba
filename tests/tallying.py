"""What a ledger's tallies say, and what its records say: always the same, at any moment."""

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from connector.ledger import Ledger
from connector.ledger.tables import records, tallies
from connector.ledger.tallies import HOUR

# Connection, outcome and code → hour of the end → records, calls.
Counts = dict[tuple[Any, ...], tuple[int, int]]


def check(ledger: Ledger, *, hours: bool = True) -> None:
    """Fails where the two differ; without `hours`, whenever records ended."""
    kept, counted = both(ledger, hours=hours)
    assert kept == counted, "the tallies are not what the records are"


def both(ledger: Ledger, *, hours: bool = True) -> tuple[Counts, Counts]:
    """(connection, outcome, code, hour) → (records, calls): as tallied, and as counted."""
    hour = func.coalesce(records.c.finished_at // HOUR, 0)
    code = func.coalesce(records.c.code, "")
    counting = select(records.c.connection_id, records.c.status, code, hour, func.count(), func.sum(records.c.calls))
    columns = (tallies.c.connection_id, tallies.c.status, tallies.c.code, tallies.c.hour, tallies.c.records)
    with ledger.snapshot() as connection:
        kept = _summed(connection.execute(select(*columns, tallies.c.calls)), hours)
        counted = _summed(connection.execute(counting.group_by(*counting.selected_columns[:4])), hours)
    return kept, counted


def _summed(rows: Any, hours: bool) -> Counts:
    many, calls = Counter[tuple[Any, ...]](), Counter[tuple[Any, ...]]()
    for *key, records_, calls_ in rows:
        of = tuple(key if hours else key[:-1])
        many[of] += int(records_)
        calls[of] += int(calls_)
    return {of: (many[of], calls[of]) for of in many if many[of] or calls[of]}
