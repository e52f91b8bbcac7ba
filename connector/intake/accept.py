"""Accepting: the only way in. What is answered is on disk before it is answered; what is refused changed nothing."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row

from connector import imports
from connector.crisp.calls import Mode
from connector.errors import Problem
from connector.intake.batch import Batch, FileFacts, GivenUp
from connector.intake.decide import Decision, decide, placeless
from connector.intake.known import knowledge
from connector.intake.options import Options
from connector.intake.reading import Incoming, Reading
from connector.intake.rows import row_of
from connector.ledger import Ledger, news, people, records, requests
from connector.ledger.lanes import LIVE
from connector.manifest import Manifest
from connector.sources import Payload

_CHUNK = 500


def _tell_nobody(_count: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key and the hash of the request that has it."""

    key: str
    request_hash: str

    def taken(self, connection: Connection, connection_id: str, now: int) -> Row[Any] | None:
        """The request that had the key before; the key is taken when there was none. Raises `idempotency_mismatch`."""
        return self.same(requests.begin_once(connection, connection_id, self.key, self.request_hash, now))

    def same(self, first: Row[Any] | None) -> Row[Any] | None:
        """That request, which must have been this one."""
        if first is not None and first.request_hash != self.request_hash:
            raise Problem("idempotency_mismatch")
        return first


@dataclass(frozen=True)
class Intake:
    """Takes records in. `wake` is told which connection has new work, and whether somebody waits for it; `clock` gives
    UNIX milliseconds."""

    ledger: Ledger
    manifest: Manifest
    clock: Callable[[], int]
    wake: Callable[[str, bool], None]

    def reading(self, payloads: Callable[[], Iterable[Payload]], options: Options, *, before: int = 0) -> Reading:
        """The records of payloads, translated as of now; `before`: rows that came before them."""
        now = datetime.fromtimestamp(self.clock() / 1000, UTC)
        return Reading(payloads, options, self.manifest, now, before=before)

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
            first = once.taken(connection, connection_id, self.clock()) if once else None
            if first is not None or incoming is None:
                return first.record_id if first is not None else None
            row = self._add_one(connection, connection_id, incoming, mode, who, reading)
            if once:
                requests.made(connection, connection_id, once.key, record_id=row["id"])
        if row["status"] == "waiting":
            self.wake(connection_id, True)
        return str(row["id"])

    def _add_one(
        self,
        connection: Connection,
        connection_id: str,
        incoming: Incoming,
        mode: Mode,
        who: str | None,
        reading: Reading,
    ) -> dict[str, Any]:
        """The record's row, with the notes about the payload as a whole, which nothing else of it could keep."""
        now, beside, on_delete = self.clock(), reading.notes, reading.on_delete
        known = knowledge(connection, connection_id, [incoming], self.manifest, who)
        decision = decide(incoming, known, mode, self.manifest.fields, now, who=who, on_delete=on_delete)
        row = row_of(connection_id, incoming, decision, mode, LIVE, now)
        row["notes"] += [found.as_json() for found in (*placeless(decision, self.manifest.fields), *beside)]
        row["due_at"] = now if decision.status == "waiting" else None
        records.add(connection, [row])
        news.rejected(connection, connection_id, [row] if row["status"] == "rejected" else (), now)
        self.remember(connection, connection_id, [(incoming, decision)])
        return row

    def many(
        self,
        connection_id: str,
        reading: Reading,
        mode: Mode,
        *,
        once: Once | None = None,
        file: FileFacts | None = None,
        told: Callable[[int], None] = _tell_nobody,
    ) -> str | None:
        """Accepts records as an import and returns its id; None when there are none. They become due together.

        `file`: they come in a file; while the same import of it runs, that one's id is returned. `told` hears how many
        have come in. Raises `idempotency_mismatch`, `file_no_valid_row`.
        """
        if once and (first := self._looked_up(connection_id, once)) is not None:
            return str(first.import_id)
        if not reading.count:
            return None
        batch = Batch(self, connection_id, reading, mode, file)
        if (same := batch.open()) is not None:
            return same
        try:
            self._fill(batch, told)
        except GivenUp:
            return self.many(connection_id, reading, mode, once=once, file=file, told=told)
        import_id = batch.seal(once)
        if not batch.waits:
            imports.end(self.ledger, connection_id, import_id)
        self.wake(connection_id, False)
        return import_id

    def _fill(self, batch: Batch, told: Callable[[int], None]) -> None:
        """What is not whole when something goes wrong, or at Ctrl-C, is dropped: it can be sent again at once."""
        try:
            if batch.file:
                batch.file.keep()
            incoming = iter(batch.reading)
            while chunk := list(islice(incoming, _CHUNK)):
                batch.add(chunk)
                told(batch.count)
        except (Problem, KeyboardInterrupt):
            batch.drop()
            raise

    def _looked_up(self, connection_id: str, once: Once) -> Row[Any] | None:
        with self.ledger.read() as connection:
            return once.same(requests.get_once(connection, connection_id, once.key, self.clock()))

    def remember(
        self, connection: Connection, connection_id: str, decided: Sequence[tuple[Incoming, Decision]]
    ) -> None:
        """Newer times of people who need not be told, and which record of the source is which person."""
        people.save_times(connection, [decision.person for _, decision in decided if decision.person])
        emails: dict[str, dict[str, str]] = {}
        for incoming, decision in decided:
            said, email = incoming.translated, decision.linked
            if decision.status == "rejected" or said.deleted:
                continue
            if said.id and email and self.manifest.source(incoming.source).global_ids:
                emails.setdefault(incoming.source, {})[said.id] = email
        for source, linked in sorted(emails.items()):  # one order for all, else batches lock each other out
            people.link(connection, connection_id, source, linked)
