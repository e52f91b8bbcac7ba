"""Claiming, saving and finding due work."""

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Connection, text, update

from connector.budget import Budget
from connector.ledger import Ledger, erasure, quotas, work
from connector.ledger import connections as tenants
from connector.ledger.lanes import BULK, LIVE
from connector.ledger.leases import TERM, Lease
from connector.ledger.tables import records as table
from tests.building import NOW, add_rows, add_tenant, contact, grant, outcome, row

SAVED: dict[str, Any] = {
    **dict.fromkeys(work._SAVED),
    "alone": False,
    "changed": [],
    "calls": 1,
    "trail": [{"call": "x"}],
    "attempts": 1,
}


def claim(ledger: Ledger, lease: Lease, limit: int = 9, **more: Any) -> list[tuple[str, ...]]:
    """The ids of each claimed group."""
    options: dict[str, Any] = {"busy": (), "bulk": True, "now": NOW, **more}
    with ledger.write() as connection:
        groups = work.claim(connection, lease, limit, options.pop("now"), **options)
    return [tuple(each.id for each in group.rows) for group in groups]


def a(n: int = 0, **more: Any) -> dict[str, Any]:
    return row(contact(f"a{n}@example.com"), **more)


def test_forgiving_and_erasing_do_not_lock_each_other_out(shop: Ledger) -> None:
    """The oldest record is of the last person: what forgives and what erases meet them in one order all the same."""
    whos = [f"a{n:03}@example.com" for n in reversed(range(300))]
    add_rows(shop, [row(contact(who), failing_since=NOW) for who in whos])
    problems = list[Exception]()

    def again(act: Callable[[Connection], object]) -> None:
        try:
            for _ in range(12):
                with shop.write() as connection:
                    act(connection)
        except Exception as problem:
            problems.append(problem)

    def forgive(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":  # as it lies on disk, in the order of the records
            connection.execute(text("SET LOCAL enable_indexscan TO off"))
            connection.execute(text("SET LOCAL enable_bitmapscan TO off"))
        work.forgive(connection, "W", NOW)
        connection.execute(update(table).values(failing_since=NOW))

    erasing = partial(again, lambda connection: erasure.standing(connection, "W", whos, lock=True))
    threads = [Thread(target=again, args=(forgive,)), *(Thread(target=erasing) for _ in range(2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []


def test_all_waiting_records_of_a_person_go_out_together_oldest_first(shop: Ledger) -> None:
    ids = add_rows(shop, [a(0), a(1), a(0), a(0, due_at=NOW + 60_000)])
    assert claim(shop, grant(shop)) == [(ids[0], ids[2], ids[3]), (ids[1],)]


def test_claimed_work_is_not_claimed_again(shop: Ledger) -> None:
    add_rows(shop, [a(0), a(1)])
    lease = grant(shop)
    assert len(claim(shop, lease, 1)) == 1
    assert len(claim(shop, lease)) == 1
    assert claim(shop, lease) == []


def test_what_asks_for_different_modes_goes_out_one_after_the_other(shop: Ledger) -> None:
    ids = add_rows(shop, [a(0), a(0), a(0, mode="create"), a(0)])
    lease = grant(shop)
    assert claim(shop, lease) == [(ids[0], ids[1])]
    assert claim(shop, lease) == [(ids[2],)]


def test_live_work_goes_first(shop: Ledger) -> None:
    ids = add_rows(shop, [a(0), a(1), a(2, lane=LIVE)])
    lease = grant(shop)
    assert claim(shop, lease, 1) == [(ids[2],)]
    assert claim(shop, lease) == [(ids[0],), (ids[1],)]


def test_without_bulk_only_live_work_goes_out(shop: Ledger) -> None:
    ids = add_rows(shop, [a(0), a(1, lane=LIVE)])
    assert claim(shop, grant(shop), bulk=False) == [(ids[1],)]


def test_a_person_with_a_call_under_way_is_left_alone(shop: Ledger) -> None:
    ids = add_rows(shop, [a(0), a(1)])
    assert claim(shop, grant(shop), busy={"a0@example.com"}) == [(ids[1],)]


def test_many_records_of_a_busy_person_do_not_hide_the_others(shop: Ledger) -> None:
    *_, other = add_rows(shop, [*(a(0) for _ in range(300)), a(1)])
    assert claim(shop, grant(shop), 2, busy={"a0@example.com"}) == [(other,)]


def test_more_records_of_a_person_than_a_statement_takes_are_claimed_in_parts(
    shop: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_MOST", 10)
    ids = add_rows(shop, [a(0) for _ in range(25)])
    lease = grant(shop)
    assert [claim(shop, lease), claim(shop, lease), claim(shop, lease)] == [
        [tuple(ids[:10])],
        [tuple(ids[10:20])],
        [tuple(ids[20:])],
    ]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"due_at": None}, id="not accepted yet"),
        pytest.param({"due_at": NOW + 1}, id="not due yet"),
        pytest.param({"status": "created"}, id="done"),
    ],
)
def test_what_is_not_due_is_not_claimed(shop: Ledger, more: dict[str, Any]) -> None:
    add_rows(shop, [a(0, **more)])
    assert claim(shop, grant(shop)) == []


def test_a_claim_is_no_attempt_yet(shop: Ledger) -> None:
    [record] = add_rows(shop, [a(0, attempts=3)])
    lease = grant(shop)
    claim(shop, lease)
    assert (outcome(shop, record).attempts, outcome(shop, record).claim) == (3, lease.token)


def test_a_late_holder_saves_nothing(shop: Ledger) -> None:
    [record] = add_rows(shop, [a(0)])
    late = grant(shop)
    claim(shop, late)
    new = grant(shop, NOW + TERM)
    claim(shop, new)
    with shop.write() as connection:
        work.save(connection, late, [{**SAVED, "b_id": record, "status": "rejected"}])
    assert outcome(shop, record).status == "waiting"
    with shop.write() as connection:
        work.save(connection, new, [{**SAVED, "b_id": record, "status": "created"}])
    saved = outcome(shop, record)
    assert (saved.status, saved.calls, saved.trail) == ("created", 1, [{"call": "x"}])


def due(ledger: Ledger, now: int = NOW) -> list[str]:
    with ledger.read() as connection:
        return list(work.due_connections(connection, now))


def test_connections_with_live_work_are_first(shop: Ledger) -> None:
    add_tenant(shop, "V")
    add_tenant(shop, "idle")
    add_rows(shop, [a(0), a(0, connection_id="V", lane=LIVE)])
    assert due(shop) == ["V", "W"]


@pytest.mark.parametrize(
    ("budget", "halted", "found"),
    [
        pytest.param(Budget(), None, ["W"], id="open"),
        pytest.param(Budget(), "crisp_credential_refused", [], id="halted"),
        pytest.param(Budget(blocked_until=NOW + 1), None, [], id="paused"),
        pytest.param(Budget(blocked_until=NOW), None, ["W"], id="pause over"),
        pytest.param(Budget(bulk_until=NOW + 1), None, [], id="bulk paused"),
    ],
)
def test_connections_that_may_not_send_are_not_due(
    shop: Ledger, budget: Budget, halted: str | None, found: list[str]
) -> None:
    add_rows(shop, [a(0)])
    with shop.write() as connection:
        quotas.locked(connection, "W")
        quotas.save(connection, "W", budget)
        tenants.halt(connection, "W", halted, NOW)
    assert due(shop) == found


def test_work_that_a_dead_drain_had_in_hand_is_due(shop: Ledger) -> None:
    add_rows(shop, [a(0)])
    claim(shop, grant(shop))
    assert due(shop) == ["W"]


@pytest.mark.parametrize(
    ("lane", "due_at", "budget", "expected"),
    [
        pytest.param(BULK, NOW + 5, Budget(), NOW + 5, id="when due"),
        pytest.param(BULK, NOW - 5, Budget(blocked_until=NOW + 9), NOW + 9, id="when the pause is over"),
        pytest.param(BULK, NOW + 20, Budget(blocked_until=NOW + 9), NOW + 20, id="due after the pause"),
        pytest.param(BULK, NOW, Budget(bulk_until=NOW + 7), NOW + 7, id="bulk waits for bulk"),
        pytest.param(LIVE, NOW, Budget(bulk_until=NOW + 7), NOW, id="live does not"),
        pytest.param(LIVE, None, Budget(), None, id="never by itself"),
    ],
)
def test_when_the_next_record_can_go_out(
    shop: Ledger, lane: int, due_at: int | None, budget: Budget, expected: int | None
) -> None:
    add_rows(shop, [a(0, lane=lane, due_at=due_at)])
    with shop.write() as connection:
        quotas.locked(connection, "W")
        quotas.save(connection, "W", budget)
        assert work.next_due_at(connection, "W") == expected


def test_nothing_goes_out_of_a_halted_connection(shop: Ledger) -> None:
    add_rows(shop, [a(0)])
    with shop.write() as connection:
        tenants.halt(connection, "W", "crisp_credential_refused", NOW)
        assert work.next_due_at(connection, "W") is None


def test_a_record_that_is_being_taken_away_is_not_claimed(shop: Ledger) -> None:
    """The claim waits for the other transaction and looks again."""
    [record] = add_rows(shop, [a(0)])
    lease, claimed = grant(shop), list[tuple[str, ...]]()
    claiming = Thread(target=lambda: claimed.extend(claim(shop, lease)))
    with shop.write() as connection:
        connection.execute(update(table).where(table.c.id == record).values(status="rejected"))
        claiming.start()
        claiming.join(0.3)
        assert claiming.is_alive(), "the claim did not wait"
    claiming.join()
    assert claimed == []
    assert outcome(shop, record).status == "rejected"
