"""Erasure: every trace of a person goes; outcomes keep their codes and counts, so that totals still add up."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, delete, func, or_, select, update

from connector.ledger import arrivals
from connector.ledger.lanes import ERASING
from connector.ledger.naming import Called, findable, says, whole_name
from connector.ledger.people import ids_leading
from connector.ledger.remains import leave
from connector.ledger.tables import idempotency, links, people, records
from connector.ledger.unsaying import unsay
from connector.notes import note

_PERSONAL = ("who", "email", "people_id", "source_id", "contact", "detail")
# A record that nobody is named in any more.
BLANK: dict[str, object] = {**dict.fromkeys(_PERSONAL), "notes": [], "changed": [], "trail": []}
# Without its claim, a drain that has a record in hand saves nothing.
_CANCELLED: dict[str, object] = {"status": "rejected", "code": "contact_erased", "due_at": None, "claim": None}
# Of records that asked for it, it is what they came for.
_DONE: dict[str, object] = {"status": "updated", "code": None, "notes": [note("erased").as_json()]}
# A sender may put the address into its idempotency key; an answer that is kept may show it.
_ANSWER = func.coalesce(cast(idempotency.c.answer, Text), "")


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows were removed or emptied. `news`: of what Crisp told, of conversations and of events."""

    people: int
    records: int
    links: int
    idempotency_keys: int = 0
    news: int = 0
    arrivals: int = 0

    @property
    def nothing(self) -> bool:
        """Whether the person was not known here. A sender may take any text for an idempotency key."""
        return not (self.people or self.records or self.links or self.news or self.arrivals)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands: `known`: its names by now; `names`: those and the names that it had; `ids`: source → its
    record ids that lead there; how many records a call has in hand; and a mark that every delivery changes."""

    known: frozenset[str]
    names: frozenset[str]
    ids: Mapping[str, frozenset[str]]
    in_hand: int
    mark: tuple[int, int]

    @property
    def called(self) -> Called:
        """By what it is found in what other systems sent."""
        return Called(self.names, self.ids)


def _known(connection: Connection, connection_id: str, whos: Collection[str]) -> frozenset[str]:
    mine = people.c.connection_id == connection_id
    named = or_(people.c.email.in_(whos), people.c.people_id.in_(whos))
    rows = connection.execute(select(people.c.email, people.c.people_id).where(mine, named))
    return frozenset({*whos, *(name for row in rows for name in row if name)})


def _former(connection: Connection, connection_id: str, names: Collection[str]) -> set[str]:
    """Names in records of this person, but for those that are another known person's by now."""
    told = (records.c.connection_id == connection_id) & records.c.people_id.in_(names)
    rows = connection.execute(select(records.c.email, records.c.who).where(told).distinct())
    found = {name for row in rows for name in row if name}
    others = (people.c.connection_id == connection_id) & people.c.email.in_(found) & people.c.people_id.not_in(names)
    return found - set(connection.scalars(select(people.c.email).where(others)))


def standing(connection: Connection, connection_id: str, whos: Collection[str], *, lock: bool = False) -> Standing:
    """How a person stands; `lock`: nobody takes a record of it in hand before this transaction ends."""
    known = _known(connection, connection_id, whos)
    names = known | _former(connection, connection_id, known)
    columns = (records.c.status, records.c.claim, records.c.attempts, records.c.finished_at)
    mine = select(*columns).where(records.c.connection_id == connection_id, _of(names))
    if lock:
        mine = mine.order_by(records.c.who, records.c.id).with_for_update()  # in the order in which drains claim
    rows = connection.execute(mine).all()
    in_hand = sum(row.status == "waiting" and row.claim is not None for row in rows)
    mark = (sum(row.attempts for row in rows), max((row.finished_at or 0 for row in rows), default=0))
    return Standing(known, names, ids_leading(connection, connection_id, names), in_hand, mark)


def erase(
    connection: Connection,
    connection_id: str,
    whos: Collection[str],
    *,
    asked_at: int,
    now: int | None = None,
    named: arrivals.Names | None = None,
) -> Erased:
    """Removes the person from people, links and records, and rejects what waits; what waits for this very erasure is
    done. `named`: whether an arrival names the person; in words, when not said.

    Records that came after the erasure was asked for and still wait are a new wish: they stay.
    """
    mine = records.c.connection_id == connection_id
    waiting = records.c.status == "waiting"
    wish = mine & waiting & (records.c.created_at > asked_at)
    gone = mine & _of(whos) & ~(waiting & (records.c.created_at > asked_at))
    forgotten = _forget_requests(
        connection, connection_id, whos, select(records.c.id).where(gone), select(records.c.id).where(wish)
    )
    asked = and_(gone, waiting, records.c.lane == ERASING)
    done = list(connection.scalars(select(records.c.id).where(asked)))
    cancelled = {**_CANCELLED, "finished_at": asked_at if now is None else now}
    connection.execute(update(records).where(gone, waiting).values(cancelled))
    emptied = connection.execute(update(records).where(gone).values(BLANK)).rowcount
    connection.execute(update(records).where(records.c.id.in_(done)).values(_DONE))
    wished = select(records.c.source_id).where(wish, records.c.source_id.is_not(None))
    linked = (links.c.connection_id == connection_id) & links.c.email.in_(whos) & links.c.source_id.not_in(wished)
    known = (people.c.connection_id == connection_id) & or_(people.c.email.in_(whos), people.c.people_id.in_(whos))
    unsaid = unsay(connection, connection_id, whos, asked_at if now is None else now)
    came = arrivals.forget(connection, connection_id, named or (lambda row: says(row.body, whos)), "contact_erased")
    removed = connection.execute(delete(people).where(known)).rowcount
    unlinked = connection.execute(delete(links).where(linked)).rowcount  # after people, as whoever accepts does
    leave(connection)
    return Erased(removed, emptied, unlinked, forgotten, unsaid, came)


def _forget_requests(
    connection: Connection,
    connection_id: str,
    whos: Collection[str],
    gone: Select[tuple[str]],
    kept: Select[tuple[str]],
) -> int:
    """Idempotency keys of these records, and those that have a name of the person in them or in their answer; how many
    they were."""
    mine = idempotency.c.connection_id == connection_id
    count = connection.execute(delete(idempotency).where(mine, idempotency.c.record_id.in_(gone))).rowcount
    names = findable(whos)
    if not names:
        return count
    parts = or_(*(column.icontains(name, autoescape=True) for column in (idempotency.c.key, _ANSWER) for name in names))
    others = or_(idempotency.c.record_id.is_(None), idempotency.c.record_id.not_in(kept))
    rows = connection.execute(select(idempotency.c.key, _ANSWER).where(mine, others, parts))
    whole = whole_name(names)
    keys = [key for key, answer in rows if whole.search(key) or whole.search(answer)]
    return count + connection.execute(delete(idempotency).where(mine, idempotency.c.key.in_(keys))).rowcount


def _of(whos: Collection[str]) -> ColumnElement[bool]:
    return or_(records.c.who.in_(whos), records.c.email.in_(whos), records.c.people_id.in_(whos))
