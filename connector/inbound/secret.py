"""Secrets of inbound addresses: made, rotated with an overlap, and brought under a newer secret key."""

import secrets
from dataclasses import replace

from connector.budget import DAY
from connector.inbound.needs import Needs
from connector.ledger.inbounds import Address
from connector.settings import SettingsProblem
from connector.vault import Vault
from connector.vendors.base import Access

# Milliseconds that the secret before a rotation goes on being taken.
OVERLAP = DAY
# Between the secret and the one before it; no secret has it inside.
SEPARATOR = "\n"


def new_secret() -> str:
    """256 random bits, in characters that an address takes as they are."""
    return "in_" + secrets.token_urlsafe(32)


def valid(vault: Vault, address: Address, now: int) -> list[str]:
    """The secrets that are taken now, newest first. Raises `SettingsProblem` when no key opens them."""
    newest, *older = vault.open(address.secret_sealed).split(SEPARATOR)
    return [newest, *older] if now < int(address.state.get("old_until", 0)) else [newest]


def rotated(vault: Vault, address: Address, secret: str, now: int) -> Address:
    """The address with a new secret; the one that it had until now is taken for a day. For Notion, whose secret Notion
    makes, a handshake is awaited again."""
    current = vault.open(address.secret_sealed).split(SEPARATOR)[0]
    told = ("verified_at", "token") if address.source == "notion" else ()
    kept = {name: value for name, value in address.state.items() if name not in told}
    sealed = vault.seal(SEPARATOR.join((secret, current)))
    return replace(address, secret_sealed=sealed, state={**kept, "old_until": now + OVERLAP})


def with_token(vault: Vault, address: Address, token: str) -> Address:
    """The address with Notion's token in the place of its newest secret."""
    _, *older = vault.open(address.secret_sealed).split(SEPARATOR)
    state = {**address.state, "token": True}
    return replace(address, secret_sealed=vault.seal(SEPARATOR.join((token, *older))), state=state)


def access_of(vault: Vault, address: Address, now: int) -> Access | None:
    """The access token that is kept for an address, while it is good; None for one that no key opens any more."""
    sealed = address.state.get("access_sealed")
    if not sealed or now >= int(address.state.get("access_until", 0)):
        return None
    try:
        base, _, token = vault.open(str(sealed).encode()).partition(" ")
    except SettingsProblem:
        return None
    return Access(token, base=base)


def credential_of(needs: Needs, address: Address) -> str | None:
    """What the rest of a notification is fetched with. Raises `SettingsProblem` when no key opens it."""
    return None if address.credential_sealed is None else needs.vault.open(address.credential_sealed)
