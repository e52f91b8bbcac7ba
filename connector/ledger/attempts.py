"""Attempts: what became of deliveries in hand is saved, with what it says of who was told. A late holder is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, func, update

from connector.hooks.plan import Attempt, Next, is_over
from connector.ledger.claims import Claim, Place, Target
from connector.ledger.deliveries import end
from connector.ledger.tables import deliveries, sinks, subscriptions

# Lines of a trail that are kept.
_MOST_TRAIL = 30

_SAVE = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("b_id"), deliveries.c.claim == bindparam("b_holder"))
    # A claim of the same holder that has ended and was taken anew is another.
    .where(deliveries.c.attempts == bindparam("b_attempts"))
    .values({name: bindparam(name) for name in ("status", "attempts", "trail", "due_at", "finished_at")})
    .values(claim=None, claimed_until=None)
)


@dataclass(frozen=True, slots=True)
class Done:
    """An attempt that was made, for a subscription or a sink (`of`), and what follows."""

    claim: Claim
    of: Target | Place
    attempt: Attempt
    next: Next


def save(connection: Connection, holder: str, done: Sequence[Done], now: int) -> list[tuple[str, str]]:
    """Saves what became of claimed deliveries, those that are still this holder's, and of who was told.

    Subscriptions that are no more are removed with all that waits for them; with nothing but failures for long, one is
    disabled. Returns these: their id, and `gone` or `disabled`.
    """
    # First who is told, then the deliveries, each in one order: as everybody else locks them.
    by_target = groupby(sorted(done, key=lambda each: (each.of.id, each.attempt.at)), key=lambda each: each.of.id)
    ended = {target: _judge(connection, list(each), now) for target, each in by_target}
    rows = [_saved(holder, each) for each in sorted(done, key=lambda each: each.claim.id)]
    if rows:
        connection.execute(_SAVE, rows)
    for each in done:
        if ended[each.of.id] == "disabled":
            end(connection, _column(each.of) == each.of.id, now)
    return [(target, what) for target, what in ended.items() if what is not None]


def _judge(connection: Connection, done: Sequence[Done], now: int) -> Literal["gone", "disabled"] | None:
    """What the attempts for one target say of it; the last of them counts."""
    last = done[-1]
    table: Table = subscriptions if isinstance(last.of, Target) else sinks
    mine = table.c.id == last.of.id
    if any(each.next.gone for each in done):
        connection.execute(delete(table).where(mine))
        return "gone"
    if last.attempt.succeeded:
        if last.of.failing_since is not None or len(done) > 1:
            connection.execute(update(table).where(mine, table.c.failing_since.is_not(None)).values(_fine(table)))
        return None
    if any(is_over(each.of.failing_since, each.claim.attempts + 1, now, last=_given_up(each)) for each in done):
        return _disable(connection, table, last, now)
    failed = {"failing_since": func.coalesce(table.c.failing_since, last.attempt.at)}
    connection.execute(update(table).where(mine).values({**failed, **_asked(table, done)}))
    return None


def _given_up(done: Done) -> bool:
    return done.next.status == "dead"


def _fine(table: Table) -> Mapping[str, Any]:
    return {"failing_since": None, **({"resume_at": None} if "resume_at" in table.c else {})}


def _asked(table: Table, done: Sequence[Done]) -> Mapping[str, Any]:
    """Until when a subscriber asked to be left alone."""
    asked = max((each.next.resume_at or 0 for each in done), default=0)
    return {"resume_at": asked} if asked and "resume_at" in table.c else {}


def _disable(connection: Connection, table: Table, done: Done, now: int) -> Literal["disabled"] | None:
    room = getattr(table.c.disabled_reason.type, "length", None)
    values = {"disabled_at": now, "disabled_reason": done.attempt.words[:room]}
    enabled = (table.c.id == done.of.id, table.c.disabled_at.is_(None))
    return "disabled" if connection.execute(update(table).where(*enabled).values(values)).rowcount else None


def _column(of: Target | Place) -> ColumnElement[Any]:
    return deliveries.c.subscription_id if isinstance(of, Target) else deliveries.c.sink_id


def _saved(holder: str, done: Done) -> dict[str, Any]:
    told, following = done.claim, done.next
    return {
        "b_id": told.id,
        "b_holder": holder,
        "b_attempts": told.attempts,
        "status": following.status,
        "attempts": told.attempts + 1,
        "trail": [*told.trail, done.attempt.as_json()][-_MOST_TRAIL:],
        "due_at": following.due_at,
        "finished_at": None if following.status == "waiting" else done.attempt.at,
    }
