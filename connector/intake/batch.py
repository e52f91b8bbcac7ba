"""A batch: records that become an import, chunk by chunk, invisible until it is sealed. Its memory does not grow."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row

from connector.crisp.calls import Mode
from connector.errors import Problem
from connector.ids import new_id
from connector.intake.decide import Decision, decide, placeless
from connector.intake.known import knowledge
from connector.intake.reading import Incoming, Reading
from connector.intake.rows import row_of
from connector.ledger import connections as tenants
from connector.ledger import importing, news, records, requests, tallies
from connector.ledger.lanes import BULK
from connector.notes import Note
from connector.saying import say

if TYPE_CHECKING:
    from connector.intake.accept import Intake, Once

# Who imports tells so often that it still does; after so long without it is taken for dead (milliseconds).
_DEAD = 15_000
# So many records at once are not left to the next sweep.
_MANY = 1_000
# Seconds between two looks at the same import that another request brings in, and how long it is waited for.
_LOOK, _PATIENCE = 0.2, 600.0
# Bytes of a file that are kept in a millisecond at the very least.
_KEPT_PER_MS = 1_000


def not_kept() -> None:
    """The file is not to be kept."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What an import remembers of its file: the SHA-256 of it (if it is kept), its name, how it was read, and the hash
    of all that was asked for, by which the same import is known again while it runs. `limit`: so many records go out
    at first; `size`: bytes of the file. `keep` keeps it; called once the import names it, so that nobody drops it as
    one that none does."""

    hash: str | None
    name: str
    reading: dict[str, Any]
    fingerprint: str
    limit: int | None = None
    size: int = 0
    keep: Callable[[], None] = not_kept


class GivenUp(Exception):
    """Another request has taken this import's place, for it seemed dead."""


@dataclass
class Batch:
    """An import on its way in. `valid`: records that are not rejected; `codes`: why the others are."""

    intake: "Intake"
    connection_id: str
    reading: Reading
    mode: Mode
    file: FileFacts | None = None
    id: str = field(default_factory=new_id)
    count: int = 0
    valid: int = 0
    waits: bool = False
    codes: Counter[str] = field(default_factory=Counter)
    # Earlier unchanged rows by their person, of people who are named by another thing than an address of the row.
    unchanged: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.has_unchanged = self.count > 0  # of rows that somebody else has added it is not known
        self.notes: dict[Note, None] = dict.fromkeys(self.reading.notes)

    def open(self) -> str | None:
        """Begins; the id of the same import of a file instead, when that one runs."""
        source = self.reading.sources[0] if len(self.reading.sources) == 1 else None
        row: dict[str, Any] = {"id": self.id, "connection_id": self.connection_id, "source": source}
        row |= {"mode": self.mode, "records": 0, "notes": [], "created_at": self.intake.clock()}
        if self.file is None:
            with self.intake.ledger.write() as connection:
                importing.open_import(connection, row)
            return None
        facts = self.file
        row |= {"file": facts.hash, "file_name": facts.name, "reading": facts.reading}
        return self._open_once({**row, "fingerprint": facts.fingerprint})

    def _open_once(self, row: dict[str, Any]) -> str | None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            with self.intake.ledger.write(durable=True) as connection:
                now = self.intake.clock()
                tenants.locked(connection, self.connection_id)  # a file that no import names is dropped under this lock
                same = importing.open_once(connection, {**row, "touched_at": now + self._keeping})
                if same is None:
                    return None
                if (found := self._judged(connection, same, now)) is not None:
                    return found
            time.sleep(_LOOK)
        raise Problem("files_unavailable", reason=say("the same file has been coming in for a long time"))

    def _judged(self, connection: Connection, same: Row[Any], now: int) -> str | None:
        """The id of the same import when it runs. One that is over, or whose request died, makes room."""
        if same.accepted_at is None:
            importing.drop_unsealed(connection, now - _DEAD, import_id=same.id)
            return None
        if same.accepted_at >= self.reading.began:
            return str(same.id)  # it came in beside this one, whatever became of it since
        held = same.held_from is not None or same.cancelled_at is not None
        if not held and importing.moves(connection, self.connection_id, same.id):
            return str(same.id)
        importing.release(connection, same.id)
        return None

    @property
    def _keeping(self) -> int:
        """Milliseconds that keeping the file may take, in which nothing else is heard of the import."""
        return self.file.size // _KEPT_PER_MS if self.file else 0

    def add(self, chunk: list[Incoming]) -> None:
        """One transaction; of several rows of one person the last keeps its own outcome. Raises `GivenUp`."""
        with self.intake.ledger.write() as connection:
            self._hold_on(connection, self.intake.clock())
            self.add_in(connection, chunk)

    def add_in(self, connection: Connection, chunk: list[Incoming]) -> None:
        """The same within a transaction of somebody else's."""
        now, manifest = self.intake.clock(), self.intake.manifest
        known = knowledge(connection, self.connection_id, chunk, manifest)
        rows: list[dict[str, Any]] = []
        decided: list[tuple[Incoming, Decision]] = []
        for incoming in chunk:
            decision = decide(incoming, known, self.mode, manifest.fields, now, on_delete=self.reading.on_delete)
            row = row_of(self.connection_id, incoming, decision, self.mode, BULK, now)
            rows.append({**row, "import_id": self.id})
            decided.append((incoming, decision))
            if decision.status == "waiting" and decision.who:
                known.open.add(decision.who)
            if decision.person and decision.who:
                known.people[decision.who] = decision.person
            self.notes.update(dict.fromkeys(placeless(decision, manifest.fields)))
        superseded = self._superseded(connection, decided, rows)
        records.add(connection, rows)
        news.rejected(connection, self.connection_id, (row for row in rows if row["status"] == "rejected"), now)
        records.supersede(connection, superseded)
        self.intake.remember(connection, self.connection_id, decided)
        self._count(rows)

    def _hold_on(self, connection: Connection, now: int) -> None:
        """Says that it still comes in. Raises `GivenUp`."""
        if self.file is not None and not importing.touch(connection, self.id, now):
            raise GivenUp

    def _count(self, rows: Sequence[dict[str, Any]]) -> None:
        rejected = [str(row["code"]) for row in rows if row["status"] == "rejected"]
        self.codes.update(rejected)
        self.count += len(rows)
        self.valid += len(rows) - len(rejected)
        said = {row["status"] for row in rows}
        self.waits |= "waiting" in said
        self.has_unchanged |= "unchanged" in said

    def _superseded(
        self, connection: Connection, decided: Sequence[tuple[Incoming, Decision]], rows: Sequence[dict[str, Any]]
    ) -> dict[str, str]:
        """Earlier unchanged rows, each with the later one of the same person that takes its place."""
        named = {str(each.who) for _, each in decided if each.who and each.status in ("waiting", "unchanged")}
        addresses = sorted(name for name in named if "@" in name) if self.has_unchanged else []
        earlier = records.unchanged_in(connection, self.id, addresses) | self.unchanged
        superseded: dict[str, str] = {}
        for (_, decision), row in zip(decided, rows, strict=True):
            if decision.who is None or decision.status not in ("waiting", "unchanged"):
                continue
            if before := earlier.pop(decision.who, None):
                superseded[before] = row["id"]
            if decision.status == "unchanged":
                earlier[decision.who] = row["id"]
        unfindable = {str(each.who) for _, each in decided if each.contact.email != each.who}
        self.unchanged = {who: found for who, found in earlier.items() if who in unfindable or who in self.unchanged}
        return superseded

    def seal(self, once: "Once | None") -> str:
        """Makes the import known and due; or drops it, when the same request came first by another way, or when it is
        a file of which no row can be imported. Raises `file_no_valid_row`, `idempotency_mismatch`, `GivenUp`."""
        notes = [found.as_json() for found in self.notes]
        now = self.intake.clock()
        self._tally(now)
        try:
            self._check_valid()
            with self.intake.ledger.write(durable=True) as connection:
                self._hold_on(connection, now)
                first = once.taken(connection, self.connection_id, now) if once else None
                if first is None:
                    limit = self.file.limit if self.file else None
                    importing.seal_import(connection, self.id, self.count, now, limit=limit, notes=notes)
                    if once:
                        requests.made(connection, self.connection_id, once.key, import_id=self.id)
                    return self.id
                importing.drop_import(connection, self.id)
                return str(first.import_id)
        except Problem:
            self.drop()
            raise

    def _tally(self, now: int) -> None:
        """Adds up what many records have left in the tallies, so that whoever looks need not."""
        if self.count >= _MANY:
            with self.intake.ledger.write() as connection:
                tallies.fold(connection, now)

    def drop(self) -> None:
        """Leaves nothing of it behind."""
        with self.intake.ledger.write() as connection:
            importing.drop_import(connection, self.id)

    def _check_valid(self) -> None:
        if self.file is None or self.valid:
            return
        told = ", ".join(f"{count} × {code}" for code, count in self.codes.most_common())
        raise Problem("file_no_valid_row", count=self.count, reasons=told)
