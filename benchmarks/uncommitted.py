"""The same service with the commit of accepting removed: the baseline of durability. Not for use.

What was to be stored is rolled back, and the answer is built from what would have been stored.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from flask import has_request_context
from sqlalchemy import Connection

from connector.api import answers
from connector.cli import main
from connector.follow import Followed
from connector.ledger import Ledger, records
from connector.ledger.tables import records as records_table

_kept: dict[str, Mapping[str, Any]] = {}
_write, _add = Ledger.write, records.add
# What a new record has that is not said of it.
_NEW: dict[str, Any] = {**dict.fromkeys(records_table.c.keys()), "changed": [], "trail": [], "calls": 0, "attempts": 0}


@contextmanager
def write(ledger: Ledger, *, durable: bool = False) -> Iterator[Connection]:
    """A transaction that is rolled back, when it is one of accepting."""
    if not (durable and has_request_context()):
        with _write(ledger, durable=durable) as connection:
            yield connection
        return
    with ledger._durable.connect().execution_options(writes=True) as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts, and keeps what the answer is made of."""
    _add(connection, rows)
    _kept.update({row["id"]: {**_NEW, **row} for row in rows})


def follow(_services: Any, _connection_id: str, record_id: str, _seconds: float) -> Followed:
    """The record as it would have been stored."""
    row: Any = SimpleNamespace(**_kept.pop(record_id))
    return Followed(row)


if __name__ == "__main__":
    for owner, name, instead in ((Ledger, "write", write), (records, "add", add), (answers, "follow", follow)):
        setattr(owner, name, instead)
    main(prog_name="crisp-connector")
