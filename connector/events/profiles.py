"""Profiles: what Crisp tells of a person who was made, changed or removed becomes an event that is complete."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row

from connector.contact import Contact
from connector.events.comparing import Difference, difference, echoed, true, was_told, without
from connector.events.handing import Whom, payload_of
from connector.events.tools import Card, Dropped, Tools, is_doubtful
from connector.ledger import events, hooks


def created(tools: Tools, row: Row[Any], whom: Whom) -> bool:
    """Whom we made of late is our own. What is known whole already needs no reading."""
    own = _is_made_by_us(tools, row, whom)
    known = whom.person is not None and (own or whom.person.complete)
    if known and not is_doubtful(row):
        return tools.handing.hand_on(row, whom, None, _payload_of_new(row, whom, whom.known), own=own)
    card = tools.card(row, whom)
    if card is None:
        return _without_card(tools, row, whom)
    whom = tools.confirmed(row, whom, card)
    own = own or _is_made_by_us(tools, row, whom)  # under the address, which the event need not say
    found = difference(whom.person, card, {}, tools.fields)
    payload = _payload_of_new(row, whom, found.contact)
    # What differs from what we wrote is for the events of its changes.
    return tools.handing.hand_on(
        row, whom, None if own and whom.person else found.contact, payload, own=own, changed=found.changed
    )


def _is_made_by_us(tools: Tools, row: Row[Any], whom: Whom) -> bool:
    with tools.ledger.read() as connection:
        since = row.occurred_at - events.SKEW
        return events.made(connection, row.connection_id, whom.email, whom.people_id, since)


def _payload_of_new(row: Row[Any], whom: Whom, contact: Contact) -> dict[str, Any]:
    return payload_of(row, whom, contact, tuple(sorted(key for key in contact.said() if key != "email")))


def updated(tools: Tools, row: Row[Any], whom: Whom) -> bool:
    """A change is compared with what is known. The profile is read where that is not enough: somebody is not known
    whole, the event says nothing or another address, is doubtful, or comes late."""
    card, update = _listed(row), _said(row)
    if card is None and _must_read(row, whom):
        card = tools.card(row, whom)
        if card is None:
            return _without_card(tools, row, whom)
    seen = _seen(tools, row, whom, card, update)
    # What was read just now is not, unless it was read before anybody knew whose it is.
    if (card is _listed(row) or seen.whom.person is not whom.person) and _is_overtaken(row, seen):
        card = tools.card(row, seen.whom)
        if card is None:
            return _without_card(tools, row, seen.whom)
        seen = _seen(tools, row, seen.whom, card, update)
    news, whom = seen.news, seen.whom
    payload = payload_of(row, whom, news.contact, news.changed, news.previous)
    return tools.handing.hand_on(row, whom, news.contact, payload, own=seen.own, changed=news.changed)


def _listed(row: Row[Any]) -> Card | None:
    """The whole profile, where the event was made of one."""
    card: Card | None = row.payload["card"] if row.payload.get("way") == "listing" else None
    return card


def _said(row: Row[Any]) -> dict[str, Any]:
    """What an event says of the profile. Of whom it is is part of that, where it is believed."""
    update = {key: value for key, value in row.payload.get("card", {}).items() if key != "email"}
    return {**update, "email": row.payload.get("email")} if not is_doubtful(row) else update


def _must_read(row: Row[Any], whom: Whom) -> bool:
    says_something = any(key not in ("updated_at", "created_at") for key in row.payload.get("card", {}))
    is_known = whom.person is not None and whom.person.complete
    # The address is the one of then: we may have changed it ourselves since.
    is_another = bool(row.payload.get("email")) and row.payload["email"] != whom.known.email
    return is_doubtful(row) or bool(row.payload.get("unsure")) or not is_known or is_another or not says_something


@dataclass(frozen=True, slots=True)
class _Seen:
    """`news`: what is new to everybody; `whom`: whose it is; `own`: whether all of it is our own; `ours`: what we wrote
    of late."""

    news: Difference
    whom: Whom
    own: bool
    ours: list[Contact]


def _seen(tools: Tools, row: Row[Any], whom: Whom, card: Card | None, update: Mapping[str, Any]) -> _Seen:
    whom = _met(tools, row, whom, card) if card is not None else whom
    found = difference(whom.person, card, update, tools.fields)
    if whom.person is not None and not found.changed:
        found = replace(found, changed=_untold(tools, row, update, found.contact))
    ours = _written(tools, row, whom) if found.changed else []
    echo = echoed(found, whom.known, update, ours, tools.fields)
    # Of whom nothing is known, what we said of late is shown as Crisp has it.
    news = without(found, whom.known if whom.person else found.contact, echo)
    whom = replace(whom, email=news.contact.email or whom.email)
    return _Seen(news, whom, not news.changed and bool(whom.person or echo), ours)


def _met(tools: Tools, row: Row[Any], whom: Whom, card: Card) -> Whom:
    """Whose profile it is. Whom an event names by an address that nobody has here may be known, under another one."""
    found = tools.confirmed(row, whom, card)
    return found if found.person or row.people_id else tools.known(row.connection_id, found.people_id, found.email)


def _written(tools: Tools, row: Row[Any], whom: Whom) -> list[Contact]:
    """What we wrote ourselves, under the address of now or the one that is known: it comes back late, when more was
    written meanwhile, or is seen before it is known to be written."""
    names = {name for name in (whom.email, whom.known.email) if name}
    with tools.ledger.read() as connection:
        since = row.occurred_at - events.SKEW
        ours = events.written(connection, row.connection_id, names, whom.people_id, since)
    return [_said_by_us(who, Contact.from_flat(flat)) for who, flat in ours]


def _said_by_us(who: str | None, contact: Contact) -> Contact:
    """What we told Crisp: an address only where somebody got it by that, and not as the name of whom it is about."""
    fields = {key: value for key, value in contact.fields.items() if key != "email"}
    return contact._replace(fields=fields) if who == contact.email else contact


def _untold(tools: Tools, row: Row[Any], update: Mapping[str, Any], now: Contact) -> tuple[str, ...]:
    """What an event says, is so, and was not told, where another's change was told since it happened: then its profile
    may have been read with this change in it, and that it is known does not make it ours. What a listing says that is
    known was told."""
    if row.payload.get("way") == "listing":
        return ()
    with tools.ledger.read() as connection:
        told = events.told_since(connection, row.connection_id, row.people_id, row.occurred_at)
    # Who asks for changes alone has not heard what the news of a new contact said.
    changes = [each for each in told if each["event"] == row.event]
    return tuple(key for key in true(update, now, tools.fields) if not was_told(key, now, changes)) if told else ()


def _is_overtaken(row: Row[Any], seen: _Seen) -> bool:
    """Whether something newer is known of what this changes: Crisp repeats what was lost, and then it comes late."""
    times, changed = seen.whom.person.times if seen.whom.person else {}, seen.news.changed
    if any(times.get(key, 0) > row.occurred_at for key in changed):
        return True
    return any(key == "email" or key in each.said() for key in changed for each in seen.ours if key != "segments")


def removed(tools: Tools, row: Row[Any], whom: Whom) -> bool:
    """Nobody knows who is gone: an unsigned hook is believed of a person that Crisp does not have any more."""
    whom = _gone(tools, row, whom) if is_doubtful(row) else whom
    own = _is_removed_by_us(tools, row, whom)
    return tools.handing.hand_on(row, whom, None, payload_of(row, whom, whom.known), own=own, gone=True)


def _is_removed_by_us(tools: Tools, row: Row[Any], whom: Whom) -> bool:
    with tools.ledger.read() as connection:
        return whom.people_id is not None and hooks.is_expected(connection, row.connection_id, whom.people_id)


def _gone(tools: Tools, row: Row[Any], whom: Whom) -> Whom:
    """The person by the ledger's names, which a forger cannot choose; by the people_id alone when it is not known."""
    person = whom.person
    whom = Whom(person.email, person.people_id, person) if person else Whom(None, row.people_id, None)
    if not whom.names or tools.card(row, whom) is not None:
        raise Dropped
    return whom


def _without_card(tools: Tools, row: Row[Any], whom: Whom) -> bool:
    """Crisp has nobody of that name any more, or cannot be asked: it is told with what is known."""
    if is_doubtful(row) or _is_removed_by_us(tools, row, whom):  # of whom we have removed nothing is kept late
        raise Dropped
    found = difference(whom.person, None, _said(row), tools.fields)
    payload = payload_of(row, whom, found.contact, found.changed, found.previous, partial=True)
    return tools.handing.hand_on(row, whom, None, payload, own=False)
