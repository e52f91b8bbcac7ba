"""Tallies are what the records are, whatever happens to these; and a chart looks at no record.

That they are, is looked at after every test that has a ledger (`tests.tallying`); here is what can go wrong by itself.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic import command
from sqlalchemy import delete, func, select, update

from connector.ledger import Ledger, erasure, importing, records, retention, tallies, work
from connector.ledger import connections as tenants
from connector.ledger.migrations import config
from connector.ledger.retention import DAY, Retention
from connector.ledger.tables import records as rows
from connector.ledger.tables import tallies as table
from connector.ledger.tallies import HOUR
from tests.building import NOW, add_rows, add_tenant, contact, grant, row
from tests.ledger.test_importing import accepted
from tests.ledger.test_indexes import plans
from tests.tallying import both, check

ADA, BO = contact("ada@example.com"), contact("bo@example.com")
THIS_HOUR = NOW // HOUR * HOUR


def spans(ledger: Ledger, since: int = THIS_HOUR - 23 * HOUR, span: int = HOUR) -> dict[tuple[int, str], Any]:
    with ledger.read() as connection:
        found = tallies.by_span(connection, "W", since, span)
    return {(at * span, status): (many, calls) for at, status, many, calls in found}


def kinds(ledger: Ledger) -> list[tuple[str, str | None, int]]:
    with ledger.read() as connection:
        return tallies.kinds(connection, "W")


def fold(ledger: Ledger, now: int = NOW) -> None:
    with ledger.write() as connection:
        tallies.fold(connection, now)


def kept_rows(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def some(ledger: Ledger) -> None:
    """Some that ended now and an hour ago, one that waits, and one of another connection."""
    add_tenant(ledger, "V")
    done: dict[str, Any] = {"finished_at": NOW, "calls": 2}
    add_rows(ledger, [row(ADA, status="created", **done), row(BO, status="created", **done), row(ADA)])
    add_rows(ledger, [row(ADA, status="dead", code="crisp_failed", finished_at=NOW - HOUR, calls=9)])
    add_rows(ledger, [row(None, code="email_missing"), row(None, code="email_missing")])
    add_rows(ledger, [row(None, "V", code="email_missing")])


def test_what_ended_is_counted_by_hour_and_what_failed_or_waits_by_kind(shop: Ledger) -> None:
    some(shop)
    shown = {
        (THIS_HOUR, "created"): (2, 4),
        (THIS_HOUR, "rejected"): (2, 0),
        (THIS_HOUR - HOUR, "dead"): (1, 9),
    }
    assert spans(shop) == shown
    assert spans(shop, since=THIS_HOUR) == {key: value for key, value in shown.items() if key[0] == THIS_HOUR}
    listed = [("rejected", "email_missing", 2), ("dead", "crisp_failed", 1), ("waiting", None, 1)]
    assert kinds(shop) == listed
    fold(shop)
    assert (spans(shop), kinds(shop)) == (shown, listed)
    day = NOW // DAY * DAY
    assert spans(shop, since=day, span=DAY)[day, "created"] == (2, 4)


def test_a_record_that_is_delivered_is_counted_once(shop: Ledger) -> None:
    [record_id] = add_rows(shop, [row(ADA)])
    lease = grant(shop)
    with shop.write() as connection:
        [group] = work.claim(connection, lease, 1, NOW, busy=(), bulk=True)
        saved = {name: getattr(group.rows[0], name) for name in work._SAVED}
        ended = {"status": "created", "calls": 2, "attempts": 1, "finished_at": NOW, "claim": None, "due_at": None}
        work.save(connection, lease, [{**saved, **ended, "b_id": record_id}])
        work.save(connection, lease, [{**saved, **ended, "b_id": record_id}])  # it is not claimed any more
    assert spans(shop) == {(THIS_HOUR, "created"): (1, 2)}
    assert kinds(shop) == []


def test_what_is_replayed_failed_no_more(shop: Ledger) -> None:
    some(shop)
    with shop.write() as connection:
        assert records.replay(connection, "W", records.chosen(code="crisp_failed"), NOW) == 1
    assert kinds(shop) == [("rejected", "email_missing", 2), ("waiting", None, 2)]
    assert (THIS_HOUR - HOUR, "dead") not in spans(shop)
    check(shop)


def test_what_is_forgotten_is_still_counted(shop: Ledger) -> None:
    some(shop)
    before = spans(shop), kinds(shop)
    assert retention.sweep(shop, Retention(1), NOW + 2 * DAY) == 2
    assert (spans(shop), kinds(shop)) == before
    with shop.write() as connection:
        erasure.erase(connection, "W", ["ada@example.com"], asked_at=NOW, now=NOW)
    assert ("rejected", "contact_erased", 1) in kinds(shop)
    check(shop)


@pytest.mark.parametrize("what", ["cancelled", "dropped", "given up"])
def test_an_import_that_does_not_come_to_its_end(shop: Ledger, what: str) -> None:
    import_id, _ = accepted(shop, 3)
    assert kinds(shop) == [("waiting", None, 3)]
    with shop.write() as connection:
        if what == "cancelled":
            importing.cancel(connection, "W", import_id, NOW)
        elif what == "dropped":
            importing.drop_import(connection, import_id)
        else:
            connection.exec_driver_sql("UPDATE imports SET accepted_at = NULL")
            assert importing.drop_unsealed(connection, NOW + DAY) == 1
    assert kinds(shop) == ([("rejected", "import_cancelled", 3)] if what == "cancelled" else [])
    check(shop)


def test_a_connection_that_goes_leaves_nothing(shop: Ledger) -> None:
    some(shop)
    with shop.write() as connection:
        assert tenants.remove(connection, "W")
    fold(shop)
    assert both(shop)[0] == {("V", "rejected", "email_missing", NOW // HOUR): (1, 0)}
    assert kept_rows(shop) == 1


def test_folding_changes_no_count_while_others_write(ledger: Ledger) -> None:
    add_tenant(ledger)

    def write(number: int) -> None:
        if number % 5 == 4:
            fold(ledger)
        else:
            ids = add_rows(ledger, [row(ADA), row(BO, status="created", finished_at=NOW, calls=1)])
            with ledger.write() as connection:
                dead = {"status": "dead", "code": "crisp_failed", "finished_at": NOW}
                connection.execute(update(rows).where(rows.c.id == ids[0]).values(dead))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(60)))
    assert kinds(ledger) == [("dead", "crisp_failed", 48)]
    assert spans(ledger)[THIS_HOUR, "created"] == (48, 48)
    fold(ledger)
    assert kept_rows(ledger) == 2
    check(ledger)


def test_hours_that_no_chart_shows_are_one(shop: Ledger) -> None:
    ended = [NOW - days * DAY for days in range(60)]
    ids = add_rows(shop, [row(ADA, status="dead", code="crisp_failed", finished_at=at) for at in ended])
    fold(shop)
    assert kinds(shop) == [("dead", "crisp_failed", 60)]
    assert kept_rows(shop) == 34  # 33 days, the last of them begun, and what was before
    assert len(spans(shop, since=NOW - 29 * DAY, span=HOUR)) == 30
    with shop.write() as connection:  # what ended long ago is not dead any more: that is told of its own hour
        assert records.replay(connection, "W", [rows.c.id.in_([ids[0], ids[59]])], NOW) == 2
    fold(shop)
    assert kinds(shop) == [("dead", "crisp_failed", 58), ("waiting", None, 2)]
    check(shop, hours=False)
    with shop.write() as connection:
        connection.execute(delete(rows))
    fold(shop)
    assert kept_rows(shop) == 0


def test_what_a_database_had_before_is_counted(blank_ledger: Ledger) -> None:
    with blank_ledger.write() as connection:
        command.upgrade(config(connection), "0008")
    some_before = [row(ADA, status="updated", finished_at=NOW, calls=3), row(ADA), row(None, code="email_missing")]
    add_tenant(blank_ledger)
    add_rows(blank_ledger, some_before)
    blank_ledger.migrate()
    assert kinds(blank_ledger) == [("rejected", "email_missing", 1), ("waiting", None, 1)]
    assert spans(blank_ledger)[THIS_HOUR, "updated"] == (1, 3)
    check(blank_ledger)
    with blank_ledger.write() as connection:
        command.downgrade(config(connection), "0008")
    add_rows(blank_ledger, [row(ADA)])  # nothing of it is left behind
    blank_ledger.migrate()
    assert ("waiting", None, 2) in kinds(blank_ledger)


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
def test_a_chart_looks_at_no_record(shop: Ledger) -> None:
    def charts(connection: Any) -> None:
        tallies.by_span(connection, "W", NOW - DAY, HOUR)
        tallies.kinds(connection, "W")

    assert list(plans(shop, charts, "records")) == []
    found = list(plans(shop, charts, "tallies"))
    assert len(found) == 2
    assert all(line.startswith("SEARCH") and "connection_id=?" in line for line in found), found
    assert any("hour>?" in line for line in found), found
