"""Paged: an import that comes in page by page, by processes of which each may die between two pages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from connector import imports
from connector.crisp.calls import Mode
from connector.intake.batch import Batch, GivenUp
from connector.intake.reading import Reading
from connector.ledger import importing, records

if TYPE_CHECKING:
    from connector.intake.accept import Intake


@dataclass(frozen=True)
class Paged:
    """Takes pages in; what comes in becomes due when all of it is there. Nothing of it is in memory."""

    intake: "Intake"
    connection_id: str
    import_id: str
    source: str
    mode: Mode

    def add(self, reading: Reading, before: int, also: Callable[[Connection], None]) -> None:
        """One page, of which `before` rows came before, in one transaction with `also`. Raises `GivenUp` when somebody
        has ended the import meanwhile, and what `also` raises."""
        batch = Batch(self.intake, self.connection_id, reading, self.mode, id=self.import_id, count=before)
        with self.intake.ledger.write() as connection:
            also(connection)
            if not before:
                self._open(connection)
            batch.add_in(connection, list(reading))
            notes = [found.as_json() for found in batch.notes]
            if not importing.fills(connection, self.import_id, batch.count, notes):
                raise GivenUp

    def _open(self, connection: Connection) -> None:
        row = {"id": self.import_id, "connection_id": self.connection_id, "source": self.source, "mode": self.mode}
        importing.open_import(connection, {**row, "records": 0, "notes": [], "created_at": self.intake.clock()})

    def seal(self, count: int, also: Callable[[Connection], None]) -> None:
        """All is there: it becomes due, in one transaction with `also`."""
        with self.intake.ledger.write(durable=True) as connection:
            also(connection)
            importing.seal_import(connection, self.import_id, count, self.intake.clock())
            waits = records.totals(connection, self.import_id).as_json()["waiting"]
        if not waits:
            imports.end(self.intake.ledger, self.connection_id, self.import_id)
        self.intake.wake(self.connection_id, False)
