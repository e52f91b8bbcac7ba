"""Finishing: an event whose burst is over is completed, compared with what is known, and told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Row

from connector.errors import Problem
from connector.events import conversations, profiles
from connector.events.handing import Whom
from connector.events.tools import Dropped, Tools, is_doubtful
from connector.ids import made_at
from connector.ledger import events, work

log = structlog.get_logger()

# While a delivery of ours to the same person is under way: milliseconds to the next look, and how many looks.
_SOON, _PATIENT = 400, 25
# Pauses after a failure (milliseconds), the last of them for ever after; after a day it is told with what is known.
_PAUSES = (2_000, 10_000, 60_000, 300_000, 900_000)
_LONGEST = 86_400_000

_Reader = Callable[[Tools, Row[Any], Whom], bool]
_READERS: Mapping[str, _Reader] = {
    "contact_created": profiles.created,
    "contact_updated": profiles.updated,
    "contact_removed": profiles.removed,
    "conversation_data_changed": conversations.changed,
    "conversation_email_changed": conversations.changed,
    "segments_changed": conversations.changed,
}


@dataclass(frozen=True)
class Finishing:
    """Finishes events of Crisp, one by one."""

    tools: Tools

    def finish(self, row: Row[Any]) -> bool:
        """Tells this event; False when it is to be tried again, or turned out to be none."""
        try:
            whom = self.tools.whom(row)
            if whom.names and row.attempts < _PATIENT and self._is_in_hand(row.connection_id, whom):
                return self._later(row, _SOON)
            return self._read(row, whom)
        except Dropped:
            with self.tools.ledger.write() as connection:
                events.drop(connection, row.id)
            return False

    def _read(self, row: Row[Any], whom: Whom) -> bool:
        """While Crisp is away, or the quota is, the event waits; after a day it is told with what is known. What is
        doubtful waits for as long as it takes."""
        try:
            return _READERS[row.event](self.tools, row, whom)
        except Problem as problem:
            if self.tools.clock() - made_at(row.id) <= _LONGEST or is_doubtful(row):
                return self._waits(row, problem)
        return _READERS[row.event](self.tools.unread(), row, whom)

    def _waits(self, row: Row[Any], problem: Problem) -> bool:
        log.warning("event_waits", connection=row.connection_id, reason=problem.code)
        wanted = problem.facts.get("retry_after")
        return self.put_off(row, int(wanted) * 1000 if isinstance(wanted, int | float) else 0)

    def put_off(self, row: Row[Any], at_least: int = 0) -> bool:
        """It is tried again after a pause (`at_least`: milliseconds), longer with each time."""
        return self._later(row, max(at_least, _PAUSES[min(row.attempts, len(_PAUSES) - 1)]))

    def _later(self, row: Row[Any], milliseconds: int) -> bool:
        with self.tools.ledger.write() as connection:
            events.again(connection, row.id, self.tools.clock() + milliseconds)
        return False

    def _is_in_hand(self, connection_id: str, whom: Whom) -> bool:
        """A write of ours is under way: what it tells Crisp is known here only when it is answered."""
        with self.tools.ledger.read() as connection:
            return work.is_in_hand(connection, connection_id, whom.names)
