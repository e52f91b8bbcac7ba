"""Says in the log when an import is completed. Looked at beside the drain, so that no call waits for it."""

from collections.abc import Iterable
from concurrent.futures import Executor
from threading import Lock

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector import imports
from connector.ledger import Ledger
from connector.ledger.records import IdentityBroken

log = structlog.get_logger()

# Seconds between two looks at imports of which records ended.
_PAUSE = 5.0


class Completion:
    """Imports of which records ended during one drain."""

    def __init__(self, ledger: Ledger, pool: Executor, connection_id: str) -> None:
        self._ledger, self._pool, self._connection_id = ledger, pool, connection_id
        self._lock = Lock()
        self._touched: set[str] = set()
        self._look_at = 0.0

    def ended(self, import_ids: Iterable[str | None]) -> None:
        """Records of these imports ended."""
        with self._lock:
            self._touched.update(import_id for import_id in import_ids if import_id)

    def look(self, seconds: float, *, last: bool) -> None:
        """Looks which of them are completed: now and then, and at the drain's end. `seconds`: the drain's clock."""
        with self._lock:
            if not self._touched or not (last or seconds >= self._look_at):
                return
            self._look_at = seconds + _PAUSE
            touched, self._touched = self._touched, set()
        self._pool.submit(self._tell, touched)

    def _tell(self, import_ids: Iterable[str]) -> None:
        for import_id in import_ids:
            try:
                if not imports.end(self._ledger, self._connection_id, import_id):
                    self.ended([import_id])
            except (SQLAlchemyError, IdentityBroken) as problem:
                reason = type(problem).__name__
                log.error("import_not_shown", connection=self._connection_id, import_id=import_id, reason=reason)
