"""What one turn counts: calls by route and answer, and how long records took. It is added to the ledger in one go."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row

from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.ledger import counts


class Tally:
    """Counts of one transaction."""

    def __init__(self) -> None:
        self._calls: Counter[tuple[str, str]] = Counter()
        self._times: defaultdict[tuple[int, int], list[int]] = defaultdict(list)

    def call(self, call: Call, answer: Reply | Failure) -> None:
        """A call that was made; one that never went out is none."""
        if isinstance(answer, Reply) or answer.sent:
            self._calls[call.route, answer.label] += 1

    def ended(self, saved: Iterable[Mapping[str, Any]], rows: Iterable[Row[Any]]) -> None:
        """Of these records, each that is saved as ended: how long that took since it was accepted."""
        by_id = {row.id: row for row in rows}
        for each in saved:
            if (finished_at := each["finished_at"]) is not None:
                row = by_id[each["b_id"]]
                took = max(0, finished_at - row.created_at)
                self._times[row.lane, counts.bound_of(took)].append(took)

    def save(self, connection: Connection, connection_id: str) -> None:
        """Adds everything to the ledger's counts."""
        counts.add_calls(connection, connection_id, self._calls)
        counts.add_latencies(connection, connection_id, self._times)
