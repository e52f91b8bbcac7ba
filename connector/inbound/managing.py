"""Inbound addresses are made, changed and rotated."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from connector import vendors
from connector.errors import Detail, Problem
from connector.ids import new_id
from connector.inbound import secret
from connector.inbound.asking import asker_of
from connector.inbound.needs import Needs
from connector.inbound.signing import agreed
from connector.inbound.taking import FOR_A_CREDENTIAL
from connector.intake.options import read_mapping, shown_mapping
from connector.ledger import arrivals, inbounds, pulls
from connector.ledger.inbounds import Address
from connector.settings import SettingsProblem
from connector.sources import registry

# How what comes is read.
OPTIONS = ("mapping", "timezone", "country", "mode", "unmapped", "on_delete", "sender", "signature", "pull")


def make(needs: Needs, connection_id: str, source: str, said: Mapping[str, Any]) -> Address:
    """A new address. `said`: label, credential, any of `OPTIONS`, and the secret, where the other system made it; all
    checked before. Raises `sender_unsupported`, and what `read_mapping` raises."""
    vault, credential = needs.vault, said.get("credential")
    address = Address(
        id=new_id(),
        connection_id=connection_id,
        source=source,
        label=said.get("label") or source,
        secret_sealed=vault.seal(said.get("secret") or secret.new_secret()),
        credential_sealed=vault.seal(_usable(source, credential)) if credential else None,
        options=_options(needs, source, {}, said),
        state={},
        created_at=needs.intake.clock(),
    )
    with needs.ledger.write(durable=True) as connection:
        inbounds.add(connection, address)
        _schedule(needs, connection, address)
    return address


def change(needs: Needs, connection_id: str, inbound_id: str, said: Mapping[str, Any]) -> Address:
    """Changes what is said; null takes it away. With another credential, what the old one was refused for is tried
    again; with that or another pull, a page that is on its way is read again as it is said now; beside another secret,
    the one until now is taken for a day. Raises `inbound_missing`, and what `make` raises."""
    with needs.ledger.write(durable=True) as connection:
        known = known_to(inbounds.locked(connection, inbound_id), connection_id)
        changed = replace(
            known,
            label=said.get("label") or known.label,
            credential_sealed=_credential(needs, known, said),
            options=_options(needs, known.source, known.options, said),
        )
        if "credential" in said:  # what the old one had opened is not the new one's
            changed = replace(changed, state={k: v for k, v in changed.state.items() if not k.startswith("access_")})
        if said.get("secret"):
            changed = secret.rotated(needs.vault, changed, said["secret"], needs.intake.clock())
        inbounds.save(connection, changed)
        if said.get("credential"):
            arrivals.again(connection, inbound_id, FOR_A_CREDENTIAL, needs.intake.clock())
        if said.keys() & {"credential", "pull"}:
            pulls.take_back(connection, inbound_id)
            pulls.place(connection, inbound_id, _place(needs, known))
            _schedule(needs, connection, changed)
    return changed


def rotate(needs: Needs, connection_id: str, inbound_id: str) -> Address:
    """Gives the address a new secret; the old one is taken for a day more. Raises `inbound_missing`."""
    with needs.ledger.write(durable=True) as connection:
        known = known_to(inbounds.locked(connection, inbound_id), connection_id)
        changed = secret.rotated(needs.vault, known, secret.new_secret(), needs.intake.clock())
        inbounds.save(connection, changed)
    return changed


def known_to(found: Address | None, connection_id: str) -> Address:
    """The address, when it is this connection's. Raises `inbound_missing`."""
    if found is None or found.connection_id != connection_id:
        raise Problem("inbound_missing")
    return found


def _credential(needs: Needs, known: Address, said: Mapping[str, Any]) -> bytes | None:
    if "credential" not in said:
        return known.credential_sealed
    return needs.vault.seal(_usable(known.source, said["credential"])) if said["credential"] else None


def _usable(source: str, credential: str) -> str:
    """The credential, when its parts are there; the message quotes nothing of it."""
    try:
        vendors.credential(source, credential)
    except ValueError as problem:
        raise _wrong("credential", problem) from None
    return credential


def _place(needs: Needs, known: Address) -> str:
    """Where an address was pulled from before it is changed; "", which is nowhere, when nobody can tell any more: then
    the next pull begins anew, for going on elsewhere would lose contacts without a word."""
    asker = asker_of(needs, known)
    try:
        return "" if asker is None else asker.place
    except (Problem, SettingsProblem):
        return ""


def _schedule(needs: Needs, connection: Connection, address: Address) -> None:
    """When it is read by itself the first time: not at once, for somebody may want to see first what will come."""
    every = (address.options.get("pull") or {}).get("every_minutes")
    due_at = None if every is None else needs.intake.clock() + every * 60_000
    pulls.schedule(connection, address.connection_id, address.id, due_at)


def _wrong(field: str, problem: ValueError) -> Problem:
    return Problem("parameter_invalid", errors=[Detail(problem.args[0], "parameter_invalid", field)])


def _options(needs: Needs, source: str, known: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said now and what was said before, without what is taken away."""
    told = {name: said[name] for name in OPTIONS if name in said}
    if told.get("sender") is not None and not hasattr(registry()[source], "senders"):
        raise Problem("sender_unsupported", source=source)
    told["sender"] = _sender(source, {**known, **told}.get("sender"))
    if told.get("signature") is not None:
        told["signature"] = agreed(told["signature"])
    if told.get("pull") is not None:
        told["pull"] = _pull(source, told["pull"])
    if told.get("mapping") is not None:
        told["mapping"] = shown_mapping(read_mapping(told["mapping"], needs.manifest))
    return {name: value for name, value in {**known, **told}.items() if value is not None}


def _sender(source: str, written: str | None) -> str | None:
    """The account in its one form, where its source has one."""
    try:
        form = getattr(registry()[source], "sender_form", None)
        return form(written) if form else written
    except ValueError as problem:
        raise _wrong("sender", problem) from None


def _pull(source: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return vendors.pull_options(source, wanted)
    except ValueError as problem:
        raise _wrong("pull", problem) from None
