"""Deciding: what is to become of a record, from what it says and what is known of its person. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from connector.contact import NAMES, Contact, fold, named, news
from connector.convert.times import milliseconds
from connector.crisp.calls import Mode, Status
from connector.crisp.card import writable
from connector.intake.reading import Incoming
from connector.ledger.people import Person
from connector.manifest import Field
from connector.mapping import Translated
from connector.notes import Note, note


@dataclass(frozen=True, slots=True)
class Decision:
    """`status` waiting: it has to be told to Crisp. `who`: email or people_id under which; None where nobody is named.
    `at`: the source's time of it (UNIX milliseconds). `people_id`: Crisp's id of the person, where it is known.
    `person`: the person, when its times have become newer."""

    status: Status
    code: str | None
    who: str | None
    contact: Contact
    notes: tuple[Note, ...]
    at: int | None = None
    people_id: str | None = None
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the ledger knows beside the records: people by email and people_id, emails by source and the source's
    record id, and who has records that are still on their way."""

    people: dict[str, Person]
    emails: Mapping[tuple[str, str], str]
    open: set[str]


def decide(
    incoming: Incoming, known: Knowledge, mode: Mode, fields: Mapping[str, Field], now: int, *, who: str | None = None
) -> Decision:
    """What becomes of a record. `who`: the person whom the caller named, whatever the record says."""
    said = incoming.translated
    if said.deleted:
        return Decision("unchanged", None, None, said.contact, (*said.notes, note("delete_reported")))
    said = (
        _with_email(said, known.emails.get((incoming.source, said.id or ""))) if who is None else _uncomplaining(said)
    )
    if said.error:
        return Decision("rejected", said.error.code, None, said.contact, said.notes)
    named_by = who or said.people_id or str(said.contact.email)
    person = known.people.get(named_by)
    # One name for one person, so that all their records are told in order.
    name = person.email if person and person.email else named_by
    at = min(milliseconds(said.updated_at), now) if said.updated_at else None
    people_id = person.people_id if person else said.people_id
    decided = Decision("waiting", None, name, said.contact, said.notes, at, people_id)
    if person is None or mode == "create" or name in known.open:
        return decided
    return _compare(decided, person, fields)


def _compare(decided: Decision, person: Person, fields: Mapping[str, Field]) -> Decision:
    """What is known already need not be told; nor what is older than what is known."""
    folded = fold([(decided.contact, decided.at)], person.times)
    if not folded.told[0]:
        return replace(decided, status="superseded")
    change = news(writable(named(folded.contact), fields), person.known, complete=person.complete)
    if any(True for _ in change.said()) or change.email not in (None, person.email):
        return decided
    newer = replace(person, times=folded.times) if folded.times != person.times else None
    return replace(decided, status="unchanged", person=newer)


def _with_email(said: Translated, email: str | None) -> Translated:
    """The email that this source's record had before, where it has none now."""
    missing = said.error is not None and said.error.code == "email_missing"
    return replace(_uncomplaining(said), contact=said.contact.with_email(email)) if email and missing else said


def _uncomplaining(said: Translated) -> Translated:
    return replace(said, notes=tuple(found for found in said.notes if found.code != "email_missing"))


def placeless(decision: Decision, fields: Mapping[str, Field]) -> tuple[Note, ...]:
    """Notes for what is said and for which Crisp's profile has no place; names become the nickname."""
    if decision.status == "rejected":
        return ()
    lost = (key for key in decision.contact.fields if key not in NAMES and fields[key].crisp_path is None)
    return tuple(note("field_not_written", key) for key in lost)
