"""Tools: what whoever completes an event works with, and the questions that all of them ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy import Row

from connector.convert.email import email as canonical
from connector.crisp import plan
from connector.events.handing import Dropped, Handing, Whom, person_of
from connector.ledger import Ledger, hooks
from connector.manifest import Field

__all__ = ["Card", "Dropped", "Reads", "Tools", "email_of", "is_doubtful"]

Card = dict[str, Any]


class Reads(Protocol):
    """Runs a plan for somebody who waits: `Courier.run`."""

    def __call__(self, connection_id: str, plan: Any, /) -> Any: ...


@dataclass(frozen=True)
class Tools:
    """`reads` asks Crisp; `handing` makes final what is finished; `clock` gives UNIX milliseconds; `fields`: the
    manifest's."""

    ledger: Ledger
    reads: Reads
    handing: Handing
    fields: Mapping[str, Field]
    clock: Callable[[], int]

    def unread(self) -> "Tools":
        """The same for who cannot wait for Crisp any longer: to them it has nothing to say."""
        return replace(self, reads=lambda *_: None)

    def whom(self, row: Row[Any]) -> Whom:
        """The person of an event, by its own names or by its conversation's."""
        email, people_id, linked = row.payload.get("email") or row.email, row.people_id, None
        if row.session_id:
            with self.ledger.read() as connection:
                session = hooks.person_of(connection, row.connection_id, row.session_id)
            linked = session.email if session else None
            people_id = people_id or (session.people_id if session else None)
        whom = self.known(row.connection_id, people_id, email or linked)
        # The person may have another address since the conversation was linked.
        return replace(whom, email=email or whom.known.email or linked)

    def known(self, connection_id: str, people_id: str | None, email: str | None) -> Whom:
        """Whom the ledger knows by these names."""
        with self.ledger.read() as connection:
            person = person_of(connection, connection_id, people_id, email)
        known = (person.email, person.people_id) if person else (None, None)
        return Whom(email or known[0], people_id or known[1], person)

    def card(self, row: Row[Any], whom: Whom) -> Card | None:
        """The whole profile as Crisp has it now; None when there is none."""
        found: Card | None = self.reads(row.connection_id, plan.profile(whom.names[0])) if whom.names else None
        return found

    def confirmed(self, row: Row[Any], whom: Whom, card: Card) -> Whom:
        """The person by the names of Crisp's own profile. Of what is doubtful nothing else names anybody.

        Who was known before the profile was read stays: what we write meanwhile is known and not in the profile.
        """
        given, email = card.get("people_id"), email_of(card)
        people_id = str(given) if given else whom.people_id
        if not is_doubtful(row):
            return replace(whom, people_id=people_id, email=email or whom.email)
        person = whom.person
        same = (
            person is not None and person.people_id in (None, people_id) and (person.people_id or person.email == email)
        )
        return Whom(email, people_id, person) if same else self.known(row.connection_id, people_id, email)


def is_doubtful(row: Row[Any]) -> bool:
    """Whether it came by an unsigned hook: what it says is confirmed first (crisp-api: website hooks)."""
    return bool(row.payload.get("way") == "website")


def email_of(named: Mapping[str, Any]) -> str | None:
    """The canonical address that a profile or a conversation gives."""
    address = named.get("email")
    return canonical(address) if isinstance(address, str) else None
