"""Erasures: people whom a source wants gone are erased, one after the other."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from connector import imports
from connector.budget import QUARTER
from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.ledger import erasures

# Milliseconds in which one is carried out; after that another process may.
_TERM = 120_000
# Milliseconds before the second try, and at most before any.
_FIRST, _LONGEST = 1_000, 300_000
# What is waited for, however long: it is nobody's failure.
_NO_FAILURE = ("connection_halted", "quota_used_up", "crisp_rate_limited", "contact_busy")


@dataclass(frozen=True)
class Erasures:
    """Carries out what records ask for; they wait, are tried again and end as all records do."""

    needs: Needs

    def run_one(self) -> bool:
        """Carries one out; False when none is due."""
        now = self.needs.intake.clock()
        with self.needs.ledger.read() as connection:
            if not erasures.due(connection, now):
                return False
        with self.needs.ledger.write(durable=True) as connection:
            row = erasures.claim(connection, now, now + _TERM)
        if row is not None:
            self._carry_out(row)
        return row is not None

    def _carry_out(self, row: Row[Any]) -> None:
        live = row.import_id is None  # many at once, as of a whole shop, leave others what is kept for single contacts
        try:
            done = self.needs.erase(row.connection_id, row.email, wait=False, asked_at=row.created_at, live=live)
        except Problem as problem:
            self._later(row, problem)
            return
        status = "updated" if done["in_crisp"] else "unchanged"
        self._end(row, status=status, code=None, calls=row.calls + done["calls"])

    def _later(self, row: Row[Any], problem: Problem) -> None:
        """Tries again later; what has failed for as long as a record may is dead, and can be replayed."""
        now, age = self.needs.intake.clock(), self.needs.settings.retry_age * 1000
        since = None if problem.code in _NO_FAILURE else row.failing_since or now
        if since is not None and now - since >= age:
            self._end(row, status="dead", code=problem.code)
            return
        pause = min(_FIRST << min(row.attempts - 1, 16), _LONGEST)
        pause = max(pause, min((problem.retry_after or 0) * 1000, QUARTER))
        with self.needs.ledger.write() as connection:
            erasures.save(connection, row, code=problem.code, due_at=now + pause, failing_since=since)

    def _end(self, row: Row[Any], **values: Any) -> None:
        ended = {"due_at": None, "failing_since": None, "finished_at": self.needs.intake.clock()}
        with self.needs.ledger.write(durable=True) as connection:
            erasures.save(connection, row, **ended, **values)
        if row.import_id is not None:
            imports.end(self.needs.ledger, row.connection_id, row.import_id)
