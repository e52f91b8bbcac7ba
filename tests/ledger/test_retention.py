"""Retention: old finished records lose what they said, others keep it, and totals still add up."""

from typing import Any

import pytest
from sqlalchemy import text

from connector.ledger import Ledger, people, records, retention
from connector.ledger.people import Person
from connector.ledger.retention import DAY, Retention
from connector.ledger.tables import metadata
from tests.building import NOW, add_rows, add_tenant, contact, outcome, row

DAYS = 30
LATER = NOW + DAYS * DAY
ADA = "ada@example.com"
TRACES = ("ada@example.com", "Countess", "people-of-ada", "row-of-ada", "reason of ada", "phone of ada", "/who/ada")
BODY: dict[str, Any] = {
    "people_id": "people-of-ada",
    "source_id": "row-of-ada",
    "detail": {"reason": "reason of ada"},
    "notes": [{"level": "warning", "field": "phone", "code": "phone_dropped", "message": "phone of ada"}],
    "changed": ["nickname"],
    "trail": [{"at": NOW, "call": "/who/ada"}],
    "finished_at": NOW,
    "calls": 2,
}


def of_ada(**more: Any) -> dict[str, Any]:
    return row(contact(ADA, nickname="Countess"), **{**BODY, **more})


def everything(ledger: Ledger) -> str:
    with ledger.read() as connection:
        return repr([list(connection.execute(text(f'SELECT * FROM "{name}"'))) for name in metadata.tables])


def sweep(ledger: Ledger, now: int = LATER + 1, days: int = DAYS) -> int:
    return retention.sweep(ledger, Retention(days), now)


FINISHED = ("created", "updated", "unchanged", "superseded", "rejected")


@pytest.mark.parametrize("status", FINISHED)
def test_an_old_finished_record_keeps_its_code_and_its_counts(shop: Ledger, status: str) -> None:
    [record_id] = add_rows(shop, [of_ada(status=status, code="some_code")])
    with shop.read() as connection:
        before = records.totals_of_connection(connection, "W")
    assert [trace for trace in TRACES if trace not in everything(shop)] == [], "the search must find what is there"
    assert sweep(shop) == 1
    assert [trace for trace in TRACES if trace in everything(shop)] == []
    kept = outcome(shop, record_id)
    assert (kept.status, kept.code, kept.calls, kept.source) == (status, "some_code", 2, "generic")
    assert (kept.notes, kept.changed, kept.trail, kept.contact) == ([], [], [], None)
    with shop.read() as connection:
        assert records.totals_of_connection(connection, "W") == before


@pytest.mark.parametrize("status", ["waiting", "dead"])
def test_what_is_still_to_be_delivered_keeps_what_it_says(shop: Ledger, status: str) -> None:
    add_rows(shop, [of_ada(status=status)])
    before = everything(shop)
    assert sweep(shop, LATER * 2) == 0
    assert everything(shop) == before


@pytest.mark.parametrize(("now", "days", "count"), [(LATER, DAYS, 0), (LATER + 1, DAYS, 1), (LATER * 9, 0, 0)])
def test_not_before_its_time_and_never_with_0(shop: Ledger, now: int, days: int, count: int) -> None:
    add_rows(shop, [of_ada(status="created")])
    assert sweep(shop, now, days) == count


def test_a_delivered_record_counts_from_its_end_and_a_rejected_one_from_its_coming(shop: Ledger) -> None:
    late = {"created_at": NOW, "finished_at": LATER}
    ids = add_rows(shop, [of_ada(status=status, **late) for status in ("updated", "rejected")])
    assert sweep(shop) == 1
    assert [outcome(shop, each).contact is None for each in ids] == [False, True]


def test_a_walk_goes_on_where_it_stopped_and_begins_again_after_a_rest(
    shop: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_CHUNKS", 1)
    [dead] = add_rows(shop, [of_ada(status="dead")])
    add_rows(shop, [of_ada(status="created") for _ in range(retention.CHUNK + 10)])
    kept, now = Retention(DAYS), LATER + 1
    assert [retention.sweep(shop, kept, now) for _ in range(3)] == [retention.CHUNK - 1, 11, 0]
    with shop.write() as connection:
        assert records.replay(connection, "W", records.chosen(ids=[dead]), now) == 1
        done = text("UPDATE records SET status = 'updated', finished_at = :at WHERE id = :id")
        connection.execute(done, {"at": NOW, "id": dead})
    assert retention.sweep(shop, kept, now + 60_000) == 0, "it rests"
    assert retention.sweep(shop, kept, now + 3_600_000) == 1


def test_what_is_too_new_ends_the_walk(shop: Ledger) -> None:
    new = {"created_at": LATER, "finished_at": LATER}
    add_rows(shop, [of_ada(status="created"), *[of_ada(status="created", **new) for _ in range(3)]])
    with shop.write() as connection:
        first, after = retention.drop_bodies(connection, NOW + 1, limit=2)
        assert (first, after) == (1, None)


def test_every_connection_is_swept(shop: Ledger) -> None:
    add_tenant(shop, "V")
    add_rows(shop, [of_ada(status="created"), of_ada(status="created", connection_id="V")])
    assert sweep(shop) == 2


def test_a_dead_record_that_is_replayed_undoes_nothing_that_was_forgotten(shop: Ledger) -> None:
    """Without the forgotten delivery, its nickname would seem to be of no time, and lose to the older one."""
    said = contact(ADA, nickname="Older")
    [dead] = add_rows(shop, [row(said, status="dead", finished_at=NOW)])
    newer: dict[str, Any] = {"created_at": NOW + 5, "finished_at": NOW + 6, "people_id": "p-1"}
    add_rows(shop, [row(contact(ADA, nickname="Newer"), status="updated", **newer)])
    with shop.write() as connection:
        people.save(connection, "W", [Person(ADA, "p-1", contact(ADA, nickname="Newer"))], NOW)
    assert sweep(shop, LATER + 10) == 1
    with shop.write() as connection:
        assert people.by_who(connection, "W", [ADA])[ADA].times == {"nickname": NOW + 5}
        assert records.replay(connection, "W", records.chosen(ids=[dead]), LATER) == 1
    assert outcome(shop, dead).at == NOW, "it counts as of when it came, and the nickname is newer"


def test_a_rejected_record_that_was_emptied_cannot_be_replayed(shop: Ledger) -> None:
    [record_id] = add_rows(shop, [of_ada(status="rejected")])
    sweep(shop)
    with shop.write() as connection:
        chosen = records.chosen(ids=[record_id])
        assert records.replay(connection, "W", chosen, LATER) == 0
        assert records.beyond_replay(connection, "W", chosen) == 1
