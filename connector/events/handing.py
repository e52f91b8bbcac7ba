"""Handing on: an event becomes final, goes to those who want it, and the ledger learns what it says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row

from connector.contact import Contact
from connector.event import event_json
from connector.events.comparing import learnt, shown
from connector.ids import new_id
from connector.ledger import Ledger, deliveries, events, hooks, people
from connector.ledger.people import Person


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

    @property
    def known(self) -> Contact:
        """What the ledger knows of it, with the address."""
        return self.person.seen.known if self.person else Contact()


def person_of(connection: Connection, connection_id: str, people_id: str | None, email: str | None) -> Person | None:
    """Whom the ledger knows by these names. Who has the address under another people_id is somebody else: the profile
    was removed and made anew, or the address is another's by now."""
    found = people.by_who(connection, connection_id, [name for name in (people_id, email) if name])
    person = found.get(people_id or "") or found.get(email or "")
    other = person is not None and people_id is not None and person.people_id not in (None, people_id)
    return None if other else person


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


class Dropped(Exception):
    """It was forged, was told before, or is no news that anybody could be told of."""


class _Overtaken(Exception):
    """It has gathered more since it was read, somebody else told it, or its person was erased."""


@dataclass(frozen=True)
class Handing:
    """Makes events final. `clock` gives UNIX milliseconds."""

    ledger: Ledger
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
        met: bool = False,
    ) -> bool:
        """Makes the event final, with what the ledger learns of it. A change of segments is an event of its own. `met`:
        that the conversation is with this person is kept in mind. Raises `Dropped`."""
        try:
            with self.ledger.write(durable=True) as connection:
                if met:  # before the event: whoever understands hooks takes them in this order
                    said = {"session_id": row.session_id, "email": whom.email, "updated_at": self.clock()}
                    hooks.link(connection, {"connection_id": row.connection_id, **said})
                if "email" in changed and whom.known.email and whom.email:
                    hooks.rename_person(connection, row.connection_id, whom.known.email, whom.email)
                if not self._tell(connection, row.id, row, whom, payload, own=own):
                    raise _Overtaken
                if gone:
                    person = person_of(connection, row.connection_id, whom.people_id, whom.email)
                    people.forget(connection, row.connection_id, person.names if person else [])
                elif contact is not None and whom.email:
                    self._learn(connection, row, whom, contact, changed)
                if row.event == "contact_updated" and "segments" in changed and not own:
                    self._tell_segments(connection, row, whom, payload)
        except _Overtaken:  # nothing of it may stay
            with self.ledger.write() as connection:
                events.soon(connection, row.id, self.clock())
            return False
        return True

    def hand_on_news(self, connection_id: str, kinds: Sequence[str], limit: int) -> int:
        """Tells so many of a connection's own news at most, which are complete as they are; how many those are."""
        with self.ledger.write(durable=True) as connection:
            # As every other that hands on: first the turn, then the events.
            events.turn(connection, connection_id, kinds[0], self.clock)
            due = events.due_of(connection, connection_id, self.clock(), limit, kinds)
            for row in due:
                whom = Whom(row.email, row.people_id, None)
                self._tell(connection, row.id, row, whom, row.payload, own=False)
        return len(due)

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
        if row.event == "contact_created" and events.is_made(connection, row.connection_id, whom.people_id):
            raise Dropped
        values = {"payload": payload, "own": own, "email": whom.email, "people_id": whom.people_id}
        as_read = row.payload if event_id == row.id else None
        if not events.tell(connection, event_id, now, as_read, **values):
            return False
        who = whom.email or whom.people_id or row.session_id or ""
        names = {"event_id": event_id, "event": payload["event"], "own": own, "who": who}
        deliveries.tell(connection, row.connection_id, **names, payload=payload, now=now)
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
        person = person_of(connection, row.connection_id, whom.people_id, whom.email) or base
        keys = changed if whom.person is not None else tuple(contact.said())
        told = learnt(person.known, base.known, contact, [key for key in keys if key != "email"])
        dated = (key for key in changed if key != "segments")
        times = {**person.times, **{key: max(row.occurred_at, person.times.get(key, 0)) for key in dated}}
        people_id = whom.people_id or person.people_id
        # Of whom was known the address is another only when that is what has changed.
        stays = whom.person is not None and "email" not in changed
        email = person.email or whom.email if stays else whom.email
        saved = replace(person, email=email, people_id=people_id, known=told, times=times, complete=True)
        people.save(connection, row.connection_id, [saved], now)
        if "email" in changed and base.email and whom.email:
            # Records of a source that led to the person still do: else the next would make a second one.
            people.relink(connection, row.connection_id, {base.email: whom.email})
