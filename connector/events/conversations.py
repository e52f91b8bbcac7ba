"""Conversations: what a visitor's conversation says becomes an event about its person.

We never write there, so it is never our own.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from connector.crisp import plan
from connector.events.comparing import difference
from connector.events.handing import Whom, payload_of
from connector.events.tools import Card, Dropped, Tools, email_of, is_doubtful

Said = Mapping[str, Any]


def changed(tools: Tools, row: Row[Any], whom: Whom) -> bool:
    """Tells what a conversation says, with the contact that it is with."""
    told, linked = row.payload, whom.email
    if is_doubtful(row) or not whom.names:
        meta = tools.reads(row.connection_id, plan.conversation(row.session_id))
        told, whom = _confirmed(row, told, meta), _met(tools, row, whom, meta or {})
    card = tools.card(row, whom) if whom.names and not (whom.person and whom.person.complete) else None
    payload = _payload(tools, row, whom, told, card)
    return tools.handing.hand_on(row, whom, None, payload, own=False, met=whom.email != linked)


def _payload(tools: Tools, row: Row[Any], whom: Whom, told: Said, card: Card | None) -> dict[str, Any]:
    contact = difference(whom.person, card, {}, tools.fields).contact if card is not None else whom.known
    partial = card is None and not (whom.person and whom.person.complete)
    whom = tools.confirmed(row, whom, card) if card is not None else whom
    payload = payload_of(row, whom, contact, _changed(row, told), partial=partial)
    if "data" in told:
        payload["data"] = told["data"]
    if "segments" in told:
        segments = told["segments"]
        payload["contact"] |= {"segments": segments, "segments_text": ", ".join(segments)}
    return payload


def _changed(row: Row[Any], told: Said) -> tuple[str, ...]:
    if row.event == "conversation_email_changed":
        return ("email",)
    return tuple(f"data.{key}" for key in told.get("data", {})) or (("segments",) if "segments" in told else ())


def _confirmed(row: Row[Any], told: Said, meta: Said | None) -> Said:
    """Of what an unsigned hook says, that which Crisp says as well."""
    if not is_doubtful(row):
        return told
    if meta is None or (row.event == "conversation_email_changed" and email_of(meta) != row.email):
        raise Dropped
    if "segments" in told:
        return {**told, "segments": [each for each in meta.get("segments") or [] if isinstance(each, str)]}
    return {**told, "data": _held(told["data"], meta)} if "data" in told else told


def _held(data: Said, meta: Said) -> Said:
    """Of this data what Crisp has as well, or does not have as well."""
    held: Any = meta.get("data")
    same = {key: value for key, value in data.items() if (held if isinstance(held, dict) else {}).get(key) == value}
    if not same:
        raise Dropped
    return same


def _met(tools: Tools, row: Row[Any], whom: Whom, meta: Said) -> Whom:
    """The person whom the conversation names by now."""
    email = email_of(meta)
    return whom if email in (None, whom.email) else tools.known(row.connection_id, None, email)
