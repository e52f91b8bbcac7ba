"""Claims: due deliveries are taken in hand by one process for a while.

A claim ends by itself: whoever is killed with one in hand only delays it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    update,
)

from connector.alive import is_dead
from connector.ledger.tables import deliveries, sinks, subscriptions

# Deliveries looked at for each that is wanted: two about one person are not on their way at once.
_PER_PLACE = 4

# Written out, not bound: a plan that is made before the value is known cannot use an index with a condition.
_WAITING = deliveries.c.status == literal_column("'waiting'")
_FREE = and_(_WAITING, deliveries.c.claim.is_(None))
_IN_HAND = and_(_WAITING, deliveries.c.claim.is_not(None))

# What is asked for every second is made once.
_DUE = and_(_FREE, deliveries.c.due_at <= bindparam("b_now"))
_ANY_DUE = select(deliveries.c.id).where(_DUE).order_by(deliveries.c.due_at).limit(1)
_CLAIMED = select(deliveries.c.id, deliveries.c.claim, deliveries.c.claimed_until).where(_IN_HAND)

_NEXT_OF = (
    select(deliveries.c.id, deliveries.c.person)
    .where(_DUE, deliveries.c.subscription_id == bindparam("b_target"))
    .order_by(deliveries.c.due_at, deliveries.c.sequence)
    .limit(bindparam("b_limit"))
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery in hand; `attempts`: those before."""

    id: str
    connection_id: str
    event_id: str
    event: str
    body: str = field(repr=False)
    sequence: int
    attempts: int
    trail: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """Who is told: a subscription's address and (sealed) secrets."""

    id: str
    url: str = field(repr=False)
    secret_sealed: bytes = field(repr=False)
    old_sealed: bytes | None = field(default=None, repr=False)
    old_until: int | None = None
    failing_since: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is written: a sink's kind, options and (sealed) credential."""

    id: str
    kind: str
    options: dict[str, Any]
    credential_sealed: bytes = field(repr=False)
    failing_since: int | None = None


def any_due(connection: Connection, holder: str, now: int) -> bool:
    """Whether there may be something to take in hand: it is due, or who has it is gone."""
    due = connection.scalar(_ANY_DUE, {"b_now": now})
    return due is not None or bool(_orphans(connection, holder, now))


def claim(
    connection: Connection,
    holder: str,
    now: int,
    until: int,
    limit: int,
    per_target: int,
    *,
    doubtful: int | None = None,
) -> list[tuple[Target, Claim]]:
    """Takes due deliveries in hand until then, `limit` at most, and of each subscription so many at once, all
    processes together; of one that is failing only one, and of all those `doubtful` (in one process) at most.

    Those that never failed come first, then whose turn it has been longest: who hangs delays nobody else.
    """
    free(connection, holder, now)
    full = _full(_in_hand(connection), holder, per_target, doubtful)
    rows = _lock(connection, subscriptions, _due_targets(connection, now, limit, full))
    busy, found = _in_hand(connection), dict[str, Row[Any]]()
    for row in rows:
        persons = [each.person for each in busy if each.subscription_id == row.id]
        room = (per_target if row.failing_since is None else 1) - len(persons)
        for delivery_id in _chosen(connection, row.id, now, persons, min(room, limit - len(found))):
            found[delivery_id] = row
    return [(_target(found[row.id]), _claim(row)) for row in _take(connection, found, holder, until)]


def claim_sinks(
    connection: Connection, holder: str, now: int, until: int, limit: int
) -> list[tuple[Place, list[Claim]]]:
    """Takes the due deliveries of each sink in hand, in their order and so many at most: of one that nobody else is
    writing to, and where the first one is due, for nothing may overtake it."""
    due = select(deliveries.c.id).where(deliveries.c.sink_id == sinks.c.id, _FREE, deliveries.c.due_at <= now).exists()
    ids = connection.scalars(select(sinks.c.id).where(sinks.c.disabled_at.is_(None), due)).all()
    found = []
    for row in _lock(connection, sinks, ids):
        first = _first(connection, row.id, now, limit)
        if taken := _take(connection, first, holder, until):
            place = Place(row.id, row.kind, row.options, row.credential_sealed, row.failing_since)
            found.append((place, [_claim(each) for each in taken]))
    return found


def release(connection: Connection, holder: str, ids: Collection[str] | None = None) -> int:
    """Gives claims back as they were: these, or all of this holder; how many those were."""
    mine = and_(_IN_HAND, deliveries.c.claim == holder)
    if ids is not None:
        mine = and_(mine, deliveries.c.id.in_(ids))
    return connection.execute(update(deliveries).where(mine).values(claim=None, claimed_until=None)).rowcount


def free(connection: Connection, holder: str, now: int) -> int:
    """Ends the claims whose time is up, and those of processes that are dead; how many those were."""
    orphans = _orphans(connection, holder, now)
    if not orphans:
        return 0
    mine = and_(_IN_HAND, deliveries.c.id.in_(orphans))
    # Whoever has one of them locked is just saving it.
    found = connection.scalars(select(deliveries.c.id).where(mine).with_for_update(skip_locked=True)).all()
    freed = update(deliveries).where(deliveries.c.id.in_(found)).values(claim=None, claimed_until=None)
    return connection.execute(freed).rowcount


def _orphans(connection: Connection, holder: str, now: int) -> list[str]:
    rows = connection.execute(_CLAIMED).all()
    dead = {each for each in {row.claim for row in rows} - {holder} if is_dead(each)}
    return [row.id for row in rows if row.claimed_until <= now or row.claim in dead]


def _in_hand(connection: Connection) -> list[Row[Any]]:
    """What is claimed of subscriptions: `(subscription_id, person, claim, failing_since)`."""
    columns = (deliveries.c.subscription_id, deliveries.c.person, deliveries.c.claim, subscriptions.c.failing_since)
    joined = deliveries.join(subscriptions, subscriptions.c.id == deliveries.c.subscription_id)
    return list(connection.execute(select(*columns).select_from(joined).where(_IN_HAND)))


def _full(in_hand: Sequence[Row[Any]], holder: str, per_target: int, doubtful: int | None) -> tuple[list[str], bool]:
    """Subscriptions that have no place free, and whether failing ones have any."""
    counts = dict[str, int]()
    for row in in_hand:
        counts[row.subscription_id] = counts.get(row.subscription_id, 0) + (
            1 if row.failing_since is None else per_target
        )
    failing = sum(row.failing_since is not None and row.claim == holder for row in in_hand)
    return [each for each, count in counts.items() if count >= per_target], doubtful is None or failing < doubtful


def _due_targets(connection: Connection, now: int, limit: int, full: tuple[list[str], bool]) -> Sequence[str]:
    """Subscriptions with something due, those first that do not fail, then whose turn it has been longest.

    Jumps from one to the next in the index: how much waits for each does not matter.
    """
    order = (deliveries.c.subscription_id, deliveries.c.due_at, deliveries.c.sequence)
    first = select(deliveries.c.id).where(_FREE, deliveries.c.subscription_id.is_not(None)).order_by(*order).limit(1)
    jumps = select(first.scalar_subquery().label("id")).cte("jumps", recursive=True)
    here, oldest = deliveries.alias("here"), deliveries.alias("oldest")
    onward = select(deliveries.c.id).where(_FREE, deliveries.c.subscription_id > here.c.subscription_id)
    onward = onward.order_by(*order).limit(1).correlate(here)
    jumps = jumps.union_all(select(onward.scalar_subquery()).select_from(here.join(jumps, here.c.id == jumps.c.id)))
    failing = subscriptions.c.failing_since
    ready = (oldest.c.due_at <= now, _is_open(now), subscriptions.c.id.not_in(full[0]))
    found = (
        select(subscriptions.c.id)
        .select_from(jumps.join(oldest, oldest.c.id == jumps.c.id))
        .join(subscriptions, subscriptions.c.id == oldest.c.subscription_id)
        .where(*ready, *(() if full[1] else (failing.is_(None),)))
        .order_by(failing.is_not(None), oldest.c.due_at)
    )
    return connection.scalars(found.limit(limit)).all()


def _is_open(now: int) -> ColumnElement[bool]:
    """It is enabled, and did not ask to be left alone."""
    asked = or_(subscriptions.c.resume_at.is_(None), subscriptions.c.resume_at <= now)
    return and_(subscriptions.c.disabled_at.is_(None), asked)


def _lock(connection: Connection, table: Table, ids: Sequence[str]) -> Sequence[Row[Any]]:
    """Those of them of which no other process claims anything at this moment, in the same order."""
    if not ids:
        return []
    mine = select(table).where(table.c.id.in_(ids)).with_for_update(key_share=True, skip_locked=True)
    return sorted(connection.execute(mine).all(), key=lambda row: ids.index(row.id))


def _chosen(connection: Connection, target_id: str, now: int, persons: Sequence[int], room: int) -> Iterable[str]:
    """Due deliveries of a subscription, so many at most, of persons none of whose is on its way."""
    if room <= 0:
        return []
    named = {"b_target": target_id, "b_now": now, "b_limit": room * _PER_PLACE}
    busy, found = set(persons), list[str]()
    for row in connection.execute(_NEXT_OF, named).all():
        if len(found) < room and (row.person == 0 or row.person not in busy):
            busy.add(row.person)
            found.append(row.id)
    return found


def _first(connection: Connection, sink_id: str, now: int, limit: int) -> list[str]:
    columns = (deliveries.c.id, deliveries.c.claim, deliveries.c.due_at)
    waiting = select(*columns).where(_WAITING, deliveries.c.sink_id == sink_id)
    rows = connection.execute(waiting.order_by(deliveries.c.sequence, deliveries.c.id).limit(limit)).all()
    if not rows or rows[0].due_at > now:
        return []
    return [row.id for row in takewhile(lambda row: row.claim is None, rows)]


def _take(connection: Connection, ids: Iterable[str], holder: str, until: int) -> list[Row[Any]]:
    """Claims these; the rows in the same order."""
    places = {each: place for place, each in enumerate(ids)}
    if not places:
        return []
    mine = deliveries.c.id.in_(list(places))
    connection.execute(update(deliveries).where(mine, _FREE).values(claim=holder, claimed_until=until))
    taken = connection.execute(select(deliveries).where(mine, deliveries.c.claim == holder)).all()
    return sorted(taken, key=lambda row: places[row.id])


def _target(row: Row[Any]) -> Target:
    return Target(row.id, row.target_url, row.secret_sealed, row.old_sealed, row.old_until, row.failing_since)


def _claim(row: Row[Any]) -> Claim:
    names = ("id", "connection_id", "event_id", "event", "body", "sequence", "attempts", "trail")
    return Claim(**{name: getattr(row, name) for name in names})
