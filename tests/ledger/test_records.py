"""Every record ever accepted, and sums that must add up."""

from typing import Any

import pytest
from sqlalchemy import delete, select, text

from connector.ledger import Ledger, importing, records
from connector.ledger.records import IdentityBroken, Totals
from connector.ledger.tables import records as table
from tests.building import NOW, add_rows, add_tenant, contact, outcome, row

STATUSES = ("created", "updated", "unchanged", "superseded", "rejected", "dead", "waiting")


def an_import(ledger: Ledger, statuses: tuple[str, ...], import_id: str = "i") -> list[str]:
    opened = {"id": import_id, "connection_id": "W", "source": "csv", "mode": "upsert", "records": 0, "notes": []}
    with ledger.write() as connection:
        importing.open_import(connection, {**opened, "created_at": NOW})
    ids = add_rows(
        ledger,
        [
            row(contact(f"p{n}@example.com"), import_id=import_id, row=n + 1, status=status, calls=n)
            for n, status in enumerate(statuses)
        ],
    )
    with ledger.write() as connection:
        importing.seal_import(connection, import_id, len(statuses), NOW)
    return ids


def test_totals_add_up(shop: Ledger) -> None:
    an_import(shop, (*STATUSES, "created"))
    with shop.read() as connection:
        found = records.totals(connection, "i").as_json()
    assert found == {"records": 8, **dict.fromkeys(STATUSES, 1), "created": 2, "calls": sum(range(8))}


def test_a_row_that_went_missing_is_not_overlooked(shop: Ledger) -> None:
    lost, *_ = an_import(shop, ("created", "waiting"))
    with shop.write() as connection:
        connection.execute(delete(table).where(table.c.id == lost))
        with pytest.raises(IdentityBroken, match="2 records in"):
            records.totals(connection, "i")


def test_a_row_that_is_there_twice_is_not_overlooked(shop: Ledger) -> None:
    an_import(shop, ("created",))
    add_rows(shop, [row(contact("p0@example.com"), import_id="i", status="created")])
    with shop.read() as connection, pytest.raises(IdentityBroken, match="1 records in"):
        records.totals(connection, "i")


def test_totals_of_a_connection_are_all_its_records_and_no_others(shop: Ledger) -> None:
    add_tenant(shop, "V")
    an_import(shop, ("created", "dead"))
    add_rows(shop, [row(contact("x@example.com"), status="created"), row(contact("y@example.com"), "V")])
    with shop.read() as connection:
        assert records.totals_of_connection(connection, "W") == Totals(3, {"created": 2, "dead": 1}, 1)


def test_records_page_newest_first(shop: Ledger) -> None:
    ids = add_rows(shop, [row(contact(f"p{n}@example.com")) for n in range(5)])
    with shop.read() as connection:
        first = records.newest(connection, "W", before=None, limit=2)
        second = records.newest(connection, "W", before=first[-1].id, limit=9)
    assert [each.id for each in (*first, *second)] == ids[::-1]


def test_an_imports_records_page_in_the_order_of_its_rows(shop: Ledger) -> None:
    ids = an_import(shop, ("created", "dead", "created", "dead"))
    with shop.read() as connection:
        dead = records.of_import(connection, "i", after=0, limit=9, status="dead")
        rest = records.of_import(connection, "i", after=2, limit=1, status=None)
    assert [each.id for each in dead] == [ids[1], ids[3]]
    assert [each.id for each in rest] == [ids[2]]


def test_who_still_has_something_waiting(shop: Ledger) -> None:
    add_rows(shop, [row(contact("a@example.com")), row(contact("b@example.com"), status="created")])
    with shop.read() as connection:
        assert records.open_whos(connection, "W", ["a@example.com", "b@example.com"]) == {"a@example.com"}


@pytest.mark.parametrize(
    ("more", "again"),
    [
        pytest.param({"status": "dead", "code": "crisp_failed"}, True, id="given up"),
        pytest.param({"status": "rejected", "code": "crisp_refused"}, True, id="refused by Crisp"),
        pytest.param({"status": "created"}, False, id="delivered"),
        pytest.param({"status": "rejected", "contact": None}, False, id="without a contact"),
        pytest.param({"status": "rejected", "who": None}, False, id="of nobody"),
    ],
)
def test_replay_takes_what_can_be_sent_again(shop: Ledger, more: dict[str, Any], *, again: bool) -> None:
    [record] = add_rows(shop, [row(contact("a@example.com"), finished_at=NOW, due_at=None, attempts=4, **more)])
    with shop.write() as connection:
        assert records.replay(connection, "W", [], NOW + 5) == again
    after = outcome(shop, record)
    assert (after.status == "waiting", after.due_at == NOW + 5, after.attempts == 0) == (again,) * 3


def test_nothing_is_stored_as_a_null_of_sql(shop: Ledger) -> None:
    """JSON's own null would not be found by IS NULL."""
    [record] = add_rows(shop, [row(None)])
    with shop.read() as connection:
        found = connection.execute(select(table.c.id).where(table.c.contact.is_(None), table.c.detail.is_(None)))
        assert list(found.scalars()) == [record]


def test_odd_text_comes_back_as_it_was(shop: Ledger) -> None:
    said = contact("a@example.com", nickname="Zoë 🚀 'quoted\" \\ \u202e", data={"n": 1.5, "t": True, "x": None})
    [record] = add_rows(shop, [row(said)])
    assert outcome(shop, record).contact == said.flat()
    with shop.read() as connection:
        stored = connection.scalar(text("SELECT CAST(contact AS TEXT) FROM records"))
    assert "Zoë 🚀" in str(stored)
