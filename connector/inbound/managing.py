"""Inbound addresses are made, changed and rotated."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.errors import Problem
from connector.ids import new_id
from connector.inbound import secret
from connector.inbound.needs import Needs
from connector.intake.options import read_mapping, shown_mapping
from connector.ledger import arrivals, inbounds
from connector.ledger.inbounds import Address

# How what comes is read.
OPTIONS = ("mapping", "timezone", "country", "mode", "unmapped", "on_delete", "pull")
# What ended so is tried again once the address has another credential.
_FOR_A_CREDENTIAL = ("source_credential_refused",)


def make(needs: Needs, connection_id: str, source: str, said: Mapping[str, Any]) -> Address:
    """A new address with a secret of its own. `said`: label, credential, and any of `OPTIONS`, checked before. Raises
    what `read_mapping` raises."""
    vault, credential = needs.vault, said.get("credential")
    address = Address(
        id=new_id(),
        connection_id=connection_id,
        source=source,
        label=said.get("label") or source,
        secret_sealed=vault.seal(secret.new_secret()),
        credential_sealed=vault.seal(credential) if credential else None,
        options=_options(needs, {}, said),
        state={},
        created_at=needs.intake.clock(),
    )
    with needs.ledger.write(durable=True) as connection:
        inbounds.add(connection, address)
    return address


def change(needs: Needs, connection_id: str, inbound_id: str, said: Mapping[str, Any]) -> Address:
    """Changes what is said; null takes it away. With another credential, what the old one was refused for is tried
    again. Raises `inbound_missing`, and what `read_mapping` raises."""
    with needs.ledger.write(durable=True) as connection:
        known = known_to(inbounds.locked(connection, inbound_id), connection_id)
        changed = replace(
            known,
            label=said.get("label") or known.label,
            credential_sealed=_credential(needs, known, said),
            options=_options(needs, known.options, said),
        )
        inbounds.save(connection, changed)
        if said.get("credential"):
            arrivals.again(connection, inbound_id, _FOR_A_CREDENTIAL, needs.intake.clock())
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
    return needs.vault.seal(said["credential"]) if said["credential"] else None


def _options(needs: Needs, known: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said now and what was said before, without what is taken away."""
    told = {name: said[name] for name in OPTIONS if name in said}
    if told.get("mapping") is not None:
        told["mapping"] = shown_mapping(read_mapping(told["mapping"], needs.manifest))
    return {name: value for name, value in {**known, **told}.items() if value is not None}
