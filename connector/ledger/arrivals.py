"""Arrivals: what other systems sent, byte for byte, until it is understood, and what became of it."""

import re
from collections.abc import Collection, Iterator
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote_plus

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from connector.ledger.remains import leave
from connector.ledger.tables import arrivals

_CHUNK = 500
# A line break and the like before a word: else its letter would be taken for the first of that word.
_SHORT_ESCAPE = re.compile(r'\\[bfnrt"/\\]')
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def add(connection: Connection, row: dict[str, Any]) -> None:
    """Stores what came, due at once."""
    connection.execute(insert(arrivals), {**row, "due_at": row["received_at"], "attempts": 0})


def has_twin(connection: Connection, inbound_id: str, digest: str, since: int) -> bool:
    """Whether the same came to this address after this time (UNIX milliseconds)."""
    same = (arrivals.c.inbound_id == inbound_id) & (arrivals.c.digest == digest)
    return connection.scalar(select(arrivals.c.id).where(same, arrivals.c.received_at > since).limit(1)) is not None


def due(connection: Connection, now: int, *, busy: Collection[str] = ()) -> str | None:
    """The id of what is due first, at no address that is busy."""
    return connection.scalar(select(arrivals.c.id).where(_due(now, busy)).order_by(*_FIRST).limit(1))


def claim(connection: Connection, now: int, until: int, *, busy: Collection[str] = ()) -> Row[Any] | None:
    """Takes in hand what is due first, at no address that is busy. Who has not ended it by `until` has died, or is too
    late: then another may, and `attempts` tells the two apart."""
    first = select(arrivals).where(_due(now, busy)).order_by(*_FIRST).limit(1).with_for_update(skip_locked=True)
    row = connection.execute(first).one_or_none()
    if row is None:
        return None
    taken = update(arrivals).where(arrivals.c.id == row.id)
    connection.execute(taken.values(due_at=until, attempts=row.attempts + 1))
    return connection.execute(select(arrivals).where(arrivals.c.id == row.id)).one()


def finish(
    connection: Connection,
    arrival: Row[Any],
    outcome: str,
    *,
    keeps_body: bool = False,
    record_id: str | None = None,
    import_id: str | None = None,
) -> bool:
    """Ends what one has in hand, with what became of it. False when another has it by now."""
    values: dict[str, Any] = {"outcome": outcome, "due_at": None, "record_id": record_id, "import_id": import_id}
    if not keeps_body:
        values["body"] = None
    return bool(connection.execute(update(arrivals).where(_in_hand(arrival)).values(values)).rowcount)


def postpone(connection: Connection, arrival: Row[Any], due_at: int) -> None:
    """Gives back what one has in hand, due at another time."""
    connection.execute(update(arrivals).where(_in_hand(arrival)).values(due_at=due_at))


def of_inbound(connection: Connection, inbound_id: str, *, before: str | None, limit: int) -> list[Row[Any]]:
    """What came to an address, newest first, from before this id on; without the bodies."""
    wanted = arrivals.c.inbound_id == inbound_id
    if before is not None:
        wanted &= arrivals.c.id < before
    columns = [column for column in arrivals.c if column is not arrivals.c.body]
    return list(connection.execute(select(*columns).where(wanted).order_by(arrivals.c.id.desc()).limit(limit)))


def again(connection: Connection, inbound_id: str, outcomes: Collection[str], now: int) -> int:
    """Makes due again what ended so at an address and still has its body; how many they are."""
    ended = (arrivals.c.inbound_id == inbound_id) & arrivals.c.outcome.in_(outcomes) & arrivals.c.body.is_not(None)
    values = {"due_at": now, "outcome": None, "received_at": now}
    return connection.execute(update(arrivals).where(ended, arrivals.c.due_at.is_(None)).values(values)).rowcount


def purge(connection: Connection, before: int) -> int:
    """Removes some of what ended and came before this time (UNIX milliseconds); how many they were."""
    old = select(arrivals.c.id).where(arrivals.c.due_at.is_(None), arrivals.c.received_at < before).limit(_CHUNK)
    return connection.execute(delete(arrivals).where(arrivals.c.id.in_(old.scalar_subquery()))).rowcount


def forget(connection: Connection, connection_id: str, named: re.Pattern[str], outcome: str) -> int:
    """Empties what came and names a person, whom the pattern finds; how many they were. What is not taken in yet never
    is."""
    mine = (arrivals.c.connection_id == connection_id) & arrivals.c.body.is_not(None)
    held = connection.execute(select(arrivals.c.id, arrivals.c.body).where(mine).with_for_update())
    found = [row.id for row in held if any(named.search(text) for text in _texts(row.body))]
    emptied = {"body": None, "due_at": None, "outcome": outcome}
    connection.execute(update(arrivals).where(arrivals.c.id.in_(found)).values(emptied))
    if found:
        leave(connection)
    return len(found)


def _texts(body: bytes) -> Iterator[str]:
    """What a body says: as it is, without the escapes of JSON, and without those of a form; in any encoding that an
    address can be written in."""
    for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
        text = normalize("NFC", body.decode(encoding, "replace"))
        yield text
        yield normalize("NFC", _ESCAPED.sub(lambda found: chr(int(found[1], 16)), _SHORT_ESCAPE.sub(" ", text)))
        yield normalize("NFC", unquote_plus(text))


_FIRST = (arrivals.c.due_at, arrivals.c.id)


def _due(now: int, busy: Collection[str]) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = and_(arrivals.c.due_at <= now, arrivals.c.inbound_id.not_in(sorted(busy)))
    return wanted


def _in_hand(arrival: Row[Any]) -> ColumnElement[bool]:
    mine = (arrivals.c.id == arrival.id, arrivals.c.attempts == arrival.attempts)
    wanted: ColumnElement[bool] = and_(*mine, arrivals.c.due_at.is_not(None))
    return wanted
