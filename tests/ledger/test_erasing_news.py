"""Erasing what was told of a person: events, deliveries, conversations, and what is not understood yet."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, select

from connector.ids import new_id
from connector.ledger import Ledger, deliveries, erasure, events, hooks
from connector.ledger import tables as t
from tests.building import NOW
from tests.ledger.telling import all_of, subscribe

ADA, ADAS_ID = "ada.lovelace@example.com", "c3a1f2d4-7e59-4b0a-9d16-5f8e2b7a4c03"
ADAS_NEW = "countess@example.com"
ADAS, BOBS = "session_ada-0001", "session_bob-0001"
# In one transaction after the other: the erasure waits for whoever holds what it erases.
SOON = 0.4


def add_event(ledger: Ledger, contact: dict[str, Any] | None = None, **more: Any) -> str:
    """An event that was told, and its delivery to the only subscription; its id."""
    with ledger.write() as connection:
        return begin(connection, contact, **more)


def begin(connection: Connection, contact: dict[str, Any] | None = None, **more: Any) -> str:
    made, name = new_id(), "contact_updated"
    payload = {"id": made, "event": name, "contact": contact or {}, "session_id": more.get("session_id")}
    payload["previous"] = more.pop("previous", {})
    whom: dict[str, Any] = {"email": None, "people_id": None, "session_id": None, "own": False, "told_at": NOW, **more}
    row = {"id": made, "connection_id": "W", "event": name, "subject": made, "payload": payload, "occurred_at": NOW}
    events.begin(connection, {**row, **whom})
    told: dict[str, Any] = {"who": whom["email"] or "", "payload": payload, "now": NOW}
    deliveries.tell(connection, "W", event_id=made, event=name, own=False, **told)
    return made


def add_hook(ledger: Ledger, **data: Any) -> str:
    """What Crisp told, and nobody understands yet; its id."""
    made = new_id()
    row = {"id": made, "connection_id": "W", "digest": made, "way": "plugin", "event": "session:set_data"}
    body = json.dumps({"event": row["event"], "data": data})
    with ledger.write() as connection:
        hooks.add(connection, {**row, "body": body, "received_at": NOW, "due_at": NOW})
    return made


def link(ledger: Ledger, session_id: str, **who: str) -> None:
    with ledger.write() as connection:
        hooks.link(connection, {"connection_id": "W", "session_id": session_id, "updated_at": NOW, **who})


def erase(ledger: Ledger, *names: str) -> erasure.Erased:
    with ledger.write() as connection:
        return erasure.erase(connection, "W", {*names}, asked_at=NOW)


def ids(ledger: Ledger, table: Any, *where: Any) -> set[str]:
    with ledger.read() as connection:
        return set(connection.scalars(select(next(iter(table.primary_key))).where(*where)))


def said(ledger: Ledger) -> dict[str, bool]:
    """Event → whether its delivery still says anything."""
    return {row.event_id: row.body is not None for row in all_of(ledger)}


def test_events_of_a_conversation_go_with_its_person(shop: Ledger) -> None:
    subscribe(shop, "contact_updated")
    link(shop, ADAS, people_id=ADAS_ID)
    link(shop, BOBS, email="bob@example.com")
    adas, bobs = (add_event(shop, session_id=session) for session in (ADAS, BOBS))
    gathering = add_event(shop, session_id=ADAS, told_at=None)
    erase(shop, ADA, ADAS_ID)
    assert ids(shop, t.events) == {bobs}
    assert said(shop) == {adas: False, gathering: False, bobs: True}
    with shop.read() as connection:
        assert connection.scalars(select(t.sessions.c.session_id)).all() == [BOBS]


def test_what_is_not_understood_and_names_the_conversation_alone_goes_too(shop: Ledger) -> None:
    link(shop, ADAS, email=ADA)
    adas, bobs = add_hook(shop, session_id=ADAS, data={"city": "London"}), add_hook(shop, session_id=BOBS)
    erase(shop, ADA)
    assert ids(shop, t.hooks, t.hooks.c.body.is_not(None)) == {bobs}
    assert ids(shop, t.hooks, t.hooks.c.outcome == "nothing") == {adas}


def test_a_short_id_takes_nothing_of_others_away(shop: Ledger) -> None:
    told = add_hook(shop, session_id=BOBS)
    erase(shop, "e", "event")
    assert ids(shop, t.hooks, t.hooks.c.body.is_not(None)) == {told}


@pytest.mark.parametrize(
    ("contact", "more"),
    [
        ({"email": ADA}, {"email": ADA}),
        ({"people_id": ADAS_ID}, {"people_id": ADAS_ID}),
        ({}, {"session_id": ADAS}),
        ({"email": ADAS_NEW}, {"email": ADAS_NEW, "previous": {"email": ADA}}),
    ],
)
def test_a_delivery_that_outlived_its_event_is_emptied(
    shop: Ledger, contact: dict[str, Any], more: dict[str, Any]
) -> None:
    subscribe(shop, "contact_updated")
    link(shop, ADAS, email=ADA)
    adas = add_event(shop, contact, **more)
    others = [
        add_event(shop, {"email": "bob@example.com", "notepad": f"knows {ADA} {ADAS_ID} {ADAS}"}),
        add_event(shop, {"email": "bob@example.com", "notepad": f'"email":"{ADA}"'}),
        add_event(shop, {"email": "bob@example.com"}, previous={"email": f"can{ADA}", "notepad": ADA}),
        add_event(shop, {"email": f"can{ADA}"}),
    ]
    with shop.write() as connection:
        assert events.purge(connection, NOW + 1) == 1 + len(others)
    erase(shop, ADA, ADAS_ID)
    assert said(shop) == {adas: False, **dict.fromkeys(others, True)}


def test_that_something_was_delivered_stays(shop: Ledger) -> None:
    subscribe(shop, "contact_updated")
    told = add_event(shop, {"email": ADA}, email=ADA)
    erase(shop, ADA)
    [left] = all_of(shop)
    assert (left.event_id, left.status, left.body, left.person) == (told, "dead", None, 0)


def meanwhile(shop: Ledger, does: Callable[[Connection], None]) -> None:
    """An erasure that begins while another transaction does this and is not committed yet."""
    begun = threading.Event()

    def begin_erasing() -> None:
        begun.set()
        erase(shop, ADA, ADAS_ID)

    with ThreadPoolExecutor(1) as threads:
        with shop.write() as connection:
            does(connection)
            erasing = threads.submit(begin_erasing)
            begun.wait()
            time.sleep(SOON)
        erasing.result(10)


def test_an_event_that_is_being_told_does_not_survive(shop: Ledger) -> None:
    subscribe(shop, "contact_updated")
    row = add_event(shop, {"email": ADA}, email=ADA, told_at=None)

    def told(connection: Connection) -> None:
        """As what hands events on does: the turn, the event, its deliveries, one more of what it says beside it."""
        moment = events.turn(connection, "W", "contact_updated", lambda: NOW)
        assert events.tell(connection, row, moment, payload={}, email=ADA)
        begin(connection, {"email": ADA}, email=ADA)

    meanwhile(shop, told)
    assert ids(shop, t.events) == set()
    assert set(said(shop).values()) == {False}


def test_what_is_being_understood_does_not_survive(shop: Ledger) -> None:
    add_hook(shop, session_id=ADAS, email=ADA)
    gathers: dict[str, Any] = {
        "id": new_id(),
        "connection_id": "W",
        "event": "conversation_data_changed",
        "subject": "told:x:",
    }
    gathers |= {"email": None, "people_id": None, "session_id": ADAS, "own": False, "payload": {}, "occurred_at": NOW}

    def understood(connection: Connection) -> None:
        [hook] = hooks.due(connection, NOW, 9)
        hooks.link(connection, {"connection_id": "W", "session_id": ADAS, "email": ADA, "updated_at": NOW})
        time.sleep(SOON / 4)
        events.gather(connection, gathers, lambda _, after: dict(after), NOW)
        hooks.finish(connection, {hook.id: "told"})

    meanwhile(shop, understood)
    assert ids(shop, t.events) == set()
    with shop.read() as connection:
        assert connection.execute(select(t.sessions)).all() == []


def test_nobody_is_locked_out_of_turn(shop: Ledger) -> None:
    """Two events of a person are told one after the other in one transaction, while both are erased."""
    first, second = sorted(add_event(shop, {"email": ADA}, email=ADA, told_at=None) for _ in range(2))

    def both(connection: Connection) -> None:
        events.tell(connection, first, NOW)
        time.sleep(SOON / 4)
        events.tell(connection, second, NOW)

    meanwhile(shop, both)
    assert ids(shop, t.events) == set()


def test_who_is_named_anywhere_was_known(shop: Ledger) -> None:
    subscribe(shop, "contact_updated")
    assert erase(shop, ADA).nothing
    link(shop, ADAS, email=ADA)
    add_hook(shop, session_id=ADAS)
    add_hook(shop, session_id=BOBS)
    add_event(shop, {"email": ADA}, email=ADA)
    erased = erase(shop, ADA)
    assert (erased.news, erased.nothing) == (3, False)
    assert erase(shop, ADA).nothing
