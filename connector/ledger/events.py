"""Events: what happened, gathered while a burst lasts, told once and never changed after that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, tuple_, update

from connector.ledger.tables import connections, events, records

# For so long (milliseconds) before its end a record is looked for that names no address.
_RECENT = 600_000

Payload = dict[str, Any]


def gather(
    connection: Connection, row: Mapping[str, Any], merge: Callable[[Payload, Payload], Payload], until: int
) -> None:
    """Puts a change into the event that gathers about its subject, or begins one, told at `until`."""
    open_ = _gathering(row["connection_id"], row["event"], row["subject"])
    before = connection.execute(select(events).where(open_).with_for_update()).one_or_none()
    if before is None:
        connection.execute(insert(events), {**row, "due_at": until, "attempts": 0})
        return
    said = {key: row[key] for key in ("email", "people_id", "session_id") if row[key] is not None}
    payload = merge(before.payload, row["payload"])
    connection.execute(update(events).where(events.c.id == before.id).values(payload=payload, **said))


def begin(connection: Connection, row: Mapping[str, Any]) -> None:
    """An event that is complete as it is; it is told at once by who begins it, or at its `due_at`."""
    connection.execute(insert(events), {"due_at": None, **row, "attempts": 0})


def _gathering(connection_id: str, event: str, subject: str) -> Any:
    mine = (events.c.connection_id == connection_id) & (events.c.event == event) & (events.c.subject == subject)
    return mine & events.c.told_at.is_(None)


def due(connection: Connection, now: int, limit: int) -> list[Row[Any]]:
    """Events whose burst is over, or that are to be tried again."""
    ready = select(events).where(events.c.due_at <= now).order_by(events.c.due_at, events.c.id).limit(limit)
    return list(connection.execute(ready.with_for_update(skip_locked=True)))


def next_due_at(connection: Connection) -> int | None:
    """When the next event is to be told (UNIX milliseconds)."""
    found: int | None = connection.scalar(select(func.min(events.c.due_at)))
    return found


def hold(connection: Connection, event_ids: list[str], until: int) -> None:
    """They are in hand until then, those that are not told yet."""
    mine = events.c.id.in_(event_ids) & events.c.told_at.is_(None)
    connection.execute(update(events).where(mine).values(due_at=until))


def again(connection: Connection, event_id: str, due_at: int) -> None:
    """It is to be tried again."""
    one = update(events).where(events.c.id == event_id, events.c.told_at.is_(None))
    connection.execute(one.values(due_at=due_at, attempts=events.c.attempts + 1))


def turn(connection: Connection, connection_id: str, event: str, clock: Callable[[], int]) -> int:
    """When the next event of this kind is told (UNIX milliseconds): no earlier than any before it, and until this
    transaction ends nobody else's turn comes. So nothing appears where somebody who polls has been already."""
    theirs = select(connections.c.id).where(connections.c.id == connection_id)
    connection.execute(theirs.with_for_update(key_share=True))  # SQLite has one writer at a time in any case
    mine = (events.c.connection_id == connection_id) & (events.c.event == event)
    last: int | None = connection.scalar(select(func.max(events.c.told_at)).where(mine))
    return max(clock(), last or 0)


def tell(connection: Connection, event_id: str, now: int, **values: Any) -> bool:
    """It does not change any more; False when somebody else told it, or it was dropped."""
    one = update(events).where(events.c.id == event_id, events.c.told_at.is_(None))
    return connection.execute(one.values(told_at=now, due_at=None, **values)).rowcount == 1


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


def was_told(connection: Connection, connection_id: str, event: str, people_id: str) -> bool:
    """Whether there was this event about this person, or is one that gathers."""
    mine = (events.c.connection_id == connection_id) & (events.c.event == event) & (events.c.people_id == people_id)
    return connection.scalar(select(events.c.id).where(mine).limit(1)) is not None


def told_since(connection: Connection, connection_id: str, people_id: str | None, since: int) -> bool:
    """Whether a change of this person that was not our own was told since then (UNIX milliseconds)."""
    mine = (events.c.connection_id == connection_id) & (events.c.people_id == people_id) & events.c.own.is_(False)
    of_the_profile = events.c.event.in_(("contact_created", "contact_updated"))
    found = select(events.c.id).where(mine, of_the_profile, events.c.told_at >= since).limit(1)
    return people_id is not None and connection.scalar(found) is not None


def written(
    connection: Connection, connection_id: str, email: str | None, people_id: str | None, since: int
) -> list[Payload]:
    """What we told Crisp of a person, or may have told it: flat contacts of records that ended at that time (UNIX
    milliseconds) or later, or are under way."""
    tried = (records.c.status == "waiting") & (records.c.claim.is_not(None) | (records.c.attempts > 0))
    mine = and_(records.c.connection_id == connection_id, records.c.contact.is_not(None))
    ours = select(records.c.contact).where(mine, tried | (records.c.finished_at >= since))
    # Who is named by the people_id alone is not looked for by an index: those records are of a moment ago.
    recent = records.c.id >= f"{since - _RECENT:012x}"
    looks = [ours.where(records.c.email == email)] if email else []
    looks += [ours.where(records.c.who == people_id, recent)] if people_id else []
    return [contact for look in looks for contact in connection.scalars(look)]


def purge(connection: Connection, before: int) -> int:
    """Forgets events that were told before this time."""
    return connection.execute(delete(events).where(events.c.told_at < before)).rowcount
