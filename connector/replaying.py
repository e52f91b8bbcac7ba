"""Rejected and dead records are sent again: the same over HTTP and from the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from connector.errors import Detail, Problem
from connector.ledger import importing, records
from connector.services import Services


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many records wait again, and how many have no usable contact, so that they cannot."""

    count: int
    not_replayable: int


def replay(services: Services, connection_id: str, conditions: dict[str, Any]) -> Replayed:
    """Sends again what fits every condition (those of `records.chosen`).

    Raises `outcome_missing` and `import_missing`, with the fact `missing`: the ids that are not there. Nothing is sent
    again then.
    """
    chosen = records.chosen(**conditions)
    with services.ledger.write(durable=True) as connection:
        _check_ids(connection, connection_id, conditions.get("ids") or ())
        _check_import(connection, connection_id, conditions.get("import_id"))
        left = records.beyond_replay(connection, connection_id, chosen)
        importing.revive(connection, connection_id, chosen)
        count = records.replay(connection, connection_id, chosen, services.courier.clock())
    if count:
        services.engine.wake(connection_id)
    return Replayed(count, left)


def _check_ids(connection: Connection, connection_id: str, ids: Sequence[str]) -> None:
    known = records.known(connection, connection_id, ids)
    missing = [place for place, each in enumerate(ids) if each not in known]
    # By position: what was sent as an id may be anything, an address of somebody for instance.
    told = Problem("outcome_missing").message
    errors = [Detail(told, "outcome_missing", f"ids.{place}") for place in missing]
    if missing:
        raise Problem("outcome_missing", errors=errors, missing=[ids[place] for place in missing])


def _check_import(connection: Connection, connection_id: str, import_id: str | None) -> None:
    if import_id is None:
        return
    found = importing.get_import(connection, connection_id, import_id)
    if found is None or found.accepted_at is None:
        raise Problem("import_missing", missing=[import_id])
