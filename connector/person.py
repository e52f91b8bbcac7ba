"""One person in Crisp, by name: reading and erasing, now."""

import time
from typing import Any

from connector.convert.email import email
from connector.convert.people import people_id
from connector.convert.times import from_milliseconds
from connector.crisp import plan
from connector.crisp.card import contact_of
from connector.errors import Problem
from connector.ledger import erasure
from connector.services import Services

# How long a call for the person that is under way is waited for (seconds).
_PATIENCE = 15.0


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


def erase(services: Services, connection_id: str, who: str) -> dict[str, Any]:
    """Removes the person from Crisp and from everything stored here; outcomes keep their codes and counts.

    Raises `contact_missing` when neither knows the person, `contact_busy`, and what `Courier.run` raises.
    """
    whos = _cancelled(services, connection_id, who)
    in_crisp = services.courier.run(connection_id, plan.erase(who))
    with services.ledger.write(durable=True) as connection:
        gone = erasure.erase(connection, connection_id, whos)
    if not in_crisp and not (gone.people or gone.records or gone.links):
        raise Problem("contact_missing")
    services.ledger.forget_deleted()
    return {
        "erased": True,
        "in_crisp": in_crisp,
        "people": gone.people,
        "records": gone.records,
        "links": gone.links,
    }


def _cancelled(services: Services, connection_id: str, who: str) -> set[str]:
    """Every name of the person, once no call for it is under way and nothing of it waits."""
    until = time.monotonic() + _PATIENCE
    while True:
        with services.ledger.write(durable=True) as connection:
            whos = erasure.identities(connection, connection_id, who)
            in_hand = erasure.cancel(connection, connection_id, whos, services.courier.clock())
        if not in_hand:
            return whos
        if time.monotonic() > until:
            raise Problem("contact_busy")
        time.sleep(0.05)
