"""Deciding: what is to become of a record, from what it says and what is known of its person. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from connector.contact import NAMES, Contact, fold, named, news
from connector.convert.times import milliseconds
from connector.crisp.calls import Mode, Status
from connector.crisp.card import writable
from connector.intake.options import ERASE, IGNORE, SEGMENT
from connector.intake.reading import Incoming
from connector.ledger.people import Person
from connector.manifest import Field
from connector.mapping import Translated
from connector.notes import Note, note


class Decision(NamedTuple):
    """`status` waiting: it has to be told to Crisp. `who`: email or people_id under which; None where nobody is named.
    `at`: the source's time of it (UNIX milliseconds). `people_id`: Crisp's id of the person, where it is known.
    `person`: the person, when its times have become newer. `erases`: the person is to go, and has no `who`, for no plan
    tells it to Crisp. `mode`: in another than the payload's."""

    status: Status
    code: str | None
    who: str | None
    contact: Contact
    notes: tuple[Note, ...]
    at: int | None = None
    people_id: str | None = None
    person: Person | None = None
    erases: bool = False
    mode: Mode | None = None

    @property
    def linked(self) -> str | None:
        """The address under which the person is known until Crisp was told of another."""
        return self.who if self.who and "@" in self.who else self.contact.email


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the ledger knows beside the records: people by email and people_id, emails by source and the source's
    record id, who has records that are still on their way, and source, email and id of records to whose person no other
    of the source leads."""

    people: dict[str, Person]
    emails: dict[tuple[str, str], str]
    open: set[str]
    sole: frozenset[tuple[str, str, str]] = frozenset()

    def has(self, email: str) -> bool:
        """Whether somebody of this email is known, or on the way."""
        return email in self.people or email in self.open


def decide(
    incoming: Incoming,
    known: Knowledge,
    mode: Mode,
    fields: Mapping[str, Field],
    now: int,
    *,
    who: str | None = None,
    on_delete: str | None = None,
) -> Decision:
    """What becomes of a record. `who`: the person whom the caller named, whatever the record says; `on_delete`: what
    a deletion does."""
    said = incoming.translated
    before = known.emails.get((incoming.source, said.id or ""))
    if said.deleted:
        return _gone(incoming, known, before or said.contact.email, on_delete, fields)
    said = _with_email(said, before) if who is None else _uncomplaining(said)
    if said.error:
        return _rejected(said, said.error.code, who)
    at = min(milliseconds(said.updated_at), now) if said.updated_at else None
    named_by = who or said.people_id or _before(incoming.source, said, before, known, mode) or str(said.contact.email)
    person = known.people.get(named_by)
    if before and named_by == before and (said.email_lent or (person and _is_stale(person, at))):
        said = said._replace(contact=said.contact.with_email(before))
    # One name for one person, so that all their records are told in order.
    name = person.email if person and person.email else named_by
    people_id = person.people_id if person else said.people_id
    decided = Decision("waiting", None, name, said.contact, said.notes, at, people_id)
    if person is None or mode == "create" or name in known.open:
        return decided
    return _compare(decided, person, fields)


def _gone(
    incoming: Incoming, known: Knowledge, email: str | None, on_delete: str | None, fields: Mapping[str, Field]
) -> Decision:
    """What becomes of a deletion. Whom another record of the source says too is still there, and whom nothing but the
    address says may be another: that one is deleted is noted alone, unless the law wants the person erased."""
    said, segment = incoming.translated, (on_delete or "").partition(SEGMENT)[2]
    notes = said.notes if on_delete == IGNORE else (*said.notes, note("delete_reported"))
    lawful = said.erasure and on_delete is not None
    sole = (incoming.source, email, said.id or "") in known.sole
    if email is None or not (lawful or (sole and (segment or on_delete == ERASE))):
        return Decision("unchanged", None, None, said.contact, notes)
    person, contact = known.people.get(email), said.contact.with_email(email)
    people_id = person.people_id if person else None
    if lawful or on_delete == ERASE:
        return Decision("waiting", None, None, contact, said.notes, people_id=people_id, erases=True)
    who = person.email if person and person.email else email
    contact = contact._replace(segments=(segment,))
    # Nobody is created for it.
    marked = Decision("waiting", None, who, contact, notes, people_id=people_id, mode="update")
    return marked if person is None or who in known.open else _compare(marked, person, fields)


def _before(source: str, said: Translated, before: str | None, known: Knowledge, mode: Mode) -> str | None:
    """The address that a record's person had before, when the source says another one now: the same person moves.

    Nobody moves to an address that is somebody's already, nor from one that other records of the source say too; and
    an order with an address of its own moves nobody: it is of the person whose account it is.
    """
    email = said.contact.email
    if (
        mode == "create"
        or before in (None, email)
        or email is None
        or (source, str(before), said.id or "") not in known.sole
    ):
        return None
    free = said.email_lent or not known.has(email)
    return before if free and known.has(str(before)) else None


def _is_stale(person: Person, at: int | None) -> bool:
    """Whether the person's address was changed after this was said."""
    return at is not None and person.times.get("email", at) > at


def _rejected(said: Translated, code: str, who: str | None) -> Decision:
    """With the names of its person, by which an erasure finds it; under none, so that it is not told to Crisp."""
    email = said.contact.email or (who if who and "@" in who else None)
    contact = said.contact.with_email(email) if email else said.contact
    return Decision("rejected", code, None, contact, said.notes, people_id=said.people_id)


def _compare(decided: Decision, person: Person, fields: Mapping[str, Field]) -> Decision:
    """What is known already need not be told; nor what is older than what is known."""
    folded = fold([(decided.contact, decided.at)], person.times)
    if not folded.told[0]:
        return decided._replace(status="superseded")
    change = news(writable(named(folded.contact), fields), person.known, complete=person.complete)
    if any(True for _ in change.said()) or change.email not in (None, person.email):
        return decided
    newer = replace(person, times=folded.times) if folded.times != person.times else None
    return decided._replace(status="unchanged", person=newer)


def _with_email(said: Translated, email: str | None) -> Translated:
    """The email that this source's record had before, where it has none now."""
    missing = said.error is not None and said.error.code == "email_missing"
    return _uncomplaining(said)._replace(contact=said.contact.with_email(email)) if email and missing else said


def _uncomplaining(said: Translated) -> Translated:
    return said._replace(notes=tuple(found for found in said.notes if found.code != "email_missing"))


def placeless(decision: Decision, fields: Mapping[str, Field]) -> tuple[Note, ...]:
    """Notes for what is said and for which Crisp's profile has no place; names become the nickname."""
    if decision.status == "rejected":
        return ()
    lost = (key for key in decision.contact.fields if key not in NAMES and fields[key].crisp_path is None)
    return tuple(note("field_not_written", key) for key in lost)
