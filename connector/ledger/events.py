"""Events: what happened, gathered while a burst lasts, told once and never changed after that."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, select, tuple_, update

from connector.ledger.tables import connections, events, records

# So much Crisp's clock may differ from ours (milliseconds).
SKEW = 5_000

Payload = dict[str, Any]
# Asked for every second, so made once.
_NEXT_DUE_AT = select(func.min(events.c.due_at))


def gather(
    connection: Connection, row: Mapping[str, Any], merge: Callable[[Payload, Payload], Payload], until: int
) -> None:
    """Puts a change into the event that gathers about its subject, or begins one, told at `until`. Who has that one in
    hand already does not tell it as it was (`tell`)."""
    open_ = _gathering(row["connection_id"], row["event"], row["subject"])
    before = connection.execute(select(events).where(open_).with_for_update()).one_or_none()
    if before is None:
        connection.execute(insert(events), {**row, "due_at": until, "attempts": 0})
        return
    said = {key: row[key] for key in ("email", "people_id", "session_id") if row[key] is not None}
    payload = merge(before.payload, row["payload"])
    connection.execute(update(events).where(events.c.id == before.id).values(payload=payload, **said))


def begin(connection: Connection, row: Mapping[str, Any]) -> None:
    """An event that is complete as it is; it is told at once by who begins it, or from its `due_at` on."""
    connection.execute(insert(events), {"due_at": None, **row, "attempts": 0})


def _gathering(connection_id: str, event: str, subject: str) -> Any:
    mine = (events.c.connection_id == connection_id) & (events.c.event == event) & (events.c.subject == subject)
    return mine & events.c.told_at.is_(None)


def due(connection: Connection, now: int, limit: int, *, but: Sequence[str] = ()) -> list[Row[Any]]:
    """Events whose burst is over, or that are to be tried again; none of the kinds `but`."""
    return _due(connection, now, limit, events.c.event.not_in(but))


def due_of(connection: Connection, connection_id: str, now: int, limit: int, kinds: Sequence[str]) -> list[Row[Any]]:
    """A connection's events of these kinds that are due."""
    mine = (events.c.connection_id == connection_id) & events.c.event.in_(kinds)
    return _due(connection, now, limit, mine)


def whose(connection: Connection, now: int, kinds: Sequence[str]) -> list[str]:
    """The connections that have events of these kinds which are due."""
    due_now = select(events.c.connection_id).where(events.c.due_at <= now, events.c.event.in_(kinds))
    return list(connection.scalars(due_now.distinct().order_by(events.c.connection_id)))


def _due(connection: Connection, now: int, limit: int, which: ColumnElement[bool]) -> list[Row[Any]]:
    ready = select(events).where(events.c.due_at <= now, which).order_by(events.c.due_at, events.c.id).limit(limit)
    return list(connection.execute(ready.with_for_update(skip_locked=True)))


def next_due_at(connection: Connection) -> int | None:
    """When the next event is to be told (UNIX milliseconds)."""
    found: int | None = connection.scalar(_NEXT_DUE_AT)
    return found


def hold(connection: Connection, event_ids: list[str], until: int, *, before: int | None = None) -> None:
    """They are in hand until then, those that are not told yet. `before`: those alone that were in hand until then, for
    another may have been put off since."""
    mine = events.c.id.in_(event_ids) & events.c.told_at.is_(None)
    mine = mine if before is None else mine & (events.c.due_at == before)
    connection.execute(update(events).where(mine).values(due_at=until))


def again(connection: Connection, event_id: str, due_at: int) -> None:
    """It is to be tried again."""
    one = update(events).where(events.c.id == event_id, events.c.told_at.is_(None))
    connection.execute(one.values(due_at=due_at, attempts=events.c.attempts + 1))


def soon(connection: Connection, event_id: str, now: int) -> None:
    """It is looked at again at once, if it is still to be told."""
    connection.execute(update(events).where(events.c.id == event_id, events.c.told_at.is_(None)).values(due_at=now))


def turn(connection: Connection, connection_id: str, event: str, clock: Callable[[], int]) -> int:
    """When the next event of this kind is told (UNIX milliseconds): no earlier than any before it, and until this
    transaction ends nobody else's turn comes. So nothing appears where somebody who polls has been already."""
    theirs = select(connections.c.id).where(connections.c.id == connection_id)
    connection.execute(theirs.with_for_update(key_share=True))  # SQLite has one writer at a time in any case
    mine = (events.c.connection_id == connection_id) & (events.c.event == event)
    last: int | None = connection.scalar(select(func.max(events.c.told_at)).where(mine))
    return max(clock(), last or 0)


def tell(connection: Connection, event_id: str, now: int, as_read: Payload | None = None, **values: Any) -> bool:
    """It does not change any more; False when somebody else told it, it was dropped, or it has gathered more since it
    was read."""
    one = (events.c.id == event_id) & events.c.told_at.is_(None)
    stands = connection.execute(select(events.c.payload).where(one).with_for_update()).one_or_none()
    if stands is None or (as_read is not None and stands.payload != as_read):
        return False
    connection.execute(update(events).where(one).values(told_at=now, due_at=None, **values))
    return True


def drop(connection: Connection, event_id: str) -> None:
    """It turned out to be none."""
    connection.execute(delete(events).where(events.c.id == event_id, events.c.told_at.is_(None)))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events: those told since then (UNIX milliseconds); those `before` the (time, id) of a cursor; with `own`
    the echoes of our own writes too."""

    since: int | None = None
    before: tuple[int, str] | None = None
    own: bool = False


def page(connection: Connection, connection_id: str, event: str, asked: Asked, limit: int) -> list[Row[Any]]:
    """Events that were told, newest first."""
    mine = and_(events.c.connection_id == connection_id, events.c.event == event, events.c.told_at.is_not(None))
    listing = select(events).where(mine)
    if not asked.own:
        listing = listing.where(events.c.own.is_(False))
    if asked.since is not None:
        listing = listing.where(events.c.told_at >= asked.since)
    if asked.before is not None:
        # One comparison of both: the index begins there, where with "or" it would go through all that is newer.
        listing = listing.where(tuple_(events.c.told_at, events.c.id) < tuple_(*asked.before))
    return list(connection.execute(listing.order_by(events.c.told_at.desc(), events.c.id.desc()).limit(limit)))


def is_made(connection: Connection, connection_id: str, people_id: str | None, *, gathering: bool = False) -> bool:
    """Whether it was told that this person was made (`gathering`: or is about to be): somebody is made once, however
    often and by how many ways that is told."""
    if people_id is None:
        return False
    mine = (events.c.connection_id == connection_id) & (events.c.people_id == people_id)
    found = select(events.c.id).where(mine, events.c.event == "contact_created")
    found = found if gathering else found.where(events.c.told_at.is_not(None))
    return connection.scalar(found.limit(1)) is not None


def told_since(connection: Connection, connection_id: str, people_id: str | None, since: int) -> list[Payload]:
    """What was told since then (UNIX milliseconds) of changes of this person that were not our own."""
    if people_id is None:
        return []
    mine = (events.c.connection_id == connection_id) & (events.c.people_id == people_id) & events.c.own.is_(False)
    of_the_profile = events.c.event.in_(("contact_created", "contact_updated"))
    return list(connection.scalars(select(events.c.payload).where(mine, of_the_profile, events.c.told_at >= since)))


def written(
    connection: Connection, connection_id: str, emails: Collection[str], people_id: str | None, since: int
) -> list[tuple[str | None, Payload]]:
    """What we told Crisp of a person of these addresses, or may have told it: by which name, and the flat contact, of
    records that ended at that time (UNIX milliseconds) or later, or are under way."""
    mine = _TRIED | (records.c.finished_at >= since)
    found = _records_of(connection, connection_id, emails, people_id, mine & records.c.contact.is_not(None))
    return [(row.who, row.contact) for row in found]


def made(connection: Connection, connection_id: str, email: str | None, people_id: str | None, since: int) -> bool:
    """Whether we made this person in Crisp; or may have, at that time (UNIX milliseconds) or later, by what came before
    it was made, as far as clocks agree. Of whom Crisp said that we made it needs no clock."""
    certain = (records.c.status == "created") & (records.c.people_id == (people_id or ""))
    under_way = (records.c.status == "waiting") & (records.c.claim.is_not(None) | records.c.unsure.is_not(None))
    done = ((records.c.status == "created") | records.c.unsure.is_not(None)) & (records.c.finished_at >= since)
    # An update creates nobody, whoever it is for.
    maybe = (under_way | done) & (records.c.mode != "update") & (records.c.created_at <= since + 2 * SKEW)
    return any(
        True for _ in _records_of(connection, connection_id, [email] if email else [], people_id, certain | maybe)
    )


_TRIED = (records.c.status == "waiting") & (records.c.claim.is_not(None) | (records.c.attempts > 0))


def _records_of(
    connection: Connection,
    connection_id: str,
    emails: Collection[str],
    people_id: str | None,
    which: ColumnElement[bool],
) -> list[Row[Any, Any, Any]]:
    """Those of the records of a person."""
    ours = select(records.c.id, records.c.who, records.c.contact).where(records.c.connection_id == connection_id, which)
    looks = [ours.where(records.c.email.in_(emails))] if emails else []
    # Who is named by the id is called by the address that is known, in a record that says no address itself.
    names = [*emails, *([people_id] if people_id else [])]
    looks += [ours.where(records.c.who.in_(names), records.c.email.is_(None))] if names else []
    return [row for look in looks for row in connection.execute(look)]


def purge(connection: Connection, before: int) -> int:
    """Forgets events that were told before this time."""
    return connection.execute(delete(events).where(events.c.told_at < before)).rowcount
