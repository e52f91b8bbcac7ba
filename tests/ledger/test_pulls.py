"""Pulls: one holder at a time, whose every word is fenced; when they are due; the import that they fill."""

import pytest

from connector.ledger import Ledger, importing, inbounds, pulls
from connector.ledger.inbounds import Address
from connector.ledger.pulls import TERM, Hold, PullLost
from tests.building import NOW

ONE = "0" * 32
IMPORT = "1" * 32


@pytest.fixture
def held(shop: Ledger) -> Hold:
    """A pull of an address, in somebody's hands."""
    with shop.write() as connection:
        inbounds.add(connection, Address(ONE, "W", "hubspot", "HubSpot", b"", b"", {}, {}, NOW))
    found = taken(shop, "first", NOW)
    assert found is not None
    return found


def taken(shop: Ledger, holder: str, now: int) -> Hold | None:
    with shop.write() as connection:
        return pulls.take(connection, "W", ONE, holder, now)


def test_nobody_else_has_it_until_its_time_runs_out(shop: Ledger, held: Hold) -> None:
    assert taken(shop, "another", NOW + TERM - 1) is None
    found = taken(shop, "another", NOW + TERM)
    assert found is not None
    assert found.token == held.token + 1


def test_who_is_too_late_writes_nothing(shop: Ledger, held: Hold) -> None:
    taken(shop, "another", NOW + TERM)
    with shop.write() as connection, pytest.raises(PullLost):
        pulls.save(connection, held, NOW, pages=7)
    with shop.write() as connection:
        pulls.release(connection, held)
        row = pulls.get(connection, ONE)
    assert row is not None
    assert (row.holder, row.pages) == ("another", 0)


def test_the_cursor_is_kept_as_it_is_and_none_is_none(shop: Ledger, held: Hold) -> None:
    for cursor in ([0, "next"], "text", 7, None):
        with shop.write() as connection:
            pulls.save(connection, held, NOW, cursor=cursor)
            row = pulls.get(connection, ONE)
        assert row is not None
        assert row.cursor == cursor


def test_what_is_let_go_is_free_at_once(shop: Ledger, held: Hold) -> None:
    with shop.write() as connection:
        pulls.release(connection, held)
    assert taken(shop, "another", NOW) is not None


def test_an_address_that_is_gone_takes_its_pull_with_it(shop: Ledger, held: Hold) -> None:
    with shop.write() as connection:
        inbounds.remove(connection, "W", ONE)
    with shop.write() as connection, pytest.raises(PullLost):
        pulls.save(connection, held, NOW)


def test_when_it_is_due(shop: Ledger, held: Hold) -> None:
    with shop.write() as connection:
        pulls.schedule(connection, "W", ONE, NOW + 10)
        assert pulls.due(connection, NOW + 9) == []
        assert [row.inbound_id for row in pulls.due(connection, NOW + 10)] == [ONE]
        pulls.begin(connection, held, NOW + 10, import_id=IMPORT, since=None)
        pulls.schedule(connection, "W", ONE, None)
        assert pulls.due(connection, NOW + 10), "what is under way goes on as it does"
        pulls.stop(connection, ONE, "source_missing")
        assert pulls.due(connection, NOW + 10) == []


def test_the_import_that_it_fills_stays_until_it_ends(shop: Ledger, held: Hold) -> None:
    row = {"id": IMPORT, "connection_id": "W", "source": "hubspot", "mode": "upsert", "records": 0, "notes": []}
    note = {"level": "info", "field": "created_at", "code": "field_not_written"}
    with shop.write() as connection:
        pulls.begin(connection, held, NOW, import_id=IMPORT, since=None)
        importing.open_import(connection, {**row, "created_at": NOW})
        for count in (1, 2):
            assert importing.fills(connection, IMPORT, count, [note])
        found = importing.get_import(connection, "W", IMPORT)
        assert found is not None
        assert (found.records, found.notes) == (2, [note])
        assert importing.drop_unsealed(connection, NOW + TERM) == 0
        pulls.save(connection, held, NOW, ended_at=NOW)
        assert importing.drop_unsealed(connection, NOW + TERM) == 1
        assert not importing.fills(connection, IMPORT, 3, [])
