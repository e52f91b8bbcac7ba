"""Erasure: no trace of the person, and totals that still add up."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connector.ledger import DatabaseProblem, Ledger, erasure, people, records, remains, requests, work
from connector.ledger.people import Person
from connector.ledger.tables import metadata
from tests.building import NOW, add_rows, add_tenant, contact, grant, outcome, row

ADA, OTHER = "ada.lovelace@example.com", "bob@example.com"
NAME, PEOPLE_ID, SOURCE_ID = "Ada Countess Lovelace", "people-id-of-ada", "row-of-ada"
TRACES = (ADA, NAME, PEOPLE_ID, SOURCE_ID, "Ada was here", "reason of ada")


def fill(ledger: Ledger) -> list[str]:
    """Everything that the ledger can hold of Ada, and Bob beside her."""
    said = contact(ADA, nickname=NAME, data={"note": "Ada was here"})
    of_ada: dict[str, Any] = {"people_id": PEOPLE_ID, "source_id": SOURCE_ID, "detail": {"reason": "reason of ada"}}
    notes = [{"code": "x", "message": f"{NAME} was dropped"}]
    ids = add_rows(
        ledger,
        [
            row(said, status="created", notes=notes, changed=["nickname"], trail=[{"call": NAME}], **of_ada),
            row(contact(PEOPLE_ID), who=PEOPLE_ID, email=None, status="dead", **of_ada),
            row(said, **of_ada),
            row(contact(OTHER), status="created"),
        ],
    )
    with ledger.write() as connection:
        known = [Person(ADA, PEOPLE_ID, said, {"nickname": 1}), Person(OTHER, "p-2")]
        people.save(connection, "W", known, NOW)
        people.link(connection, "W", "notion", {SOURCE_ID: ADA, "row-of-bob": OTHER})
        for key in ("by record", f"for {ADA}", "shown", "of bob"):
            requests.begin_once(connection, "W", key, "h", NOW)
        requests.made(connection, "W", "by record", record_id=ids[0])
        requests.made(connection, "W", "shown", answer={"email": ADA})
    return ids


def erase(ledger: Ledger, who: str = ADA) -> erasure.Erased:
    with ledger.write(durable=True) as connection:
        return erasure.erase(connection, "W", erasure.standing(connection, "W", {who}).names, asked_at=NOW)


def everything(ledger: Ledger) -> str:
    with ledger.read() as connection:
        rows = [list(connection.execute(text(f'SELECT * FROM "{name}"'))) for name in metadata.tables]
    return repr(rows)


def test_a_person_is_known_by_every_name(shop: Ledger) -> None:
    fill(shop)
    with shop.read() as connection:
        found = [erasure.standing(connection, "W", {who}).names for who in (ADA, PEOPLE_ID, "nobody")]
    assert found == [{ADA, PEOPLE_ID}, {ADA, PEOPLE_ID}, {"nobody"}]


def test_promise_20_no_row_has_a_trace(shop: Ledger) -> None:
    fill(shop)
    assert [trace for trace in TRACES if trace not in everything(shop)] == [], "the search must find what is there"
    assert erase(shop) == erasure.Erased(people=1, records=3, links=1, idempotency_keys=3)
    assert [trace for trace in TRACES if trace in everything(shop)] == []


def test_promise_20_no_file_has_a_trace(shop: Ledger) -> None:
    """PostgreSQL's files are the server's own; SQLite's are rewritten."""
    fill(shop)
    before = _bytes(shop.files())
    assert not shop.is_sqlite or all(trace.encode() in before for trace in TRACES)
    erase(shop)
    shop.forget_deleted()
    after = _bytes(shop.files())
    assert [trace for trace in TRACES if trace.encode() in after] == []


def test_promise_20_copies_that_rows_leave_behind_go_too(copied_sqlite: str) -> None:
    """Deleted without being overwritten, as a row is that was moved to another page."""
    ledger = Ledger(copied_sqlite)
    with closing(sqlite3.connect(ledger.files()[0], isolation_level=None)) as raw:
        raw.execute("PRAGMA secure_delete = OFF")
        raw.execute("INSERT INTO alembic_version VALUES (?)", [ADA])
        raw.execute("DELETE FROM alembic_version WHERE version_num = ?", [ADA])
    assert ADA.encode() in _bytes(ledger.files())
    ledger.forget_deleted()
    assert ADA.encode() not in _bytes(ledger.files())
    ledger.close()


def _bytes(files: list[Path]) -> bytes:
    return b"".join(path.read_bytes() for path in files if path.exists())


def test_everybody_else_stays(shop: Ledger) -> None:
    add_tenant(shop, "V")
    [elsewhere] = add_rows(shop, [row(contact(ADA), "V")])
    ids = fill(shop)
    erase(shop)
    assert outcome(shop, ids[3]).contact == contact(OTHER).flat()
    assert outcome(shop, elsewhere, "V").email == ADA
    with shop.write() as connection:
        assert set(people.by_who(connection, "W", [ADA, OTHER])) == {OTHER, "p-2"}
        assert people.linked(connection, "W", "notion", ["row-of-bob"]) == {"row-of-bob": OTHER}
        assert requests.get_once(connection, "W", "of bob", NOW) is not None


def test_outcomes_keep_their_codes_so_that_totals_add_up(shop: Ledger) -> None:
    ids = fill(shop)
    erase(shop)
    with shop.read() as connection:
        totals = records.totals_of_connection(connection, "W").as_json()
    expected = {"records": 4, "created": 2, "dead": 1, "rejected": 1}
    assert {key: value for key, value in totals.items() if value} == expected
    assert outcome(shop, ids[2]).code == "contact_erased"


def test_what_is_erased_cannot_be_replayed(shop: Ledger) -> None:
    fill(shop)
    erase(shop)
    with shop.write() as connection:
        assert records.replay(connection, "W", [], NOW) == 0


def test_a_record_with_a_call_under_way_is_counted_and_left(shop: Ledger) -> None:
    ids = fill(shop)
    lease = grant(shop)
    with shop.write() as connection:
        assert len(work.claim(connection, lease, 9, NOW, busy=(), bulk=True)) == 1
    with shop.write() as connection:
        assert erasure.standing(connection, "W", {ADA}, lock=True).in_hand == 1
    assert outcome(shop, ids[2]).status == "waiting"


def test_a_drain_that_has_the_person_in_hand_writes_nothing_back(shop: Ledger) -> None:
    ids, saved = fill(shop), dict[str, Any](dict.fromkeys(work._SAVED), alone=False)
    lease = grant(shop)
    with shop.write() as connection:
        work.claim(connection, lease, 9, NOW, busy=(), bulk=True)
    with shop.write() as connection:
        erasure.erase(connection, "W", {ADA, PEOPLE_ID}, asked_at=NOW)
    with shop.write() as connection:
        late = {"b_id": ids[2], "status": "created", "people_id": PEOPLE_ID, "changed": [], "calls": 2, "trail": []}
        work.save(connection, lease, [{**saved, **late}])
    assert (outcome(shop, ids[2]).status, outcome(shop, ids[2]).people_id) == ("rejected", None)


def test_idempotency_keys_go_by_whole_names(shop: Ledger) -> None:
    kept = ("order-4711", f"can{ADA}", f"{ADA}.au", "people", OTHER)
    gone = (ADA.upper(), f"order:{ADA}", f"order-{ADA}-2", f"sync_{ADA}", f"{PEOPLE_ID}/3")
    with shop.write() as connection:
        for key in (*kept, *gone):
            requests.begin_once(connection, "W", key, "h", NOW)
        erasure.erase(connection, "W", {ADA, PEOPLE_ID, "e", "order"}, asked_at=NOW)
        assert [key for key in kept if requests.get_once(connection, "W", key, NOW) is None] == []
        assert [key for key in gone if requests.get_once(connection, "W", key, NOW) is not None] == []


def test_what_came_after_the_erasure_was_asked_for_and_waits_is_a_new_wish(shop: Ledger) -> None:
    said = contact(ADA, nickname=NAME)
    fresh: dict[str, Any] = {"created_at": NOW + 1, "source_id": SOURCE_ID}
    ids = add_rows(shop, [row(said), row(said, **fresh), row(said, status="unchanged", created_at=NOW + 1)])
    with shop.write() as connection:
        people.link(connection, "W", "generic", {SOURCE_ID: ADA, "another": ADA})
        requests.begin_once(connection, "W", f"for {ADA}", "h", NOW)
        requests.made(connection, "W", f"for {ADA}", record_id=ids[1])
        assert erasure.erase(connection, "W", {ADA}, asked_at=NOW, now=NOW + 2) == erasure.Erased(0, 2, 1, 0)
        assert people.linked(connection, "W", "generic", [SOURCE_ID, "another"]) == {SOURCE_ID: ADA}
        assert requests.get_once(connection, "W", f"for {ADA}", NOW) is not None
    statuses = [(outcome(shop, each).status, outcome(shop, each).who) for each in ids]
    assert statuses == [("rejected", None), ("waiting", ADA), ("unchanged", None)]
    assert outcome(shop, ids[0]).finished_at == NOW + 2


def test_every_delivery_changes_how_a_person_stands(shop: Ledger) -> None:
    fill(shop)

    def standing() -> erasure.Standing:
        with shop.write() as connection:
            return erasure.standing(connection, "W", {ADA}, lock=True)

    before, lease = standing(), grant(shop)
    assert before == standing()
    add_rows(shop, [row(contact(ADA))])
    assert before == standing(), "what only waits is no delivery"
    with shop.write() as connection:
        [group] = work.claim(connection, lease, 9, NOW, busy=(), bulk=True)
    assert (standing().in_hand, before.in_hand) == (2, 0)
    released = dict[str, Any](
        dict.fromkeys(work._SAVED), alone=False, status="waiting", changed=[], calls=1, trail=[], attempts=1
    )
    with shop.write() as connection:
        work.save(connection, lease, [{**released, "b_id": each.id} for each in group.rows])
    assert standing().in_hand == 0
    assert standing() != before


def test_a_cleaning_that_cannot_be_done_is_owed_until_it_is(shop: Ledger) -> None:
    """By any process: it is written in the file."""
    if not shop.is_sqlite:
        shop.forget_deleted()
        shop.clean_up()
        return
    file = shop.files()[0]
    fill(shop)
    assert not remains.owed(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM people").fetchone()
        erase(shop)
        with pytest.raises(DatabaseProblem, match="as soon as they can"):
            shop.forget_deleted(patience=0.1)
    assert remains.owed(file)
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseProblem, match="busy"):
            shop.forget_deleted(patience=0.1)
        writer.execute("ROLLBACK")
    with pytest.raises(DatabaseProblem, match="large"):
        shop.forget_deleted(largest=1_000)
    later = Ledger(shop.url.render_as_string())
    later.clean_up()
    later.close()
    assert not remains.owed(file)
    assert [trace for trace in TRACES if trace.encode() in _bytes(shop.files())] == []


def test_an_erasure_that_is_rolled_back_owes_nothing(shop: Ledger) -> None:
    fill(shop)
    with suppress(KeyError), shop.write() as connection:
        erasure.erase(connection, "W", {ADA}, asked_at=NOW)
        raise KeyError
    assert not shop.is_sqlite or not remains.owed(shop.files()[0])
