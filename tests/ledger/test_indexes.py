"""What runs several times a second looks at no record that it does not need, however many wait."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from connector.ledger import Ledger, erasures, leases, people, work
from tests.building import NOW, add_rows, contact, grant, row

Query = Callable[[Connection], Any]


@pytest.fixture
def busy_shop(shop: Ledger) -> Ledger:
    """Many records wait for later, a few are due, and one is in hand."""
    later = [row(contact(f"later{n}@example.com"), due_at=NOW + 1_000_000) for n in range(500)]
    add_rows(shop, [*later, *(row(contact(f"now{n}@example.com")) for n in range(5))])
    lease = grant(shop)
    with shop.write() as connection:
        assert len(work.claim(connection, lease, 1, NOW, busy=(), bulk=True)) == 1
    return shop


def plans(ledger: Ledger, query: Query, table: str = "records") -> Iterator[str]:
    """How SQLite finds the rows of this table that the query looks for."""
    seen = list[tuple[str, Any]]()

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if table in statement and not many:
            seen.append((statement, parameters))

    with ledger.write() as connection:
        event.listen(connection, "before_cursor_execute", note)
        query(connection)
        for statement, parameters in list(seen):
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters)):
                if f" {table} " in line[3]:
                    yield line[3]


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize(
    ("query", "index"),
    [
        pytest.param(lambda c: work.due_connections(c, NOW), "ix_records_due", id="look"),
        pytest.param(lambda c: work.next_due_at(c, "W"), "ix_records_due", id="come back"),
        pytest.param(
            lambda c: work.claim(c, leases.Lease("W", "x", 2), 3, NOW, busy=(), bulk=True), "ix_records_due", id="claim"
        ),
        pytest.param(lambda c: erasures.due(c, NOW), "ix_records_due (connection_id=? AND lane=?", id="erase"),
        pytest.param(
            lambda c: erasures.names(c, "W", ["now1@example.com", "p1"]),
            "ix_records_due (connection_id=? AND lane=?",
            id="who goes",
        ),
        pytest.param(lambda c: leases.take(c, "W", "x", NOW + leases.TERM), "ix_records_claimed", id="take over"),
    ],
)
def test_an_index_finds_it(busy_shop: Ledger, query: Query, index: str) -> None:
    found = list(plans(busy_shop, query))
    assert any(index in line for line in found), found
    assert not [line for line in found if line.startswith("SCAN")], found


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize(
    "query",
    [
        pytest.param(lambda c: people.by_who(c, "W", ["ada@example.com", "p1"]), id="look"),
        pytest.param(lambda c: people.forget(c, "W", ["ada@example.com", "p1"]), id="forget"),
    ],
)
def test_people_are_found_by_their_names_and_not_by_their_website(shop: Ledger, query: Query) -> None:
    found = list(plans(shop, query, "people"))
    assert any("email=?" in line for line in found), found
    assert any("people_id=?" in line for line in found), found
    assert not [line for line in found if line.startswith("SCAN") or line.endswith("(connection_id=?)")], found
