"""One person in Crisp, by name: reading and erasing, now."""

import time
from collections.abc import Collection, Generator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from connector.convert.email import email
from connector.convert.people import people_id
from connector.convert.times import from_milliseconds
from connector.crisp import plan
from connector.crisp.calls import Call, Reply
from connector.crisp.card import contact_of
from connector.errors import Problem
from connector.ledger import erasure
from connector.ledger.erasure import Erased, Standing
from connector.services import Services
from connector.uploads import forgetting

Result = TypeVar("Result")

# How long a call for the person that is under way is waited for (seconds), and how often Crisp is told again when
# something was delivered meanwhile.
_PATIENCE, _ROUNDS = 15.0, 5


def name_of(written: str) -> str:
    """The canonical email, or the people_id, that names a person. Raises `who_invalid`."""
    who = email(written) if "@" in written else people_id(written)
    if who is None:
        raise Problem("who_invalid")
    return who


def read(services: Services, connection_id: str, who: str) -> dict[str, Any]:
    """The contact as Crisp has it, flat. Raises `contact_missing`, and what `Courier.run` raises."""
    found = services.courier.run(connection_id, plan.read(who))
    if found is None:
        raise Problem("contact_missing")
    card, data = found
    contact = contact_of(card, data, services.manifest.fields)
    moments = {key: _moment(card.get(key)) for key in ("created_at", "updated_at")}
    return {"people_id": card.get("people_id"), **contact.flat(), **moments}


def _moment(value: Any) -> str | None:
    return from_milliseconds(value) if isinstance(value, int | float) and value > 0 else None


def erase(services: Services, connection_id: str, who: str, *, wait: bool = True) -> dict[str, Any]:
    """Removes the person from Crisp and from everything stored here; outcomes keep their codes and counts.

    Records that wait are rejected once Crisp has answered. A delivery that came between is erased after it, in Crisp
    as well; a record that came after the erasure was asked for and still waits is a new wish, and creates anew.
    Without `wait` a large database's files are cleaned later. Returns `{erased, in_crisp, people, records, links,
    idempotency_keys, files, calls}`: rows removed or emptied here, uploaded files that the person was taken out of, and
    the calls that it cost. Raises `contact_missing` when neither Crisp nor anything here knows the person,
    `contact_busy`, and what `Courier.run` raises.
    """
    asked_at = services.courier.clock()
    crisp = _Counted(services, connection_id)
    whos, in_crisp, files = _both_names(crisp, who), False, 0
    for _ in range(_ROUNDS):
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

    services: Services
    connection_id: str
    calls: int = 0

    def run(self, steps: Generator[Call, Reply, Result]) -> Result:
        """The result of a plan."""
        return self.services.courier.run(self.connection_id, self._counting(steps))

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


def _at_rest(services: Services, connection_id: str, whos: Collection[str]) -> Standing:
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
    return any(crisp.run(plan.erase(name)) for name in names)


def _forgotten(
    services: Services, connection_id: str, before: Standing, asked_at: int, *, known: bool
) -> Erased | None:
    """Erases here what stands as it stood before Crisp was told; None when something was delivered since. `known`:
    Crisp or a file had the person."""
    with services.ledger.write(durable=True) as connection:
        if erasure.standing(connection, connection_id, before.known, lock=True) != before:
            return None
        now = services.courier.clock()
        gone = erasure.erase(connection, connection_id, before.names, asked_at=asked_at, now=now)
        if not known and gone.nothing:
            raise Problem("contact_missing")
    return gone
