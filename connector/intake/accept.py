"""Accepting: the only way in. What is answered is on disk before it is answered; what is refused changed nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row

from connector.crisp.calls import Mode
from connector.errors import Problem
from connector.ids import new_id
from connector.intake.decide import Decision, decide, placeless
from connector.intake.known import knowledge
from connector.intake.reading import Incoming, Reading
from connector.intake.rows import row_of
from connector.ledger import Ledger, people, records, requests
from connector.ledger.work import BULK, LIVE
from connector.manifest import Manifest
from connector.notes import Note

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key and the hash of the request that has it."""

    key: str
    request_hash: str


@dataclass(frozen=True)
class Intake:
    """Takes records in. `wake` is told which connection has new work; `clock` gives UNIX milliseconds."""

    ledger: Ledger
    manifest: Manifest
    clock: Callable[[], int]
    wake: Callable[[str], None]

    def one(
        self, connection_id: str, reading: Reading, mode: Mode, *, who: str | None = None, once: Once | None = None
    ) -> str | None:
        """Accepts a single record in one transaction and returns its id; None when the payload has no record.

        Raises `several_records`, `idempotency_mismatch`.
        """
        if reading.count > 1:
            raise Problem("several_records", count=reading.count)
        incoming = next(iter(reading), None)
        with self.ledger.write(durable=True) as connection:
            first = _first(connection, connection_id, once, self.clock())
            if first is not None or incoming is None:
                return first.record_id if first is not None else None
            row = self._add_one(connection, connection_id, incoming, mode, who)
            if once:
                requests.made(connection, connection_id, once.key, record_id=row["id"])
        if row["status"] == "waiting":
            self.wake(connection_id)
        return str(row["id"])

    def _add_one(
        self, connection: Connection, connection_id: str, incoming: Incoming, mode: Mode, who: str | None
    ) -> dict[str, Any]:
        now = self.clock()
        known = knowledge(connection, connection_id, [incoming], self.manifest, who)
        decision = decide(incoming, known, mode, self.manifest.fields, now, who=who)
        row = row_of(connection_id, incoming, decision, mode, LIVE, now)
        row["notes"] += [found.as_json() for found in placeless(decision, self.manifest.fields)]
        row["due_at"] = now if decision.status == "waiting" else None
        records.add(connection, [row])
        self.remember(connection, connection_id, [(incoming, decision)])
        return row

    def many(self, connection_id: str, reading: Reading, mode: Mode, *, once: Once | None = None) -> str | None:
        """Accepts records as an import and returns its id; None when there are none. They become due together.

        Raises `idempotency_mismatch`.
        """
        if once and (first := self._looked_up(connection_id, once)) is not None:
            return str(first.import_id)
        if not reading.count:
            return None
        batch = _Import(self, connection_id, reading, mode)
        batch.open()
        incoming = iter(reading)
        while chunk := list(islice(incoming, _CHUNK)):
            batch.add(chunk)
        import_id = batch.seal(once)
        self.wake(connection_id)
        return import_id

    def _looked_up(self, connection_id: str, once: Once) -> Row[Any] | None:
        with self.ledger.read() as connection:
            return _same(requests.get_once(connection, connection_id, once.key, self.clock()), once)

    def remember(
        self, connection: Connection, connection_id: str, decided: Sequence[tuple[Incoming, Decision]]
    ) -> None:
        """Newer times of people who need not be told, and which record of the source is which person."""
        people.save_times(connection, [decision.person for _, decision in decided if decision.person])
        emails: dict[str, dict[str, str]] = {}
        for incoming, decision in decided:
            said, email = incoming.translated, decision.contact.email
            if (
                decision.status != "rejected"
                and said.id
                and email
                and self.manifest.sources[incoming.source].global_ids
            ):
                emails.setdefault(incoming.source, {})[said.id] = email
        for source, linked in sorted(emails.items()):  # one order for all, else batches lock each other out
            people.link(connection, connection_id, source, linked)


def _first(connection: Connection, connection_id: str, once: Once | None, now: int) -> Row[Any] | None:
    """The request that had this idempotency key before; the key is taken when there was none."""
    if once is None:
        return None
    return _same(requests.begin_once(connection, connection_id, once.key, once.request_hash, now), once)


def _same(first: Row[Any] | None, once: Once) -> Row[Any] | None:
    if first is not None and first.request_hash != once.request_hash:
        raise Problem("idempotency_mismatch")
    return first


class _Import:
    """An import on its way in: chunk by chunk, invisible until it is sealed."""

    def __init__(self, intake: Intake, connection_id: str, reading: Reading, mode: Mode) -> None:
        self.intake, self.connection_id, self.reading, self.mode = intake, connection_id, reading, mode
        self.id = new_id()
        self.count = 0
        self.notes: dict[Note, None] = dict.fromkeys(reading.notes)
        self.waiting: set[str] = set()
        self.unchanged: dict[str, str] = {}

    def open(self) -> None:
        source = self.reading.sources[0] if len(self.reading.sources) == 1 else None
        row = {"id": self.id, "connection_id": self.connection_id, "source": source, "mode": self.mode, "records": 0}
        with self.intake.ledger.write() as connection:
            requests.open_import(connection, {**row, "notes": [], "created_at": self.intake.clock()})

    def add(self, chunk: list[Incoming]) -> None:
        """One transaction; of several rows of one person the last keeps its own outcome."""
        now, manifest = self.intake.clock(), self.intake.manifest
        with self.intake.ledger.write() as connection:
            known = knowledge(connection, self.connection_id, chunk, manifest)
            known.open.update(self.waiting)
            rows: list[dict[str, Any]] = []
            decided: list[tuple[Incoming, Decision]] = []
            superseded: dict[str, str] = {}
            for incoming in chunk:
                decision = decide(incoming, known, self.mode, manifest.fields, now)
                rows.append(
                    {**row_of(self.connection_id, incoming, decision, self.mode, BULK, now), "import_id": self.id}
                )
                decided.append((incoming, decision))
                superseded.update(self._absorbed(decision, str(rows[-1]["id"])))
                if decision.status == "waiting" and decision.who:
                    known.open.add(decision.who)
                    self.waiting.add(decision.who)
                if decision.person and decision.who:
                    known.people[decision.who] = decision.person
                self.notes.update(dict.fromkeys(placeless(decision, manifest.fields)))
            records.add(connection, rows)
            records.supersede(connection, superseded)
            self.intake.remember(connection, self.connection_id, decided)
        self.count += len(chunk)

    def _absorbed(self, decision: Decision, record_id: str) -> dict[str, str]:
        """The earlier unchanged row of the same person, which this one takes the place of."""
        if decision.who is None or decision.status not in ("waiting", "unchanged"):
            return {}
        earlier = self.unchanged.pop(decision.who, None)
        if decision.status == "unchanged":
            self.unchanged[decision.who] = record_id
        return {earlier: record_id} if earlier else {}

    def seal(self, once: Once | None) -> str:
        """Makes the import known and due; or drops it, when the same request came first by another way."""
        notes = [found.as_json() for found in self.notes]
        now = self.intake.clock()
        try:
            with self.intake.ledger.write(durable=True) as connection:
                first = _first(connection, self.connection_id, once, now)
                if first is None:
                    requests.seal_import(connection, self.id, self.count, now, notes=notes)
                    if once:
                        requests.made(connection, self.connection_id, once.key, import_id=self.id)
                    return self.id
                requests.drop_import(connection, self.id)
                return str(first.import_id)
        except Problem:
            with self.intake.ledger.write() as connection:
                requests.drop_import(connection, self.id)
            raise
