"""Imports: records that were accepted together, how far they may go, and what is remembered of their file."""

from collections.abc import Collection, Generator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from connector.ledger import quotas
from connector.ledger import records as telling
from connector.ledger.remains import leave
from connector.ledger.tables import imports, pulls, records
from connector.ledger.upsert import insert_or_ignore

_WAITING = records.c.status == "waiting"
_FREE = and_(_WAITING, records.c.claim.is_(None))
# What becomes of records of a cancelled import that were not told to Crisp.
_CANCELLED = {"status": "rejected", "code": "import_cancelled", "due_at": None}


def _of_import(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(imports.c.id).where(imports.c.id == records.c.import_id, condition).exists()


# Asked for by each drain, so made once.
_THESE = and_(records.c.id.in_(bindparam("b_ids", expanding=True)), _FREE)
_HOLD = update(records).where(_THESE, _of_import(imports.c.held_from <= records.c.row)).values(due_at=None)
_CANCEL = (
    update(records)
    .where(_THESE, _of_import(imports.c.cancelled_at.is_not(None)))
    .values(**_CANCELLED, finished_at=bindparam("b_now"))
)


def open_import(connection: Connection, row: Mapping[str, Any]) -> None:
    """Begins an import; its records are not due before `seal_import`."""
    connection.execute(insert(imports), dict(row))


def open_once(connection: Connection, row: Mapping[str, Any]) -> Row[Any] | None:
    """Begins an import unless there is one of its fingerprint, which is then returned."""
    if insert_or_ignore(connection, imports, row):
        return None
    mine = (imports.c.connection_id == row["connection_id"]) & (imports.c.fingerprint == row["fingerprint"])
    return connection.execute(select(imports).where(mine)).one_or_none()


def touch(connection: Connection, import_id: str, now: int) -> bool:
    """Says that records still come in; False when the import was given up meanwhile."""
    return bool(connection.execute(_one(import_id).values(touched_at=now)).rowcount)


def fills(connection: Connection, import_id: str, count: int, notes: Sequence[Mapping[str, Any]]) -> bool:
    """How many records of an import have come in so far, and what else is noted of it; False when it does not come in
    any more."""
    open_ = select(imports.c.notes).where(imports.c.id == import_id, imports.c.accepted_at.is_(None)).with_for_update()
    known = connection.execute(open_).scalar_one_or_none()
    if known is None:
        return False
    new = [dict(each) for each in notes if each not in known]
    connection.execute(_one(import_id).values(records=count, notes=[*known, *new]))
    return True


def release(connection: Connection, import_id: str) -> None:
    """The same may be imported again from now on."""
    connection.execute(_one(import_id).values(fingerprint=None))


def seal_import(
    connection: Connection, import_id: str, count: int, now: int, *, limit: int | None = None, **values: Any
) -> None:
    """The whole import is accepted: its records become due; with `limit` the first that wait, the others are held."""
    held_from = None if limit is None else _row_after(connection, import_id, min(limit, count))
    sealed = {"records": count, "accepted_at": now, "held_from": held_from, **values}
    connection.execute(_one(import_id).values(sealed))
    waiting = (records.c.import_id == import_id) & _WAITING
    if held_from is not None:
        waiting &= records.c.row < held_from
    connection.execute(update(records).where(waiting).values(due_at=now))


def _row_after(connection: Connection, import_id: str, limit: int) -> int | None:
    """The row of the first waiting record after so many."""
    waiting = select(records.c.row).where(records.c.import_id == import_id, _WAITING)
    return connection.scalar(waiting.order_by(records.c.row).offset(limit).limit(1))


def drop_import(connection: Connection, import_id: str) -> None:
    """Removes an import that nobody was told of."""
    connection.execute(delete(records).where(records.c.import_id == import_id))
    connection.execute(delete(imports).where(imports.c.id == import_id))


def drop_unsealed(connection: Connection, before: int, *, import_id: str | None = None) -> int:
    """Removes imports (or this one) whose sender or process went away before they were accepted, with their records;
    nobody was told of them. One that is just being accepted stays, and one that a pull goes on with."""
    seen_at = func.coalesce(imports.c.touched_at, imports.c.created_at)
    pulled = select(pulls.c.inbound_id).where(pulls.c.import_id == imports.c.id, pulls.c.ended_at.is_(None)).exists()
    left = imports.c.accepted_at.is_(None) & (seen_at < before) & ~pulled
    if import_id is not None:
        left &= imports.c.id == import_id
    return connection.execute(delete(imports).where(left)).rowcount


def get_import(connection: Connection, connection_id: str, import_id: str) -> Row[Any] | None:
    """One import."""
    mine = (imports.c.connection_id == connection_id) & (imports.c.id == import_id)
    return connection.execute(select(imports).where(mine)).one_or_none()


def list_imports(connection: Connection, connection_id: str, *, before: str | None, limit: int) -> list[Row[Any]]:
    """Accepted imports, newest first."""
    listing = select(imports).where(imports.c.connection_id == connection_id, imports.c.accepted_at.is_not(None))
    if before:
        listing = listing.where(imports.c.id < before)
    return list(connection.execute(listing.order_by(imports.c.id.desc()).limit(limit)))


def pace(connection: Connection, import_id: str) -> tuple[int, int | None, int | None]:
    """Records finished by delivery, and when the first and the last of them were."""
    done = (records.c.import_id == import_id) & records.c.finished_at.is_not(None) & (records.c.attempts > 0)
    times = (func.count(), func.min(records.c.finished_at), func.max(records.c.finished_at))
    row = connection.execute(select(*times).where(done)).one()
    return row[0], row[1], row[2]


def told(connection: Connection, import_id: str) -> Generator[Any, None, None]:
    """Person, row, contact and time of what an import says to Crisp, or would say if it were not cancelled; person by
    person."""
    columns = (records.c.who, records.c.row, records.c.contact, records.c.at)
    says = (records.c.status != "rejected") | (records.c.code == "import_cancelled")
    mine = (records.c.import_id == import_id) & records.c.contact.is_not(None) & says
    listing = select(*columns).where(mine).order_by(records.c.who, records.c.row)
    with connection.execute(listing.execution_options(yield_per=500)) as found:
        yield from found


def moves(connection: Connection, connection_id: str, import_id: str) -> bool:
    """Whether a record of the import is due, now or later, or in hand: not all that waits is held."""
    # By the indexes of what waits: that of the import would go through all that is done.
    mine = (records.c.connection_id == connection_id) & (func.coalesce(records.c.import_id, "") == import_id)
    for state in (_FREE & records.c.due_at.is_not(None), _WAITING & records.c.claim.is_not(None)):
        if connection.scalar(select(records.c.id).where(mine, state).limit(1)) is not None:
            return True
    return False


def pause(connection: Connection, connection_id: str, import_id: str) -> None:
    """Nothing more of the import goes out; what is in hand is finished."""
    quotas.hold(connection, connection_id)  # as a drain does: it sees this, or this sees what it left
    connection.execute(_one(import_id).values(held_from=0))
    _change(connection, connection_id, import_id, records.c.due_at.is_not(None), {"due_at": None})


def resume(connection: Connection, connection_id: str, import_id: str, now: int) -> None:
    """All of the import goes out. What was delivered since it came in is not undone: without a time of its source, a
    row counts as of when it came."""
    quotas.hold(connection, connection_id)  # as a drain does: it sees this, or this sees what it left
    came = connection.scalar(select(imports.c.created_at).where(imports.c.id == import_id)) or 0
    telling.date_since(connection, connection_id, came, but=import_id)
    connection.execute(_one(import_id).values(held_from=None))
    dated = {"due_at": now, "at": func.coalesce(records.c.at, records.c.created_at)}
    _change(connection, connection_id, import_id, records.c.due_at.is_(None), dated)


def cancel(connection: Connection, connection_id: str, import_id: str, now: int) -> int:
    """What of the import is not in hand is rejected; how many records that were."""
    quotas.hold(connection, connection_id)  # as a drain does: it sees this, or this sees what it left
    connection.execute(_one(import_id).values(held_from=0, cancelled_at=now))
    return _change(connection, connection_id, import_id, _FREE, {**_CANCELLED, "finished_at": now})


def hold(connection: Connection, record_ids: Collection[str], now: int) -> None:
    """Of records that were in hand and wait again, those whose import was paused or cancelled meanwhile."""
    these = {"b_ids": list(record_ids)}
    connection.execute(_HOLD, these)
    connection.execute(_CANCEL, {**these, "b_now": now})


def revive(connection: Connection, connection_id: str, conditions: Sequence[ColumnElement[bool]]) -> None:
    """Rejected and dead records that meet these conditions are sent again: their imports are cancelled no more."""
    failed = (records.c.connection_id == connection_id, records.c.status.in_(("rejected", "dead")))
    of_them = imports.c.id.in_(select(records.c.import_id).where(*failed, *conditions))
    cancelled = imports.c.cancelled_at.is_not(None)
    connection.execute(update(imports).where(cancelled, of_them).values(cancelled_at=None, held_from=None))


def files_of(connection: Connection, connection_id: str) -> list[Row[Any]]:
    """Imports whose file is kept."""
    kept = (imports.c.connection_id == connection_id) & imports.c.file.is_not(None)
    return list(connection.execute(select(imports).where(kept)))


def names_file(connection: Connection, connection_id: str, file: str) -> bool:
    """Whether an import of this connection names the file."""
    mine = (imports.c.connection_id == connection_id) & (imports.c.file == file)
    return connection.scalar(select(imports.c.id).where(mine).limit(1)) is not None


def files_kept(connection: Connection) -> set[tuple[str, str]]:
    """Connection and hash of every file that an import still names."""
    named = select(imports.c.connection_id, imports.c.file).where(imports.c.file.is_not(None)).distinct()
    return {(row.connection_id, row.file) for row in connection.execute(named)}


def forget_files(connection: Connection, before: int) -> int:
    """Imports that ended before this time do not name their file any more."""
    lives = _WAITING | (records.c.finished_at >= before)
    in_use = select(records.c.id).where(records.c.import_id == imports.c.id, lives).exists()
    old = imports.c.file.is_not(None) & (imports.c.accepted_at < before) & ~in_use
    return connection.execute(update(imports).where(old).values(file=None)).rowcount


def replace_file(
    connection: Connection, connection_id: str, file: str, by: str | None, reading: Mapping[str, Any]
) -> None:
    """Another file (None: no file) takes the place of one for all imports that name it; `reading`: how it is read."""
    mine = (imports.c.connection_id == connection_id) & (imports.c.file == file)
    for row in connection.execute(select(imports.c.id, imports.c.reading).where(mine).with_for_update()).all():
        connection.execute(_one(row.id).values(file=by, reading={**row.reading, **reading}))


def that_name(
    connection: Connection, connection_id: str, names: Collection[str], *, lock: bool = False
) -> list[Row[Any]]:
    """Imports of which a name is remembered: in what their file was called, or in its columns."""
    told = (imports.c.file_name, cast(imports.c.reading, Text))
    named = or_(*(column.icontains(name, autoescape=True) for column in told for name in names))
    mine = select(imports).where(imports.c.connection_id == connection_id, named)
    return list(connection.execute(mine.with_for_update() if lock else mine))


def rename(connection: Connection, import_id: str, file_name: str, reading: Mapping[str, Any]) -> None:
    """What is remembered of the file of an import from now on; nothing of what it was stays."""
    connection.execute(_one(import_id).values(file_name=file_name, reading=dict(reading)))
    leave(connection)


def _one(import_id: str) -> Any:
    return update(imports).where(imports.c.id == import_id)


def _change(
    connection: Connection, connection_id: str, import_id: str, which: ColumnElement[bool], values: Mapping[str, Any]
) -> int:
    """Changes free records of an import; locked in the order in which all others lock them."""
    mine = (records.c.connection_id == connection_id) & (records.c.import_id == import_id) & _FREE & which
    if connection.dialect.name != "sqlite":  # there one transaction writes at a time
        ordered = select(records.c.id).where(mine).order_by(records.c.who, records.c.id).with_for_update()
        connection.execute(select(func.count()).select_from(ordered.subquery()))
    return connection.execute(update(records).where(mine).values(values)).rowcount
