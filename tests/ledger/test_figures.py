"""Figures of a connection: every accepted record is in one place, and all of them are of one moment."""

from typing import Any

import pytest

from connector.ids import new_id
from connector.ledger import Ledger, figures, importing, leases
from connector.ledger.figures import AGES, OLDER, Error, Figures
from connector.ledger.lanes import BULK, LIVE
from connector.ledger.leases import LeaseLost
from tests.building import NOW, add_rows, add_tenant, contact, grant, row

ADA = contact("ada@example.com")
HOUR = 3_600_000


def looked(ledger: Ledger, connection_id: str = "W") -> Figures:
    with ledger.snapshot() as connection:
        return figures.of_records(connection, connection_id, NOW)


def an_import(ledger: Ledger, *rows: dict[str, Any], sealed: bool = True) -> None:
    import_id = new_id()
    with ledger.write() as connection:
        opened = {"id": import_id, "connection_id": "W", "source": "generic", "mode": "upsert", "records": 0}
        importing.open_import(connection, {**opened, "notes": [], "created_at": NOW})
    add_rows(ledger, [{**each, "import_id": import_id} for each in rows])
    if sealed:
        with ledger.write() as connection:
            importing.seal_import(connection, import_id, len(rows), NOW)


def test_of_nothing_there_is_nothing(ledger: Ledger) -> None:
    add_tenant(ledger)
    found = looked(ledger)
    assert (found.accepted, set(found.by_status.values()), set(found.waiting.values())) == (0, {0}, {0})
    assert (found.oldest, found.calls, found.last_minute, found.last_error) == (None, 0, 0, None)


def test_records_in_are_the_sum_of_the_outcomes(ledger: Ledger) -> None:
    add_tenant(ledger)
    add_tenant(ledger, "V")
    done: dict[str, Any] = {"finished_at": NOW - 1_000, "calls": 2, "attempts": 1}
    add_rows(ledger, [row(ADA), row(ADA, status="created", **done), row(ADA, status="unchanged", finished_at=NOW)])
    add_rows(ledger, [row(ADA, status="dead", connection_id="V", code="crisp_failed")])
    an_import(ledger, row(ADA), row(None, code="email_missing"), row(ADA, status="updated", **{**done, "calls": 3}))
    found = looked(ledger)
    assert found.accepted == sum(found.by_status.values()) == 6
    counted = {"waiting": 2, "created": 1, "unchanged": 1, "rejected": 1, "updated": 1}
    assert {status: count for status, count in found.by_status.items() if count} == counted
    assert (found.calls, found.last_minute) == (5, 2)
    assert looked(ledger, "V").by_status["dead"] == looked(ledger, "V").accepted == 1


def test_what_is_still_coming_in_is_not_counted(ledger: Ledger) -> None:
    add_tenant(ledger)
    an_import(ledger, row(ADA, due_at=None), row(None, code="email_missing"), sealed=False)
    found = looked(ledger)
    assert (found.accepted, sum(found.by_status.values()), found.oldest, found.last_error) == (0, 0, None, None)


def test_a_lost_record_shows(ledger: Ledger) -> None:
    add_tenant(ledger)
    an_import(ledger, row(ADA))
    with ledger.write() as connection:
        connection.exec_driver_sql("DELETE FROM records")
    found = looked(ledger)
    assert (found.accepted, sum(found.by_status.values())) == (1, 0)


def test_what_waits_is_in_one_place_each_by_lane_and_age(ledger: Ledger) -> None:
    add_tenant(ledger)
    ages = {"1m": 0, "10m": AGES["1m"], "1h": HOUR - 1, "1d": HOUR, OLDER: 30 * 24 * HOUR}
    add_rows(ledger, [row(ADA, lane=LIVE, created_at=NOW - since) for since in ages.values()])
    add_rows(ledger, [row(ADA, lane=BULK, created_at=NOW - 2 * HOUR), row(ADA, lane=BULK, created_at=NOW)])
    found = looked(ledger)
    assert {age: found.waiting["live", age] for age in ages} == dict.fromkeys(ages, 1)
    assert {age: found.waiting["bulk", age] for age in ages} == {"1m": 1, "10m": 0, "1h": 0, "1d": 1, OLDER: 0}
    assert (found.waiting_in("live"), found.waiting_in("bulk")) == (5, 2)
    assert found.oldest == NOW - ages[OLDER]


def test_the_last_error_is_of_the_newest_record_in_trouble(ledger: Ledger) -> None:
    add_tenant(ledger)
    dead = row(ADA, status="dead", code="crisp_failed", finished_at=NOW - 5_000)
    trail = [{"at": NOW - 9, "call": "GET x", "answer": 503}, {"at": NOW - 3, "call": "GET x", "answer": 503}]
    add_rows(ledger, [dead, row(ADA, status="created", finished_at=NOW)])
    assert looked(ledger).last_error == Error("crisp_failed", NOW - 5_000)
    add_rows(ledger, [row(ADA, code="crisp_unreachable", trail=trail), row(ADA, status="created", finished_at=NOW)])
    assert looked(ledger).last_error == Error("crisp_unreachable", NOW - 3)


def test_all_of_it_is_of_one_moment(ledger: Ledger) -> None:
    add_tenant(ledger)
    an_import(ledger, row(ADA))
    with ledger.snapshot() as connection:
        before = figures.of_records(connection, "W", NOW)
        an_import(ledger, row(ADA), row(ADA))
        assert figures.of_records(connection, "W", NOW) == before
    assert looked(ledger).accepted == 3


def test_calls_in_flight_are_those_of_a_holder_that_lives(ledger: Ledger) -> None:
    add_tenant(ledger)
    with ledger.read() as connection:
        assert figures.of_lease(connection, "W", NOW) == figures.Hold(0, None, 0)
    lease = grant(ledger)
    with ledger.write() as connection:
        leases.renew(connection, lease, NOW, in_flight=7)
    with ledger.read() as connection:
        assert figures.of_lease(connection, "W", NOW) == figures.Hold(1, "a drain", 7)
        assert figures.of_lease(connection, "W", NOW + leases.TERM) == figures.Hold(1, None, 0)
    later = grant(ledger, NOW + leases.TERM, "another")
    with ledger.write() as connection:
        with pytest.raises(LeaseLost):
            leases.renew(connection, lease, NOW, in_flight=9)  # it comes too late
        leases.renew(connection, later, NOW + leases.TERM, in_flight=1)
        assert figures.of_lease(connection, "W", NOW + leases.TERM) == figures.Hold(2, "another", 1)
        leases.release(connection, later)
        assert figures.of_lease(connection, "W", NOW) == figures.Hold(2, None, 0)
