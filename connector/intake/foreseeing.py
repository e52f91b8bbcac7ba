"""Foreseeing an import: what would become of every row of a file, or of what comes page by page. Writes nothing and
calls nobody; in memory it keeps the first contacts, counts, and where each person was last."""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from connector.contact import Contact, fold
from connector.crisp.bulk import MOST_TOGETHER, pieces_of, saved
from connector.crisp.calls import STATUSES, Call, How, Mode
from connector.errors import Problem
from connector.intake.decide import Decision, decide, placeless
from connector.intake.known import knowledge
from connector.intake.preview import Imagined, Previewed
from connector.intake.reading import Incoming, Reading
from connector.intake.sorting import Sorting, Told, sorting
from connector.ledger import people
from connector.ledger.people import Person
from connector.manifest import Manifest
from connector.notes import Note

# Rows that are looked at, contacts that are shown, and rows that are named of each problem.
MOST_ROWS = 100_000
_SHOWN, _FIRST = 20, 5
_CHUNK = 500


@dataclass(slots=True)
class Trouble:
    """A problem that several rows have: how many, and the first of them."""

    note: Note
    count: int = 0
    rows: list[int] = field(default_factory=list)

    def add(self, row: int) -> None:
        """One more row has it."""
        self.count += 1
        insort(self.rows, row)
        del self.rows[_FIRST:]

    def as_json(self) -> dict[str, Any]:
        """`{level, code, field, count, rows, message}`."""
        said = self.note
        shown = {"level": said.level, "code": said.code, "field": said.field, "count": self.count}
        return {**shown, "rows": self.rows, "message": said.message}


@dataclass
class Foreseen:
    """What would become of the rows. `rows`: so many were seen, `whole`: those are all; `calls`: how many would be
    made."""

    connection_id: str
    manifest: Manifest
    mode: Mode
    how: How
    now: int
    rows: int = 0
    whole: bool = True
    calls: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    _troubles: dict[tuple[str, str | None], Trouble] = field(default_factory=dict)
    _shown: dict[str, Previewed] = field(default_factory=dict)
    # Where each person was met last, and those whose rows are all unchanged so far.
    _last: dict[str, int] = field(default_factory=dict)
    _unchanged: set[str] = field(default_factory=set)
    _same: dict[int, int] = field(default_factory=dict)
    _told: list[Call] = field(default_factory=list)

    def look(self, connection: Connection, reading: Reading) -> "Foreseen":
        """Looks at all rows, or at the first of very many."""
        with sorting() as waiting:
            self.add(connection, reading, waiting)
            self.deliver(connection, waiting)
        return self

    def add(self, connection: Connection, reading: Reading, waiting: Sorting) -> None:
        """Looks at rows, after those that came before them; `deliver` tells what becomes of those that wait."""
        incoming, before = iter(reading), self.rows
        while self.rows < MOST_ROWS and (chunk := list(islice(incoming, _CHUNK))):
            self._decide(connection, chunk, waiting, reading.on_delete)
        self.whole = self.whole and self.rows - before >= reading.count

    def deliver(self, connection: Connection, waiting: Sorting) -> None:
        """Tells each person all that was said of it, once all of it is there."""
        told = waiting.people()
        while some := dict(islice(told, _CHUNK)):
            known = people.by_who(connection, self.connection_id, some)
            for who, rows in some.items():
                self._deliver(who, rows, known.get(who))
        self._save()

    def totals(self) -> dict[str, int]:
        """The same keys as an import's totals."""
        return {"records": self.rows, **{each: self.statuses[each] for each in STATUSES}, "calls": self.calls}

    @property
    def first(self) -> list[Previewed]:
        """The first people, each with all that the file says of it, as it would go out."""
        return [each for each in self._shown.values() if each.status != "rejected"]

    @property
    def duplicates(self) -> list[tuple[int, int]]:
        """Rows that give way, each with the next row of the same person."""
        return sorted(self._same.items())

    def problems(self) -> list[dict[str, Any]]:
        """Problems by kind: those that reject rows first, then the most frequent."""
        order: Mapping[str, int] = {"error": 0, "warning": 1, "info": 2}
        found = sorted(self._troubles.values(), key=lambda each: (order[each.note.level], -each.count))
        return [each.as_json() for each in found]

    def _decide(self, connection: Connection, chunk: list[Incoming], waiting: Sorting, on_delete: str | None) -> None:
        """What an import decides of rows as they come in."""
        known = knowledge(connection, self.connection_id, chunk, self.manifest)
        known.open.update(who for who in _names(chunk) if who in self._last and who not in self._unchanged)
        told: list[Told] = []
        for incoming in chunk:
            decision = decide(incoming, known, self.mode, self.manifest.fields, self.now, on_delete=on_delete)
            self._note(incoming.row, (*decision.notes, *placeless(decision, self.manifest.fields)))
            self._take(incoming, decision)
            if decision.status == "waiting" and decision.who:
                known.open.add(decision.who)
                told.append(Told(decision.who, incoming.row, decision.at, decision.contact.flat()))
        waiting.add(told)
        self.rows += len(chunk)

    def _take(self, incoming: Incoming, decision: Decision) -> None:
        """One row, after those above it. What waits is counted when it is delivered, but for who is to be erased."""
        who, row = decision.who, incoming.row
        waits = decision.status == "waiting"
        if not waits or who is None:
            self.statuses[decision.status] += 1
        if who is None or decision.status not in ("waiting", "unchanged"):
            return
        if who in self._last:
            self._same[self._last[who]] = row
        if who in self._unchanged:
            self.statuses.update(unchanged=-1, superseded=1)
        self._last[who] = row
        (self._unchanged.discard if waits else self._unchanged.add)(who)
        if who in self._shown or len(self._shown) < _SHOWN:
            self._shown[who] = Previewed(incoming, decision, decision.status, decision.code)

    def _deliver(self, who: str, rows: list[Told], person: Person | None) -> None:
        """What a person is told: all its rows as one; the last that adds something has the outcome."""
        folded = fold([(Contact.from_flat(row.contact), row.at) for row in rows], person.times if person else {}, who)
        if not any(folded.told):
            self.statuses["superseded"] += len(rows)
            return
        plan, status, code = Imagined(person, self.manifest.fields).run(folded.contact, who, self.mode, self.how)
        # What the mode does not fit is refused with one call, all of it.
        alike = len(rows) if status == "rejected" else 1
        self.statuses.update({status: alike, "superseded": len(rows) - alike})
        self._count(plan)
        if code is not None:
            self._refuse(rows, code)
        if shown := self._shown.get(who):
            shown.decision = shown.decision._replace(contact=folded.contact)
            shown.plan, shown.status, shown.code = plan, status, code

    def _refuse(self, rows: Iterable[Told], code: str) -> None:
        refused = Note("error", "email", code, Problem(code).message)
        for each in rows:
            self._note(each.row, (refused,))
            self._same.pop(each.row, None)

    def _count(self, plan: list[Call]) -> None:
        self.calls += len(plan)
        self._told.extend(call for call in plan if pieces_of(call, self.how))
        if len(self._told) >= MOST_TOGETHER:
            self._save()

    def _save(self) -> None:
        """Takes off the calls that batches save."""
        self.calls -= saved(self._told, self.how)
        self._told.clear()

    def _note(self, row: int, notes: Iterable[Note]) -> None:
        for kind, said in {(said.code, said.path or said.field): said for said in notes}.items():
            self._troubles.setdefault(kind, Trouble(said)).add(row)


def _names(chunk: Iterable[Incoming]) -> Iterable[str]:
    return (name for each in chunk if (name := each.translated.contact.email))
