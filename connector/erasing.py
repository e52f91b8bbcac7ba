"""Erasing a person: from Crisp, and from everything stored here."""

import time
from collections.abc import Collection, Generator
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from connector.convert.email import email
from connector.convert.people import people_id
from connector.courier import Courier
from connector.crisp import plan
from connector.crisp.calls import Call, Reply
from connector.engine import Engine
from connector.errors import Problem
from connector.ledger import Ledger, arrivals, erasure, hooks
from connector.ledger.erasure import Erased, Standing
from connector.ledger.naming import Called
from connector.uploads import forgetting
from connector.uploads.store import Store

Result = TypeVar("Result")

# How long a call for the person that is under way is waited for (seconds), and how often Crisp is told again when
# something was delivered meanwhile.
_PATIENCE, _ROUNDS = 15.0, 5


class TakesIn(Protocol):
    """Whoever takes in what other systems sent."""

    def take_in_now(self, connection_id: str, called: Called, until: int) -> bool:
        """Takes in what came until then and names a person; False when there is none."""

    def naming(self, connection: Connection, connection_id: str, called: Called) -> arrivals.Names:
        """Whether an arrival names a person."""


class Needs(Protocol):
    """What erasing needs of a process; its `Services` has all of it."""

    @property
    def ledger(self) -> Ledger:
        """Where everything is stored."""

    @property
    def courier(self) -> Courier:
        """The way to Crisp."""

    @property
    def store(self) -> Store:
        """Where uploaded files are kept."""

    @property
    def engine(self) -> Engine:
        """What cleans files later."""

    @property
    def arrivals(self) -> TakesIn:
        """What is not taken in yet may name the person."""


def erase(
    services: Needs,
    connection_id: str,
    who: str,
    *,
    wait: bool = True,
    asked_at: int | None = None,
    live: bool = True,
) -> dict[str, Any]:
    """Removes the person from Crisp and from everything stored here; outcomes keep their codes and counts.

    Records that wait are rejected once Crisp has answered. A delivery that came between is erased after it, in Crisp
    as well; a record that came after the erasure was asked for (`asked_at`, UNIX milliseconds; now when not said) and
    still waits is a new wish, and creates anew.
    Without `wait` a large database's files are cleaned later; what is not `live` leaves the share of the quota that is
    kept for live work. Returns `{erased, in_crisp, people, records, links, idempotency_keys, news, arrivals, files,
    calls}`: rows removed or emptied here, uploaded files that the person was taken out of, and the calls that it cost.
    Raises `contact_missing` when neither Crisp nor anything here knows the person, `contact_busy`, and what
    `Courier.run` raises.
    """
    crisp = _Counted(services, connection_id, live)
    _take_in(services, connection_id, {who}, services.courier.clock() if asked_at is None else asked_at)
    asked_at = services.courier.clock() if asked_at is None else asked_at
    whos, in_crisp, files = _both_names(crisp, who), False, 0
    for _ in range(_ROUNDS):
        if _take_in(services, connection_id, whos, asked_at):
            asked_at = services.courier.clock()
        before = _at_rest(services, connection_id, whos)
        whos = before.known
        in_crisp |= _erased_in_crisp(crisp, who, whos)
        # First: who is killed after this is asked again, and the person is still known then.
        files += forgetting.erase(services.ledger, services.store, connection_id, before.names)
        gone = _forgotten(services, connection_id, before, asked_at, known=in_crisp or bool(files))
        if gone is not None:
            if not services.ledger.forget(wait=wait):
                services.engine.sweep_soon()
            return {"erased": True, "in_crisp": in_crisp, **asdict(gone), "files": files, "calls": crisp.calls}
    raise Problem("contact_busy")


@dataclass
class _Counted:
    """One connection's Crisp, and how many calls were made to it."""

    services: Needs
    connection_id: str
    live: bool
    calls: int = 0

    def run(self, steps: Generator[Call, Reply, Result]) -> Result:
        """The result of a plan."""
        return self.services.courier.run(self.connection_id, self._counting(steps), live=self.live)

    def _counting(self, steps: Generator[Call, Reply, Result]) -> Generator[Call, Reply, Result]:
        try:
            call = next(steps)
            while True:
                self.calls += 1
                call = steps.send((yield call))
        except StopIteration as end:
            result: Result = end.value
            return result


def _both_names(crisp: _Counted, who: str) -> frozenset[str]:
    """Email and people_id, asked of Crisp where the ledger does not know both: rows may have either alone."""
    with crisp.services.ledger.read() as connection:
        known = erasure.standing(connection, crisp.connection_id, {who}).known
    if len({"@" in name for name in known}) == 2:
        return known
    return known | crisp.run(_names(who))


def _names(who: str) -> Generator[Call, Reply, set[str]]:
    """The names of a person as Crisp has them; none when it has nobody."""
    card = (yield Call("GET", "people/profile/{who}", who)).data
    found = card if isinstance(card, dict) else {}
    named = (email(str(found.get("email") or "")), people_id(str(found.get("people_id") or "")))
    return {name for name in named if name}


def _take_in(services: Needs, connection_id: str, whos: Collection[str], asked_at: int) -> bool:
    """What names the person and came before the erasure was asked for is a record of then; whether there was any."""
    with services.ledger.read() as connection:
        called = erasure.standing(connection, connection_id, whos).called
    return services.arrivals.take_in_now(connection_id, called, asked_at)


def _at_rest(services: Needs, connection_id: str, whos: Collection[str]) -> Standing:
    """How the person stands once no call for it is under way."""
    until = time.monotonic() + _PATIENCE
    while True:
        with services.ledger.read() as connection:
            found = erasure.standing(connection, connection_id, whos)
        if not found.in_hand:
            return found
        if time.monotonic() > until:
            raise Problem("contact_busy")
        time.sleep(0.05)


def _erased_in_crisp(crisp: _Counted, who: str, whos: Collection[str]) -> bool:
    """Under the name that was given; where nobody has it by now, under the person's others."""
    names = (who, *sorted(set(whos) - {who}))
    with crisp.services.ledger.write() as connection:
        ids = [name for name in names if "@" not in name]
        hooks.expect_removal(connection, crisp.connection_id, ids, crisp.services.courier.clock())
    return any(crisp.run(plan.erase(name)) for name in names)


def _forgotten(services: Needs, connection_id: str, before: Standing, asked_at: int, *, known: bool) -> Erased | None:
    """Erases here what stands as it stood before Crisp was told; None when something was delivered or came in since.
    `known`: Crisp or a file had the person."""
    with services.ledger.read() as connection:
        named = services.arrivals.naming(connection, connection_id, before.called)
        arrivals.look_through(connection, connection_id, named)
    with services.ledger.write(durable=True) as connection:
        if arrivals.waiting(connection, connection_id, named, until=asked_at):
            return None
        if erasure.standing(connection, connection_id, before.known, lock=True) != before:
            return None
        now = services.courier.clock()
        gone = erasure.erase(connection, connection_id, before.names, asked_at=asked_at, now=now, named=named)
        if not known and gone.nothing:
            raise Problem("contact_missing")
    return gone
