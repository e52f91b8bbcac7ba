"""Imports are paused, resumed and cancelled: the same over HTTP and from the command line."""

from typing import Any

from sqlalchemy import Connection

from connector import imports
from connector.errors import Problem
from connector.ledger import importing, records
from connector.saying import say
from connector.services import Services

# What can still be done in which state.
_CAN = {"paused": ("running", "paused"), "resumed": ("running", "paused"), "cancelled": ("running", "paused")}


def pause(services: Services, connection_id: str, import_id: str) -> None:
    """Nothing more of the import goes out. Raises `import_missing`, `import_state`."""
    with services.ledger.write(durable=True) as connection:
        _check(connection, connection_id, import_id, "paused")
        importing.pause(connection, connection_id, import_id)


def resume(services: Services, connection_id: str, import_id: str) -> None:
    """All of the import goes out. Raises `import_missing`, `import_state`."""
    with services.ledger.write(durable=True) as connection:
        _check(connection, connection_id, import_id, "resumed")
        importing.resume(connection, connection_id, import_id, services.courier.clock())
    services.engine.wake(connection_id)


def cancel(services: Services, connection_id: str, import_id: str) -> int:
    """What was not told to Crisp is rejected; how many records that were. Raises `import_missing`, `import_state`."""
    with services.ledger.write(durable=True) as connection:
        _check(connection, connection_id, import_id, "cancelled")
        count = importing.cancel(connection, connection_id, import_id, services.courier.clock())
    imports.end(services.ledger, connection_id, import_id)
    return count


def _check(connection: Connection, connection_id: str, import_id: str, wanted: str) -> Any:
    row = importing.get_import(connection, connection_id, import_id)
    if row is None or row.accepted_at is None:
        raise Problem("import_missing")
    state = imports.state_of(connection, row, records.totals(connection, import_id).as_json())
    if state not in _CAN[wanted]:
        raise Problem("import_state", state=say(state), wanted=say(wanted))
    return row
