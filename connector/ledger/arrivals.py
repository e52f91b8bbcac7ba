"""Arrivals: what other systems sent, byte for byte, until it is understood, and what became of it."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeAlias

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, delete, insert, select, true, update

from connector.alive import is_dead
from connector.ledger import inbounds
from connector.ledger.remains import leave
from connector.ledger.tables import arrivals

# Whether an arrival (`id`, `connection_id`, `inbound_id`, `body`, `content_type`, `headers`, `holder`, `outcome`)
# names a person.
Names: TypeAlias = Callable[[Row[Any]], bool]

_CHUNK = 500
# So often what a dead process had in hand is taken by the next one at once: it may be what has killed it.
_HARMLESS = 3
# After the holder's name: how many had it before, one after the other, and did not end it.
_LOST, _LONGEST_NAME = "~", 60
# Asked for every second, so made once.
_HELD = select(arrivals.c.id, arrivals.c.inbound_id, arrivals.c.holder, arrivals.c.due_at, arrivals.c.attempts).where(
    arrivals.c.holder.is_not(None)
)


def add(connection: Connection, row: dict[str, Any]) -> None:
    """Stores what came, due at once."""
    connection.execute(insert(arrivals), {**row, "due_at": row["received_at"], "attempts": 0})


def twin(connection: Connection, inbound_id: str, digest: str, since: int) -> str | None:
    """The id of the same that came to this address after this time (UNIX milliseconds)."""
    same = (arrivals.c.inbound_id == inbound_id) & (arrivals.c.digest == digest)
    return connection.scalar(select(arrivals.c.id).where(same, arrivals.c.received_at > since).limit(1))


def get(connection: Connection, arrival_id: str) -> Row[Any] | None:
    """One arrival, without its body."""
    return connection.execute(select(*_BODILESS).where(arrivals.c.id == arrival_id)).one_or_none()


def due(connection: Connection, now: int) -> bool:
    """Whether something may be taken in hand."""
    busy, lost = _held(connection, now)
    return _next_address(connection, now, busy, lost) is not None


def claim(connection: Connection, now: int, until: int, holder: str) -> Row[Any] | None:
    """Takes in hand what is due first, at no address of which somebody has something in hand: what came later may be
    about the same person. Who has not ended it by `until` has died, or is too late: then it is due as it was, and
    `attempts` tells the two apart; as soon as that is known of one who is dead, unless it may be what has killed it.

    An address comes before what arrived at it, as where it is removed; at one that is changed just now nothing is
    taken.
    """
    busy, lost = _held(connection, now)
    passed = set(busy)
    while (inbound_id := _next_address(connection, now, passed, lost)) is not None:
        passed.add(inbound_id)
        if not inbounds.is_locked(connection, inbound_id):
            continue
        busy, lost = _held(connection, now)
        if inbound_id not in busy:
            theirs = sorted((row for row in lost if row.inbound_id == inbound_id), key=lambda row: str(row.id))
            _give_back(connection, theirs[1:])
            first = theirs[0].id if theirs else connection.scalar(_first(now, arrivals.c.id, _at(inbound_id)))
            return _taken(connection, arrivals.c.id == first, now, until, holder)
    return None


def losses(arrival: Row[Any]) -> int:
    """How many had in hand what one has in hand, one after the other, and died of it, or were not heard of again."""
    return int(str(arrival.holder).partition(_LOST)[2] or 0)


def _at(inbound_id: str) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = arrivals.c.inbound_id == inbound_id
    return wanted


def _give_back(connection: Connection, lost: Collection[Row[Any]]) -> None:
    theirs = arrivals.c.id.in_([row.id for row in lost]) & arrivals.c.holder.in_({row.holder for row in lost})
    connection.execute(update(arrivals).where(theirs).values(holder=None, due_at=arrivals.c.received_at))


def take_over(connection: Connection, arrival_id: str, now: int, until: int, holder: str) -> Row[Any] | None:
    """Takes in hand what is not ended, whoever has it and whenever it is due. Who had it cannot end it any more."""
    return _taken(connection, arrivals.c.id == arrival_id, now, until, holder)


def _taken(connection: Connection, which: ColumnElement[bool], now: int, until: int, holder: str) -> Row[Any] | None:
    """From who lives it is only taken over. Of who is elsewhere that is known by its signs alone: who has given none
    for half a term is lost. Later would be too late: an erasure that died with it is tried again after as long."""
    row = connection.execute(select(arrivals).where(which, _OPEN).with_for_update()).one_or_none()
    if row is None:
        return None
    taken = update(arrivals).where(arrivals.c.id == row.id)
    is_lost = row.holder is not None and (row.due_at <= (now + until) // 2 or is_dead(row.holder))
    lost = losses(row) + is_lost
    name = f"{holder[:_LONGEST_NAME]}{_LOST}{lost}" if lost else holder
    connection.execute(taken.values(due_at=until, attempts=row.attempts + 1, holder=name))
    return connection.execute(select(arrivals).where(arrivals.c.id == row.id)).one()


def _held(connection: Connection, now: int) -> tuple[set[str], list[Row[Any]]]:
    """Addresses of which somebody has something in hand; and what those had who are dead or too late."""
    rows: list[Row[Any]] = list(connection.execute(_HELD))
    lost = [row for row in rows if row.due_at <= now or (row.attempts <= _HARMLESS and is_dead(row.holder))]
    return {row.inbound_id for row in rows} - {row.inbound_id for row in lost}, lost


def _next_address(connection: Connection, now: int, passed: Collection[str], lost: Collection[Row[Any]]) -> str | None:
    """Where something was lost, or else is due first."""
    found: str | None = next((row.inbound_id for row in lost if row.inbound_id not in passed), None)
    elsewhere = arrivals.c.inbound_id.not_in(sorted(passed))
    return found or connection.scalar(_first(now, arrivals.c.inbound_id, elsewhere))


def _first(now: int, column: Column[str], where: ColumnElement[bool]) -> Select[Any]:
    wanted = select(column).where(arrivals.c.due_at <= now, where)
    return wanted.order_by(arrivals.c.due_at, arrivals.c.id).limit(1)


def holds(connection: Connection, arrival: Row[Any]) -> bool:
    """Whether one still has in hand what one took; nobody takes it over before this transaction ends."""
    return connection.scalar(select(arrivals.c.id).where(_in_hand(arrival)).with_for_update()) is not None


def hold_on(connection: Connection, arrival: Row[Any], until: int) -> bool:
    """Goes on having in hand what one took, until then (UNIX milliseconds). False when another has it by now."""
    return bool(connection.execute(update(arrivals).where(_in_hand(arrival)).values(due_at=until)).rowcount)


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
    values: dict[str, Any] = {**_ENDED, "outcome": outcome, "record_id": record_id, "import_id": import_id}
    if not keeps_body:
        values["body"] = None
    return bool(connection.execute(update(arrivals).where(_in_hand(arrival)).values(values)).rowcount)


def postpone(connection: Connection, arrival: Row[Any], due_at: int, *, holds: bool = False) -> None:
    """Gives back what one has in hand, due at another time; `holds`: nothing else of its address is taken before."""
    kept = str(arrival.holder).partition(_LOST)[0]  # who gives it back has not died of it
    given_back = {"due_at": due_at, "holder": kept if holds else None}
    connection.execute(update(arrivals).where(_in_hand(arrival)).values(given_back))


def of_inbound(connection: Connection, inbound_id: str, *, before: str | None, limit: int) -> list[Row[Any]]:
    """What came to an address, newest first, from before this id on; without the bodies."""
    wanted = arrivals.c.inbound_id == inbound_id
    if before is not None:
        wanted &= arrivals.c.id < before
    return list(connection.execute(select(*_BODILESS).where(wanted).order_by(arrivals.c.id.desc()).limit(limit)))


def open_at(connection: Connection, inbound_id: str, *, until: int, limit: int) -> list[Row[Any]]:
    """What came to an address until then (UNIX milliseconds) and is not ended, newest first."""
    mine = (arrivals.c.inbound_id == inbound_id) & arrivals.c.body.is_not(None)
    open_ = (mine, arrivals.c.due_at.is_not(None), arrivals.c.received_at <= until)
    columns = (arrivals.c.id, arrivals.c.body, arrivals.c.content_type)
    return list(connection.execute(select(*columns).where(*open_).order_by(arrivals.c.id.desc()).limit(limit)))


def end_with(
    connection: Connection, found: Collection[str], outcome: str, *, record_id: str | None, import_id: str | None
) -> None:
    """Ends what another of its address has said as well, whoever has it in hand."""
    values: dict[str, Any] = {**_ENDED, "outcome": outcome, "record_id": record_id, "import_id": import_id}
    open_ = arrivals.c.id.in_(found) & arrivals.c.due_at.is_not(None)
    connection.execute(update(arrivals).where(open_).values(**values, body=None))


def again(connection: Connection, inbound_id: str, outcomes: Collection[str], now: int) -> int:
    """Makes due again what ended so at an address and still has its body; how many they are."""
    ended = (arrivals.c.inbound_id == inbound_id) & arrivals.c.outcome.in_(outcomes) & arrivals.c.body.is_not(None)
    values = {"due_at": now, "outcome": None, "received_at": now}
    return connection.execute(update(arrivals).where(ended, arrivals.c.due_at.is_(None)).values(values)).rowcount


def purge(connection: Connection, before: int) -> int:
    """Removes some of what ended and came before this time (UNIX milliseconds); how many they were."""
    old = select(arrivals.c.id).where(arrivals.c.due_at.is_(None), arrivals.c.received_at < before).limit(_CHUNK)
    return connection.execute(delete(arrivals).where(arrivals.c.id.in_(old.scalar_subquery()))).rowcount


def waiting(connection: Connection, connection_id: str, names: Names, *, until: int) -> list[str]:
    """Ids of what came until then (UNIX milliseconds), names a person and is not ended, in the order in which it
    came."""
    open_ = arrivals.c.due_at.is_not(None) & (arrivals.c.received_at <= until)
    return _naming(connection, connection_id, names, open_)


def ended(connection: Connection, connection_id: str, names: Names, outcomes: Collection[str]) -> list[str]:
    """Ids of what names a person, ended so and has its body still, in the order in which it came."""
    return _naming(connection, connection_id, names, arrivals.c.due_at.is_(None) & arrivals.c.outcome.in_(outcomes))


def look_through(connection: Connection, connection_id: str, names: Names) -> None:
    """Lets one see everything that has a body, who remembers it: before the database is held for long."""
    _naming(connection, connection_id, names, true())


def _naming(connection: Connection, connection_id: str, names: Names, wanted: ColumnElement[bool]) -> list[str]:
    return [row.id for row in _some(connection, _said(connection_id, wanted)) if names(row)]


def _said(connection_id: str, wanted: ColumnElement[bool]) -> Select[Any]:
    mine = (arrivals.c.connection_id == connection_id) & arrivals.c.body.is_not(None)
    return select(*_SAYING).where(mine, wanted).order_by(arrivals.c.id)


def whole(connection: Connection, arrival_id: str) -> Row[Any] | None:
    """One arrival with its body."""
    return connection.execute(select(arrivals).where(arrivals.c.id == arrival_id)).one_or_none()


def rewrite(connection: Connection, arrival: Row[Any], body: bytes) -> None:
    """Says in JSON what is left of an arrival, unless another has taken it in hand since."""
    same = (arrivals.c.id == arrival.id, arrivals.c.attempts == arrival.attempts, arrivals.c.body.is_not(None))
    connection.execute(update(arrivals).where(*same).values(body=body, content_type="application/json"))
    leave(connection)


def forget(connection: Connection, connection_id: str, names: Names, outcome: str) -> int:
    """Empties what ended and names a person; how many they were."""
    ended = _said(connection_id, arrivals.c.due_at.is_(None)).with_for_update()
    found = [row.id for row in _some(connection, ended) if names(row)]
    connection.execute(update(arrivals).where(arrivals.c.id.in_(found)).values(body=None, outcome=outcome))
    if found:
        leave(connection)
    return len(found)


def _some(connection: Connection, wanted: Select[Any]) -> Iterator[Row[Any]]:
    """Some rows at a time: a body may be large, and there may be many."""
    with connection.execute(wanted.execution_options(yield_per=20)) as found:
        yield from found


_OPEN = arrivals.c.due_at.is_not(None)
_ENDED = {"due_at": None, "holder": None}
_SAID = ("id", "connection_id", "inbound_id", "body", "content_type", "headers", "holder", "outcome")
_SAYING = [getattr(arrivals.c, name) for name in _SAID]
_BODILESS = [column for column in arrivals.c if column is not arrivals.c.body]


def _in_hand(arrival: Row[Any]) -> ColumnElement[bool]:
    mine = (arrivals.c.id == arrival.id, arrivals.c.attempts == arrival.attempts)
    wanted: ColumnElement[bool] = and_(*mine, arrivals.c.due_at.is_not(None))
    return wanted
