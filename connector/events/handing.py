"""Handing on: an event becomes final, goes to those who want it, and the ledger learns what it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy import Connection, Row

from connector.contact import Contact
from connector.event import event_json
from connector.events.comparing import learnt, shown
from connector.ids import new_id
from connector.ledger import Ledger, events, people
from connector.ledger.people import Person


class Tell(Protocol):
    """Gives an event to those who want it, in the transaction that makes it final; how many they are."""

    def __call__(
        self,
        connection: Connection,
        connection_id: str,
        *,
        event_id: str,
        event: str,
        own: bool,
        who: str,
        payload: Mapping[str, Any],
        now: int,
    ) -> int: ...


@dataclass(frozen=True, slots=True)
class Whom:
    """The person of an event: names, and what the ledger knows."""

    email: str | None
    people_id: str | None
    person: Person | None

    @property
    def names(self) -> list[str]:
        """The surest first."""
        return [name for name in (self.people_id, self.email) if name]


def payload_of(
    row: Row[Any],
    whom: Whom,
    contact: Contact,
    changed: tuple[str, ...] = (),
    previous: Mapping[str, Any] | None = None,
    *,
    partial: bool = False,
) -> dict[str, Any]:
    """The event of this row, as it is told. `partial`: of the contact not everything is known."""
    who = shown(contact, whom.people_id, whom.email)
    said = event_json(row.id, row.event, row.occurred_at, row.connection_id, who, changed, previous)
    said |= {"session_id": row.session_id} if row.session_id else {}
    return said | ({"partial": True} if partial else {})


@dataclass(frozen=True)
class Handing:
    """Makes events final. `tell` gives them to those who want them; `clock` gives UNIX milliseconds."""

    ledger: Ledger
    tell: Tell
    clock: Callable[[], int]

    def hand_on(
        self,
        row: Row[Any],
        whom: Whom,
        contact: Contact | None,
        payload: dict[str, Any],
        *,
        own: bool,
        changed: tuple[str, ...] = (),
        gone: bool = False,
    ) -> bool:
        """Makes the event final, with what the ledger learns of it. A change of segments is an event of its own."""
        with self.ledger.write(durable=True) as connection:
            if not self._tell(connection, row.id, row, whom, payload, own=own):
                return False
            if gone:
                people.forget(connection, row.connection_id, whom.names)
            elif contact is not None and whom.email:
                self._learn(connection, row, whom, contact, changed)
            if row.event == "contact_updated" and "segments" in changed and not own:
                self._tell_segments(connection, row, whom, payload)
        return True

    def _tell(
        self,
        connection: Connection,
        event_id: str,
        row: Row[Any],
        whom: Whom,
        payload: dict[str, Any],
        *,
        own: bool,
    ) -> bool:
        now = events.turn(connection, row.connection_id, payload["event"], self.clock)
        values = {"payload": payload, "own": own, "email": whom.email, "people_id": whom.people_id}
        if not events.tell(connection, event_id, now, **values):
            return False
        who = whom.email or whom.people_id or row.session_id or ""
        names = {"event_id": event_id, "event": payload["event"], "own": own, "who": who}
        self.tell(connection, row.connection_id, **names, payload=payload, now=now)
        return True

    def _tell_segments(self, connection: Connection, row: Row[Any], whom: Whom, payload: dict[str, Any]) -> None:
        event_id, name = new_id(), "segments_changed"
        previous = {"segments": payload["previous"].get("segments", [])} if payload["previous"] else {}
        told = {**payload, "id": event_id, "event": name, "changed": ["segments"], "previous": previous}
        begun = {"id": event_id, "connection_id": row.connection_id, "event": name, "subject": event_id, "own": False}
        said = {"email": whom.email, "people_id": whom.people_id, "session_id": None, "payload": told}
        events.begin(connection, {**begun, **said, "occurred_at": row.occurred_at})
        self._tell(connection, event_id, row, whom, told, own=False)

    def _learn(
        self, connection: Connection, row: Row[Any], whom: Whom, contact: Contact, changed: tuple[str, ...]
    ) -> None:
        """What Crisp holds now is what it was last told: an older record of a source does not undo it. What was learnt
        since this event was looked at stays."""
        base, now = whom.person or Person(whom.email, whom.people_id), self.clock()
        known = people.by_who(connection, row.connection_id, whom.names)
        person = next((known[name] for name in whom.names if name in known), base)
        keys = changed if whom.person is not None else tuple(contact.said())
        told = learnt(person.known, base.known, contact, keys)
        times = {**person.times, **dict.fromkeys((key for key in changed if key != "segments"), row.occurred_at)}
        people_id = whom.people_id or person.people_id
        saved = replace(person, email=whom.email, people_id=people_id, known=told, times=times, complete=True)
        people.save(connection, row.connection_id, [saved], now)
