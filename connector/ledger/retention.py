"""Retention: what finished records said is dropped after a while; their codes and counts stay.

A record is finished when it was delivered or rejected. One that waits or is dead is not: it is still to be delivered,
and keeps what it says until it is, or until its person is erased. What is known of people stays, for it is what makes
an unchanged record cost nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, func, or_, select, update

from connector.ledger import Ledger, records
from connector.ledger.erasure import BLANK
from connector.ledger.tables import imports
from connector.ledger.tables import records as rows

DAY = 86_400_000
# Rows looked at in one transaction; transactions of one sweep, and how many it empties at most: others want to write,
# and wake-ups wait meanwhile. A thousand a minute is more than any quota brings in.
CHUNK, _CHUNKS, _EMPTIED = 250, 40, 1_000
# When everything was looked at, the next walk begins after so long (milliseconds).
_REST = 3_600_000
# Rejected records count from when they came: a delivery that came later is then never forgotten before them, so that
# replaying them cannot undo it.
_ENDED_AT = case(
    (rows.c.status == "rejected", rows.c.created_at), else_=func.coalesce(rows.c.finished_at, rows.c.created_at)
)
_FINISHED = rows.c.status.in_((*records.DELIVERED, "rejected"))
_HAS_BODY = or_(rows.c.contact.is_not(None), rows.c.who.is_not(None), rows.c.email.is_not(None))
_LOOKED_AT = (rows.c.id, rows.c.connection_id, rows.c.email, rows.c.who, rows.c.people_id, rows.c.created_at)


@dataclass
class Retention:
    """How long bodies are kept (days, 0: for ever), and how far this process's walk over the records has come."""

    days: int
    after: str = ""
    begins_at: int = 0


def sweep(ledger: Ledger, retention: Retention, now: int) -> int:
    """Goes on with the walk, in a few small transactions; how many records were emptied. For a caller that comes once
    a minute.

    No cleaning of the files is owed for it (`remains`): `secure_delete` overwrites what is dropped, the room is used
    again, and a rewritten file each minute would keep everybody from writing.
    """
    if now < retention.begins_at:
        return 0
    if not retention.after:
        _end_forgotten(ledger)
    if not retention.days:
        retention.begins_at = now + _REST
        return 0
    before, emptied = now - retention.days * DAY, 0
    for _ in range(_CHUNKS):
        with ledger.write() as connection:
            count, after = drop_bodies(connection, before, after=retention.after)
        emptied += count
        retention.after = after or ""
        if after is None:
            retention.begins_at = now + _REST
        if after is None or emptied >= _EMPTIED:
            break
    return emptied


def drop_bodies(connection: Connection, before: int, *, after: str = "", limit: int = CHUNK) -> tuple[int, str | None]:
    """Empties those of the next `limit` records after this id that ended before this time; how many they were, and
    the id of the last one looked at: None at the end of what is old enough."""
    ahead = select(rows.c.id, rows.c.created_at).where(rows.c.id > after).order_by(rows.c.id).limit(limit)
    looked_at = connection.execute(ahead).all()
    if not looked_at:
        return 0, None
    last = looked_at[-1]
    old = and_(rows.c.id > after, rows.c.id <= last.id, _FINISHED, before > _ENDED_AT, _HAS_BODY)
    # Whoever else has one of them in hand (a replay, an erasure) is not waited for: the next walk comes by.
    found = _empty(connection, select(*_LOOKED_AT).where(old).with_for_update(skip_locked=True))
    # Ids are in the order of their time: what comes after a record that is too new is too new.
    over = len(looked_at) < limit or last.created_at >= before
    return len(found), None if over else last.id


def drop_bodies_of(ledger: Ledger, import_id: str) -> int:
    """Empties the finished records of one import, in small transactions; how many they were."""
    mine = select(*_LOOKED_AT, rows.c.row).where(rows.c.import_id == import_id, _FINISHED, _HAS_BODY)
    after, emptied = 0, 0
    while True:
        chunk = mine.where(rows.c.row > after).order_by(rows.c.row).limit(CHUNK)
        with ledger.write() as connection:
            found = _empty(connection, chunk.with_for_update())
        if not found:
            return emptied
        after, emptied = found[-1].row, emptied + len(found)


def _end_forgotten(ledger: Ledger) -> None:
    """Imports of files that are to be forgotten are emptied when they end; not when a process died just then."""
    body = select(rows.c.id).where(rows.c.import_id == imports.c.id, _FINISHED, _HAS_BODY).exists()
    waits = select(rows.c.id).where(rows.c.import_id == imports.c.id, rows.c.status == "waiting").exists()
    forgotten = (imports.c.file.is_(None), imports.c.reading.is_not(None), imports.c.accepted_at.is_not(None))
    with ledger.read() as connection:
        ended = connection.execute(select(imports.c.id, imports.c.reading).where(*forgotten, ~waits, body)).all()
    for row in ended:
        if row.reading.get("forget"):
            drop_bodies_of(ledger, row.id)


def _empty(connection: Connection, which: Select[Any]) -> Sequence[Row[Any]]:
    """Empties the records that are found so."""
    found = connection.execute(which).all()
    if found:
        _keep_order(connection, found)
        connection.execute(update(rows).where(rows.c.id.in_([row.id for row in found])).values(BLANK))
    return found


def _keep_order(connection: Connection, found: Sequence[Any]) -> None:
    """A dead record may be replayed when what was delivered after it is forgotten: so its person is told now of when
    that was. One that named its person by people_id alone is not looked for: that would read every record."""
    for connection_id in {row.connection_id for row in found}:
        emails = {row.email for row in found if row.connection_id == connection_id and row.email}
        dead = (rows.c.connection_id == connection_id, rows.c.email.in_(emails), rows.c.status == "dead")
        waiting_for_replay = set(connection.scalars(select(rows.c.email).where(*dead, rows.c.at.is_(None))))
        ids = [row.id for row in found if row.connection_id == connection_id and row.email in waiting_for_replay]
        if ids:
            records.date_people(connection, connection_id, ids)
