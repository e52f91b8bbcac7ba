"""Imports in the ledger: begun once, held, stopped and sent again, whatever is in hand meanwhile."""

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select

from connector.ids import new_id
from connector.ledger import Ledger, importing, leases, records, work
from connector.ledger.leases import TERM
from connector.ledger.tables import imports
from connector.ledger.tables import records as table
from tests.building import NOW, add_rows, add_tenant, contact, grant, outcome, row

LATER = NOW + TERM + 1


def opened(ledger: Ledger, connection_id: str = "W", **more: Any) -> str:
    """An import that is not accepted yet."""
    made = {"id": new_id(), "connection_id": connection_id, "source": "csv", "mode": "upsert", "records": 0}
    made |= {"notes": [], "created_at": NOW}
    with ledger.write() as connection:
        importing.open_import(connection, {**made, **more})
    return str(made["id"])


def accepted(ledger: Ledger, count: int, *, limit: int | None = None) -> tuple[str, list[str]]:
    """An import of so many people, and its records."""
    import_id = opened(ledger)
    rows = [row(contact(f"a{n}@example.com"), import_id=import_id, row=n, due_at=None) for n in range(1, count + 1)]
    ids = add_rows(ledger, rows)
    with ledger.write() as connection:
        importing.seal_import(connection, import_id, count, NOW, limit=limit)
    return import_id, ids


def in_hand(ledger: Ledger, count: int) -> leases.Lease:
    """The lease of a drain that has claimed the first so many."""
    lease = grant(ledger)
    with ledger.write() as connection:
        groups = work.claim(connection, lease, count, NOW, busy=(), bulk=True)
    assert len(groups) == count
    return lease


def given_back(ledger: Ledger, lease: leases.Lease, record_id: str) -> None:
    """A drain saves a record that waits again, as its turn does."""
    saved: dict[str, Any] = {
        **dict.fromkeys(work._SAVED),
        "alone": False,
        "changed": [],
        "calls": 1,
        "trail": [],
        "attempts": 1,
    }
    with ledger.write() as connection:
        work.save(connection, lease, [{**saved, "b_id": record_id, "status": "waiting", "due_at": NOW + 500}])
        importing.hold(connection, [record_id], NOW + 100)


def states(ledger: Ledger, ids: list[str]) -> list[tuple[str, bool, bool]]:
    """Of each record: its status, whether it is due some time, and whether somebody has it in hand."""
    found = (outcome(ledger, each) for each in ids)
    return [(each.status, each.due_at is not None, each.claim is not None) for each in found]


DUE, HELD, IN_HAND = ("waiting", True, False), ("waiting", False, False), ("waiting", True, True)
CANCELLED = ("rejected", False, False)


def stop(ledger: Ledger, what: str, import_id: str) -> None:
    with ledger.write() as connection:
        if what == "pause":
            importing.pause(connection, "W", import_id)
        elif what == "cancel":
            importing.cancel(connection, "W", import_id, NOW)
        else:
            importing.resume(connection, "W", import_id, NOW)


LIMITS = [(None, [DUE, DUE, DUE]), (1, [DUE, HELD, HELD]), (3, [DUE] * 3), (10**30, [DUE] * 3)]


@pytest.mark.parametrize(("limit", "expected"), LIMITS, ids=["none", "one", "all", "far more"])
def test_a_limit_holds_those_behind_it(shop: Ledger, limit: int | None, expected: list[Any]) -> None:
    _, ids = accepted(shop, 3, limit=limit)
    assert states(shop, ids) == expected


STOPPED = [("pause", HELD), ("cancel", CANCELLED)]
each_stop = pytest.mark.parametrize(("what", "then"), STOPPED, ids=[each[0] for each in STOPPED])


@each_stop
def test_what_is_free_stops_and_what_is_in_hand_does_not(shop: Ledger, what: str, then: Any) -> None:
    import_id, ids = accepted(shop, 3)
    in_hand(shop, 1)
    stop(shop, what, import_id)
    assert states(shop, ids) == [IN_HAND, then, then]


@each_stop
def test_what_comes_back_undone_stops_too(shop: Ledger, what: str, then: Any) -> None:
    import_id, ids = accepted(shop, 2)
    lease = in_hand(shop, 2)
    stop(shop, what, import_id)
    given_back(shop, lease, ids[0])
    assert states(shop, ids) == [then, IN_HAND]
    assert outcome(shop, ids[0]).code == ("import_cancelled" if what == "cancel" else None)


@each_stop
def test_what_a_killed_drain_had_in_hand_stops_too(shop: Ledger, what: str, then: Any) -> None:
    import_id, ids = accepted(shop, 2)
    in_hand(shop, 2)
    stop(shop, what, import_id)
    grant(shop, LATER, "another drain")
    assert states(shop, ids) == [then, then]


def test_what_a_killed_drain_had_in_hand_goes_on_else(shop: Ledger) -> None:
    _, ids = accepted(shop, 2)
    in_hand(shop, 2)
    grant(shop, LATER, "another drain")
    assert states(shop, ids) == [DUE, DUE]


def test_what_comes_back_within_the_limit_goes_out_again(shop: Ledger) -> None:
    _, ids = accepted(shop, 3, limit=1)
    given_back(shop, in_hand(shop, 1), ids[0])
    assert states(shop, ids) == [DUE, HELD, HELD]


def test_resuming_lets_all_go(shop: Ledger) -> None:
    import_id, ids = accepted(shop, 3, limit=1)
    lease = in_hand(shop, 1)
    stop(shop, "pause", import_id)
    stop(shop, "resume", import_id)
    assert states(shop, ids) == [IN_HAND, DUE, DUE]
    given_back(shop, lease, ids[0])
    assert states(shop, ids) == [DUE, DUE, DUE]


def test_records_of_others_are_not_stopped(shop: Ledger) -> None:
    import_id, ids = accepted(shop, 1)
    _, others = accepted(shop, 1)
    (alone,) = add_rows(shop, [row(contact("alone@example.com"))])
    stop(shop, "cancel", import_id)
    assert states(shop, [*ids, *others, alone]) == [CANCELLED, DUE, DUE]


def test_an_import_moves_while_something_is_due_or_in_hand(shop: Ledger) -> None:
    import_id, ids = accepted(shop, 2, limit=1)

    def moves() -> bool:
        with shop.read() as connection:
            return importing.moves(connection, "W", import_id)

    assert moves()
    lease = in_hand(shop, 1)
    assert moves()
    stop(shop, "pause", import_id)
    assert moves(), "it is still on its way"
    given_back(shop, lease, ids[0])
    assert not moves()


class TestReplay:
    """Cancelled imports, of which something is sent again."""

    def replayed(self, ledger: Ledger, **conditions: Any) -> int:
        chosen = records.chosen(**conditions)
        with ledger.write() as connection:
            importing.revive(connection, "W", chosen)
            return records.replay(connection, "W", chosen, NOW)

    def held(self, ledger: Ledger, import_id: str) -> tuple[int | None, int | None]:
        with ledger.read() as connection:
            found = importing.get_import(connection, "W", import_id)
        assert found is not None
        return found.held_from, found.cancelled_at

    def test_a_cancelled_import_goes_on(self, shop: Ledger) -> None:
        import_id, ids = accepted(shop, 2)
        stop(shop, "cancel", import_id)
        assert self.replayed(shop, import_id=import_id) == 2
        assert self.held(shop, import_id) == (None, None)
        given_back(shop, in_hand(shop, 1), ids[0])
        assert states(shop, ids) == [DUE, DUE], "what comes back is not cancelled again"

    def test_another_cancelled_import_stays_so(self, shop: Ledger) -> None:
        (first, _), (second, others) = accepted(shop, 1), accepted(shop, 1)
        for import_id in (first, second):
            stop(shop, "cancel", import_id)
        self.replayed(shop, import_id=first)
        assert self.held(shop, second) == (0, NOW)
        assert states(shop, others) == [CANCELLED]

    def test_a_paused_import_stays_paused(self, shop: Ledger) -> None:
        import_id, _ = accepted(shop, 2, limit=1)
        self.replayed(shop, import_id=import_id)
        assert self.held(shop, import_id) == (2, None)


class TestOnce:
    """The same import, asked for again."""

    def begun(self, ledger: Ledger, connection_id: str = "W", **more: Any) -> str | None:
        """The id of the import that is there already."""
        made = {"id": new_id(), "connection_id": connection_id, "source": "csv", "mode": "upsert", "records": 0}
        made |= {"notes": [], "created_at": NOW, "touched_at": NOW, "fingerprint": "f" * 64}
        with ledger.write() as connection:
            same = importing.open_once(connection, {**made, **more})
        return None if same is None else str(same.id)

    def test_is_the_one_that_is_there(self, shop: Ledger) -> None:
        first = new_id()
        assert self.begun(shop, id=first) is None
        assert self.begun(shop) == first

    def test_is_another_when_it_is_another(self, shop: Ledger) -> None:
        add_tenant(shop, "V")
        assert self.begun(shop) is None
        assert self.begun(shop, fingerprint="e" * 64) is None
        assert self.begun(shop, "V") is None
        assert opened(shop), "one without a fingerprint is like no other"

    def test_may_be_begun_again_when_the_first_was_let_go(self, shop: Ledger) -> None:
        first = new_id()
        self.begun(shop, id=first)
        with shop.write() as connection:
            importing.release(connection, first)
        assert self.begun(shop) is None


def left(ledger: Ledger) -> tuple[set[str], int]:
    """The imports that there are, and how many records."""
    with ledger.read() as connection:
        ids = set(connection.scalars(select(imports.c.id)))
        return ids, len(connection.execute(select(table.c.id)).all())


UNSEALED: list[tuple[str, dict[str, Any], bool]] = [
    ("old", {}, True),
    ("old, but it still comes in", {"touched_at": NOW + 10}, False),
    ("old, and nobody touches it any more", {"touched_at": NOW + 4}, True),
    ("new", {"created_at": NOW + 10}, False),
    ("accepted", {"accepted_at": NOW}, False),
]


@pytest.mark.parametrize(("about", "goes"), [each[1:] for each in UNSEALED], ids=[each[0] for each in UNSEALED])
def test_what_nobody_finished_sending_goes_with_its_records(shop: Ledger, about: dict[str, Any], goes: bool) -> None:
    import_id = opened(shop, **about)
    add_rows(shop, [row(contact("a@example.com"), import_id=import_id, due_at=None)])
    with shop.write() as connection:
        assert importing.drop_unsealed(connection, NOW + 5) == int(goes)
    assert left(shop) == ((set(), 0) if goes else ({import_id}, 1))


def test_only_the_one_that_was_asked_for_goes(shop: Ledger) -> None:
    first, second = opened(shop), opened(shop)
    with shop.write() as connection:
        importing.drop_unsealed(connection, NOW + 5, import_id=first)
    assert left(shop) == ({second}, 0)


def begun(act: Callable[[], None]) -> Thread:
    """Somebody else who does this meanwhile, and has come as far as it can."""
    thread = Thread(target=act)
    thread.start()
    time.sleep(0.2)
    return thread


def test_one_that_is_just_being_accepted_is_not_taken_for_dead(shop: Ledger) -> None:
    import_id = opened(shop, touched_at=NOW)
    add_rows(shop, [row(contact("a@example.com"), import_id=import_id, due_at=None)])

    def drop() -> None:
        with shop.write() as other:
            importing.drop_unsealed(other, NOW + 60_000, import_id=import_id)

    with shop.write(durable=True) as connection:
        importing.seal_import(connection, import_id, 1, NOW)
        dropping = begun(drop)
    dropping.join(20)
    assert left(shop) == ({import_id}, 1)


def test_an_import_that_was_dropped_is_not_touched(shop: Ledger) -> None:
    import_id = opened(shop)
    with shop.write() as connection:
        assert importing.touch(connection, import_id, NOW)
        importing.drop_import(connection, import_id)
        assert not importing.touch(connection, import_id, NOW)
