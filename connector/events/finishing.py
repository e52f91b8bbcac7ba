"""Finishing: an event whose burst is over is completed, compared with what is known, and told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog
from sqlalchemy import Row

from connector.contact import Contact
from connector.convert.email import email as canonical
from connector.crisp import plan
from connector.errors import Problem
from connector.events.comparing import Difference, difference, echoed, said, without
from connector.events.handing import Handing, Whom, payload_of
from connector.ledger import Ledger, events, hooks, people, work
from connector.ledger.people import Person
from connector.manifest import Field

log = structlog.get_logger()

# While a delivery of ours to the same person is under way: milliseconds to the next look, and how many looks.
_SOON, _PATIENT = 400, 25
# Pauses after a failure (milliseconds), the last of them for ever after; after a day it is told with what is known.
_PAUSES = (2_000, 10_000, 60_000, 300_000, 900_000)
_LONGEST = 86_400_000
# So much Crisp's clock may differ from ours (milliseconds).
_SKEW = 5_000


class Reads(Protocol):
    """Runs a plan for somebody who waits: `Courier.run`."""

    def __call__(self, connection_id: str, plan: Any, /) -> Any: ...


class Dropped(Exception):
    """It was forged, or is no news that anybody could be told of."""


@dataclass(frozen=True)
class Finishing:
    """`handing` makes final what is finished; `clock` gives UNIX milliseconds; `fields`: the manifest's."""

    ledger: Ledger
    reads: Reads
    handing: Handing
    fields: Mapping[str, Field]
    clock: Callable[[], int]

    def finish(self, row: Row[Any]) -> bool:
        """Tells this event; False when it is to be tried again, or turned out to be none."""
        try:
            whom = self._whom(row)
            if whom.names and row.attempts < _PATIENT and self._is_in_hand(row.connection_id, whom):
                return self._later(row, _SOON)
            return self._READERS[row.event](self, row, whom)
        except Dropped:
            with self.ledger.write() as connection:
                events.drop(connection, row.id)
            return False
        except Problem as problem:
            return self._failed(row, problem)

    def _failed(self, row: Row[Any], problem: Problem) -> bool:
        """Crisp is away, or the quota is: the event waits; after a day it is told with what is known."""
        if self.clock() - row.occurred_at > _LONGEST and row.payload.get("way") != "website":
            whom = self._whom(row)
            contact = whom.person.known if whom.person else Contact()
            return self.handing.hand_on(row, whom, None, payload_of(row, whom, contact, partial=True), own=False)
        log.warning("event_waits", connection=row.connection_id, reason=problem.code)
        wanted = problem.facts.get("retry_after")
        pause = _PAUSES[min(row.attempts, len(_PAUSES) - 1)]
        return self._later(row, max(pause, int(wanted) * 1000) if isinstance(wanted, int | float) else pause)

    def _later(self, row: Row[Any], milliseconds: int) -> bool:
        with self.ledger.write() as connection:
            events.again(connection, row.id, self.clock() + milliseconds)
        return False

    def _is_in_hand(self, connection_id: str, whom: Whom) -> bool:
        """A write of ours is under way: what it tells Crisp is known here only when it is answered."""
        with self.ledger.read() as connection:
            return work.is_in_hand(connection, connection_id, whom.names)

    def _whom(self, row: Row[Any]) -> Whom:
        email, people_id = row.email, row.people_id
        with self.ledger.read() as connection:
            if row.session_id:
                session = hooks.person_of(connection, row.connection_id, row.session_id)
                email = email or (session.email if session else None)
                people_id = people_id or (session.people_id if session else None)
            names = [name for name in (people_id, email) if name]
            known = people.by_who(connection, row.connection_id, names) if names else {}
        person = next((known[name] for name in names if name in known), None)
        return Whom(email or (person.email if person else None), people_id or _id_of(person), person)

    def _removed(self, row: Row[Any], whom: Whom) -> bool:
        if _doubtful(row) and self._card(row, whom) is not None:
            raise Dropped
        known = whom.person.known if whom.person else Contact()
        payload = payload_of(row, whom, known)
        return self.handing.hand_on(row, whom, None, payload, own=False, gone=True)

    def _created(self, row: Row[Any], whom: Whom) -> bool:
        """Whom the ledger knows we have made. What Crisp's profile says by now is for the events of its changes."""
        if whom.person is not None and not _doubtful(row):
            return self.handing.hand_on(row, whom, None, self._payload_of_new(row, whom, whom.person.known), own=True)
        card = self._card(row, whom)
        if card is None:
            return self._without_card(row, whom)
        found = difference(whom.person, card, {}, self.fields)
        own, whom = whom.person is not None, _named_by(card, whom)
        payload = self._payload_of_new(row, whom, found.contact)
        return self.handing.hand_on(row, whom, None if own else found.contact, payload, own=own, changed=found.changed)

    def _payload_of_new(self, row: Row[Any], whom: Whom, contact: Contact) -> dict[str, Any]:
        return payload_of(row, whom, contact, tuple(sorted(key for key in contact.said() if key != "email")))

    def _updated(self, row: Row[Any], whom: Whom) -> bool:
        update = row.payload.get("card", {})
        whole = _doubtful(row) or whom.person is None or not whom.person.complete or not _says_something(update)
        card = self._card(row, whom) if whole else None
        if whole and card is None:
            return self._without_card(row, whom)
        found = difference(whom.person, card, update, self.fields)
        whom = _named_by(card or {}, whom)
        if whom.person is not None and not found.changed and self._was_read_since(row):
            found = replace(found, changed=said(update, self.fields))
        found = self._without_echoes(row, whom, update, found)
        own = whom.person is not None and not found.changed
        payload = payload_of(row, whom, found.contact, found.changed, found.previous)
        return self.handing.hand_on(row, whom, found.contact, payload, own=own, changed=found.changed)

    def _without_echoes(self, row: Row[Any], whom: Whom, update: Mapping[str, Any], found: Difference) -> Difference:
        """Without what we wrote ourselves: it comes back late, when more was written meanwhile, or is seen before it is
        known to be written."""
        if whom.person is None or not found.changed:
            return found
        with self.ledger.read() as connection:
            since = row.occurred_at - _SKEW
            ours = events.written(connection, row.connection_id, whom.email, whom.people_id, since)
        known, written = whom.person.known, [Contact.from_flat(each) for each in ours]
        return without(found, known, echoed(found, known, update, written, self.fields))

    def _was_read_since(self, row: Row[Any]) -> bool:
        """Whether another's change was told since this one happened: then its profile may have been read with this
        change in it, and that it is known does not make it ours."""
        with self.ledger.read() as connection:
            return events.told_since(connection, row.connection_id, row.people_id, row.occurred_at)

    def _conversation(self, row: Row[Any], whom: Whom) -> bool:
        """What a visitor's conversation says; we never write there, so it is never our own."""
        said = dict(row.payload)
        if _doubtful(row) or not whom.names:
            meta = self.reads(row.connection_id, plan.conversation(row.session_id))
            if meta is None and _doubtful(row):
                raise Dropped
            said, whom = self._confirmed(row, said, meta or {}), self._met(row, whom, meta or {})
        card = None
        if whom.names and (whom.person is None or not whom.person.complete):
            card = self._card(row, whom)
        known = whom.person.known if whom.person else Contact()
        contact = difference(whom.person, card, {}, self.fields).contact if card else known
        segments = said.get("segments")
        changed = tuple(f"data.{key}" for key in said.get("data", {})) or (("segments",) if segments else ())
        changed = ("email",) if row.event == "conversation_email_changed" else changed
        payload = payload_of(row, _named_by(card or {}, whom), contact, changed, partial=not whom.names)
        payload |= {"data": said["data"]} if "data" in said else {}
        if segments is not None:
            payload["contact"] |= {"segments": segments, "segments_text": ", ".join(segments)}
        return self.handing.hand_on(row, whom, None, payload, own=False)

    def _confirmed(self, row: Row[Any], said: dict[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
        """Of what an unsigned hook says, that which Crisp says as well."""
        if not _doubtful(row):
            return said
        held: Any = meta.get("data")
        held = held if isinstance(held, dict) else {}
        if "data" in said:
            said["data"] = {key: value for key, value in said["data"].items() if held.get(key) == value}
        if "segments" in said:
            said["segments"] = [each for each in meta.get("segments") or [] if isinstance(each, str)]
        wrong_email = row.event == "conversation_email_changed" and _email_of(meta) != row.email
        if wrong_email or ("data" in said and not said["data"]):
            raise Dropped
        return said

    def _met(self, row: Row[Any], whom: Whom, meta: Mapping[str, Any]) -> Whom:
        """The person whom the conversation names, kept in mind."""
        email = _email_of(meta)
        if email is None or whom.email:
            return whom
        with self.ledger.write() as connection:
            said = {"session_id": row.session_id, "email": email, "updated_at": self.clock()}
            hooks.link(connection, {"connection_id": row.connection_id, **said})
            person = people.by_who(connection, row.connection_id, [email]).get(email)
        return Whom(email, whom.people_id or _id_of(person), person)

    def _without_card(self, row: Row[Any], whom: Whom) -> bool:
        """Crisp has nobody of that name any more, or never had."""
        if _doubtful(row):
            raise Dropped
        known = whom.person.known if whom.person else Contact()
        return self.handing.hand_on(row, whom, None, payload_of(row, whom, known, partial=True), own=False)

    def _card(self, row: Row[Any], whom: Whom) -> dict[str, Any] | None:
        if not whom.names:
            return None
        card: dict[str, Any] | None = self.reads(row.connection_id, plan.profile(whom.names[0]))
        return card

    _READERS = {  # noqa: RUF012 - only read
        "contact_created": _created,
        "contact_updated": _updated,
        "contact_removed": _removed,
        "conversation_data_changed": _conversation,
        "conversation_email_changed": _conversation,
        "segments_changed": _conversation,
    }


def _doubtful(row: Row[Any]) -> bool:
    """Whether it came by an unsigned hook: what it says is confirmed first (crisp-api: website hooks)."""
    return bool(row.payload.get("way") == "website")


def _email_of(named: Mapping[str, Any]) -> str | None:
    """The canonical address that a profile or a conversation gives."""
    address = named.get("email")
    return canonical(address) if isinstance(address, str) else None


def _id_of(person: Person | None) -> str | None:
    return person.people_id if person else None


def _says_something(update: Mapping[str, Any]) -> bool:
    return any(key not in ("updated_at", "created_at") for key in update)


def _named_by(card: Mapping[str, Any], whom: Whom) -> Whom:
    """The names that Crisp's own profile gives."""
    people_id = card.get("people_id")
    return replace(whom, people_id=str(people_id) if people_id else whom.people_id, email=_email_of(card) or whom.email)
