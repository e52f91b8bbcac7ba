"""Stored credentials and the secret keys that there are: what opens them, and bringing them under the newest."""

import structlog

from connector.courier.courier import UNREADABLE
from connector.ledger import Ledger, sealed
from connector.ledger import connections as tenants
from connector.settings import Settings, SettingsProblem
from connector.vault import Vault, where

log = structlog.get_logger()

# So many connections are named in a sentence.
_MOST_NAMED = 5


def lost(ledger: Ledger, vault: Vault) -> list[str]:
    """The ids of all connections when there are some and the vault opens the credential of none: then the secret key is
    another, or gone, and whatever is sealed now could not be told from what the right key sealed. Else nothing."""
    with ledger.read() as connection:
        known = tenants.every(connection)
    return [] if any(vault.opens(tenant.key_sealed) for tenant in known) else [tenant.id for tenant in known]


def check(ledger: Ledger, vault: Vault, settings: Settings) -> None:
    """Raises `SettingsProblem` when the secret key is lost."""
    ids = lost(ledger, vault)
    if ids:
        more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
        raise SettingsProblem(
            f"The secret key is lost: it opens the stored credential of no connection ({', '.join(ids[:_MOST_NAMED])}"
            f"{more}). {where(settings)}. Give the old key back there, or give the credential again: "
            "crisp-connector connect add. Nothing was changed."
        )


def reseal(ledger: Ledger, vault: Vault) -> None:
    """Brings stored credentials under the newest secret key, so that the older ones can be dropped. One that no key
    opens is left as it is, and told; one that can be opened again is halted no longer for that."""
    with ledger.read() as connection:
        known = tenants.every(connection)
    for tenant in known:
        try:
            renewed = vault.renewed(tenant.key_sealed)
        except SettingsProblem:
            vault.tell(tenant.id, tenant.key_sealed)
            continue
        readable_again = tenant.halted == UNREADABLE
        if renewed is None and not readable_again:
            continue
        with ledger.write(durable=True) as connection:
            if renewed is not None and tenants.reseal(connection, tenant.id, tenant.key_sealed, renewed):
                log.info("credential_resealed", connection=tenant.id)
            if readable_again:
                tenants.halt(connection, tenant.id, None, ledger.clock())
    reseal_the_rest(ledger, vault)


def reseal_the_rest(ledger: Ledger, vault: Vault) -> None:
    """Secrets of hooks, subscriptions, sinks and inbound addresses. One that no key opens stays as it is, and is
    told."""
    with ledger.read() as connection:
        known = list(sealed.every(connection))
    for each in known:
        try:
            renewed = vault.renewed(each.value)
        except SettingsProblem:
            vault.tell(each.connection_id, each.value)
            continue
        if renewed is not None:
            with ledger.write(durable=True) as connection:
                sealed.replace(connection, each, renewed)
