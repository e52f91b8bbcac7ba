"""Preview: what would become of records, with the calls that would be made. Writes nothing and calls nobody."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from connector.contact import Contact, fold
from connector.crisp.bulk import saved
from connector.crisp.calls import STATUSES, Call, How, Mode, Outcome, Reply, Seen, Status
from connector.crisp.card import card_of
from connector.crisp.plan import upsert
from connector.intake.decide import Decision, Knowledge, decide, placeless
from connector.intake.known import knowledge
from connector.intake.reading import Incoming, Reading
from connector.ledger.people import Person
from connector.manifest import Field, Manifest
from connector.notes import Note


@dataclass
class Previewed:
    """One record with the status it would get and the calls that would be made for it."""

    incoming: Incoming
    decision: Decision
    status: Status
    code: str | None
    plan: list[Call] = field(default_factory=list)

    def as_json(self, website: str) -> dict[str, Any]:
        """`{row, source, variant, id, updated_at, deleted, contact, notes, status, plan: [{method, path, body}]}`."""
        said = self.incoming.translated
        shown: dict[str, Any] = {
            "row": self.incoming.row,
            "source": self.incoming.source,
            "variant": self.incoming.variant,
            "id": said.id,
            "updated_at": said.updated_at,
            "deleted": said.deleted,
            "contact": self.decision.contact.flat(),
            "notes": [note.as_json() for note in self.decision.notes],
            "status": self.status,
            "plan": [_call_as_json(call, website) for call in self.plan],
        }
        return shown if self.code is None else {**shown, "code": self.code}


def _call_as_json(call: Call, website: str) -> dict[str, Any]:
    path = call.path.replace("{who}", call.who or "")
    return {"method": call.method, "path": f"/website/{website}/{path}", "body": call.body}


@dataclass
class Preview:
    """All records with their totals, and notes about the payload as a whole."""

    records: list[Previewed]
    notes: list[Note]
    saved: int = 0

    @property
    def calls(self) -> int:
        """How many calls would be made; `saved` are those of the plans that others' batches make needless."""
        return sum(len(each.plan) for each in self.records) - self.saved

    def as_json(self, website: str, eta_seconds: float | None) -> dict[str, Any]:
        """`{records, totals, eta_seconds, notes}`."""
        return {
            "records": [each.as_json(website) for each in self.records],
            "totals": self.totals(),
            "eta_seconds": eta_seconds,
            "notes": [note.as_json() for note in self.notes],
        }

    def totals(self) -> dict[str, int]:
        """The same keys as an import's totals."""
        counted: dict[str, int] = {status: sum(each.status == status for each in self.records) for status in STATUSES}
        return {"records": len(self.records), **counted, "calls": self.calls}


def preview(
    connection: Connection, connection_id: str, reading: Reading, mode: Mode, manifest: Manifest, how: How, now: int
) -> Preview:
    """What accepting these records now would lead to, if Crisp is as the ledger knows it."""
    incoming = list(reading)
    known = knowledge(connection, connection_id, incoming, manifest)
    previewed, notes = [], dict.fromkeys(reading.notes)
    for each in incoming:
        decision = decide(each, known, mode, manifest.fields, now, on_delete=reading.on_delete)
        if decision.status == "waiting" and decision.who:
            known.open.add(decision.who)
        notes.update(dict.fromkeys(placeless(decision, manifest.fields)))
        previewed.append(Previewed(each, decision, decision.status, decision.code))
    for group in _by_person(previewed).values():
        _foresee(group, known, mode, how, manifest.fields)
    calls = (call for each in previewed for call in each.plan)
    return Preview(previewed, list(notes), saved(calls, how))


def _by_person(previewed: list[Previewed]) -> Mapping[str, list[Previewed]]:
    groups: dict[str, list[Previewed]] = {}
    for each in previewed:
        if each.decision.who and each.status in ("waiting", "unchanged"):
            groups.setdefault(each.decision.who, []).append(each)
    return groups


def _foresee(group: list[Previewed], known: Knowledge, mode: Mode, how: How, fields: Mapping[str, Field]) -> None:
    """Records of one person go out as one: the last that adds something has the outcome, the others are superseded."""
    waiting = [each for each in group if each.decision.status == "waiting"]
    for each in group[:-1] if not waiting else group:
        each.status = "superseded"
    if not waiting:
        return
    who = str(waiting[0].decision.who)
    person = known.people.get(who)
    changes = [(each.decision.contact, each.decision.at) for each in waiting]
    folded = fold(changes, person.times if person else {}, who)
    told = [each for each, adds in zip(waiting, folded.told, strict=True) if adds]
    if not told:
        return
    plan, status, code = Imagined(person, fields).run(folded.contact, who, mode, how)
    # What the mode does not fit is refused with one call, all of it.
    for each in told if status == "rejected" else told[-1:]:
        each.status, each.code = status, code
    told[-1].plan = plan


class Imagined:
    """A Crisp that has the people whom the ledger knows and nobody else, and takes everything: whoever is to be
    updated must be one of them."""

    def __init__(self, person: Person | None, fields: Mapping[str, Field]) -> None:
        self.person, self.fields = person, fields
        self.created = False

    def run(self, contact: Contact, who: str, mode: Mode, how: How) -> tuple[list[Call], Status, str | None]:
        calls = list(self._calls(contact, who, mode, how))
        outcome = self.outcome
        return calls, "created" if self.created else outcome.status, outcome.code

    def _calls(self, contact: Contact, who: str, mode: Mode, how: How) -> Iterator[Call]:
        seen = self.person.seen if self.person else Seen()
        plan = upsert(contact, who, seen, mode=mode, how=how, fields=self.fields)
        try:
            call = next(plan)
            while True:
                yield call
                call = plan.send(self._reply(call))
        except StopIteration as end:
            self.outcome: Outcome = end.value

    def _reply(self, call: Call) -> Reply:
        if call.makes == "created":
            if self.person is not None:
                return Reply(409, "people_exists")
            self.created = True
            return Reply(201, "added", {"people_id": None})
        if self.person is None and not self.created:
            return Reply(404, "people_not_found")
        if call.method == "GET" and self.person is not None:
            return Reply(200, "resolved", card_of(self.person.known, self.fields))
        return Reply(200, "updated", {})
