"""Requests remembered: idempotency keys, imports on their way in, saved mappings."""

from contextlib import suppress
from threading import Barrier, Thread
from typing import Any

import pytest

from connector.ledger import Ledger, importing, records, requests
from connector.ledger.requests import IDEMPOTENCY_KEPT
from tests.building import NOW, add_rows, add_tenant, contact, outcome, row

DAY = IDEMPOTENCY_KEPT


def begin(ledger: Ledger, key: str = "k", hashed: str = "h", now: int = NOW, connection_id: str = "W") -> str | None:
    """None when the key was new, else the hash of the request that had it."""
    with ledger.write() as connection:
        first = requests.begin_once(connection, connection_id, key, hashed, now)
        return None if first is None else str(first.request_hash)


def test_a_key_is_taken_once(shop: Ledger) -> None:
    assert [begin(shop, hashed="first"), begin(shop, hashed="second")] == [None, "first"]


def test_a_key_belongs_to_its_connection(shop: Ledger) -> None:
    add_tenant(shop, "V")
    assert [begin(shop), begin(shop, connection_id="V")] == [None, None]


def test_what_the_first_request_made_is_remembered(shop: Ledger) -> None:
    begin(shop)
    with shop.write() as connection:
        requests.made(connection, "W", "k", record_id="r", answer={"status": "created"})
        first = requests.begin_once(connection, "W", "k", "h", NOW)
        assert first is not None
        assert (first.record_id, first.import_id, first.answer) == ("r", None, {"status": "created"})


@pytest.mark.parametrize(("age", "kept"), [(DAY - 1, True), (DAY, False)], ids=["a day less a moment", "a day"])
def test_a_key_is_kept_for_a_day(shop: Ledger, age: int, *, kept: bool) -> None:
    begin(shop)
    with shop.write() as connection:
        assert (requests.get_once(connection, "W", "k", NOW + age) is not None) == kept
    assert (begin(shop, now=NOW + age) is not None) == kept


@pytest.mark.parametrize(("age", "purged"), [(DAY - 1, 0), (DAY, 1)], ids=["a day less a moment", "a day"])
def test_purging_takes_what_is_older_than_a_day(shop: Ledger, age: int, purged: int) -> None:
    begin(shop)
    with shop.write() as connection:
        assert requests.purge(connection, NOW + age) == purged


def test_of_requests_at_the_same_moment_one_is_first(shop: Ledger) -> None:
    barrier, found = Barrier(6), list[str | None]()

    def request(n: int) -> None:
        barrier.wait()
        found.append(begin(shop, hashed=str(n)))

    threads = [Thread(target=request, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count(None) == 1
    assert len(set(found)) == 2


def test_a_key_is_free_again_when_its_request_failed(shop: Ledger) -> None:
    with suppress(KeyError), shop.write() as connection:
        requests.begin_once(connection, "W", "k", "h", NOW)
        raise KeyError
    assert begin(shop) is None


@pytest.fixture
def opened(shop: Ledger) -> list[str]:
    """Two records of the import `i`, which is not sealed: one waits, one was rejected."""
    opened = {"id": "i", "connection_id": "W", "source": "csv", "mode": "upsert", "records": 0, "notes": []}
    with shop.write() as connection:
        importing.open_import(connection, {**opened, "created_at": NOW})
    more: dict[str, Any] = {"import_id": "i", "due_at": None}
    return add_rows(shop, [row(contact("a@example.com"), **more), row(None, **more)])


def test_an_import_is_due_and_listed_only_when_all_of_it_is_accepted(shop: Ledger, opened: list[str]) -> None:
    with shop.write() as connection:
        assert importing.list_imports(connection, "W", before=None, limit=9) == []
        importing.seal_import(connection, "i", 2, NOW + 5, notes=[{"code": "n"}])
        [listed] = importing.list_imports(connection, "W", before=None, limit=9)
    assert (listed.id, listed.records, listed.accepted_at, listed.notes) == ("i", 2, NOW + 5, [{"code": "n"}])
    assert [outcome(shop, each).due_at for each in opened] == [NOW + 5, None]


@pytest.mark.parametrize(("before", "dropped"), [(NOW, 0), (NOW + 1, 1)], ids=["young", "old"])
def test_an_import_that_nobody_finished_sending_is_dropped(
    shop: Ledger, opened: list[str], before: int, dropped: int
) -> None:
    with shop.write() as connection:
        assert importing.drop_unsealed(connection, before) == dropped
        left = [records.get(connection, "W", each) for each in opened]
    assert left.count(None) == 2 * dropped


def test_an_accepted_import_is_never_dropped(shop: Ledger, opened: list[str]) -> None:
    with shop.write() as connection:
        importing.seal_import(connection, "i", 2, NOW)
        assert importing.drop_unsealed(connection, NOW + DAY) == 0
    assert outcome(shop, opened[0]).status == "waiting"


def test_the_pace_counts_what_calls_delivered(shop: Ledger, opened: list[str]) -> None:
    done: dict[str, Any] = {"import_id": "i", "status": "created", "attempts": 1}
    # What a batch tells many is one call, which counts with one of them.
    add_rows(
        shop, [row(contact(f"p{n}@example.com"), **done, calls=n // 20, finished_at=NOW + n) for n in (10, 20, 30)]
    )
    add_rows(shop, [row(contact("q@example.com"), import_id="i", status="unchanged", finished_at=NOW + 99)])
    with shop.read() as connection:
        assert importing.pace(connection, "i") == (3, NOW + 10, NOW + 30)


def test_imports_belong_to_their_connection(shop: Ledger, opened: list[str]) -> None:
    add_tenant(shop, "V")
    with shop.read() as connection:
        assert importing.get_import(connection, "V", "i") is None
        assert importing.get_import(connection, "W", "i") is not None


def test_mappings_are_saved_by_name(shop: Ledger) -> None:
    with shop.write() as connection:
        requests.save_mapping(connection, "W", "b", {"email": "Mail"}, NOW)
        requests.save_mapping(connection, "W", "a", {"email": ["x", "y"]}, NOW)
        requests.save_mapping(connection, "W", "b", {"email": "Courriel"}, NOW)
        assert [each.name for each in requests.list_mappings(connection, "W")] == ["a", "b"]
        assert requests.get_mapping(connection, "W", "b") == {"email": "Courriel"}
        assert [requests.remove_mapping(connection, "W", "b") for _ in range(2)] == [True, False]
        assert requests.get_mapping(connection, "W", "b") is None
