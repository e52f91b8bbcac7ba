"""`connect`: Crisp websites, their credentials, and API keys."""

import json
from dataclasses import replace
from typing import Any

import click
from cryptography.fernet import Fernet
from rich.table import Column, Table

from connector.cli.common import (
    Failed,
    as_json,
    connection_of,
    explained,
    of_connection,
    opened,
    print_json,
    results,
)
from connector.convert.times import from_milliseconds
from connector.courier.courier import now_ms
from connector.crisp import plan
from connector.ids import new_key
from connector.ledger import connections as tenants
from connector.ledger.connections import SCOPES, CrispConnection
from connector.services import ENVIRONMENT, Services, Token, described
from connector.settings import TIERS


@click.group()
def connect() -> None:
    """Crisp websites and API keys.

    \b
    Example:
      crisp-connector connect add --website-id 8c842203-… --identifier 6f3c…
    """


@connect.command()
@click.option("--website-id", prompt="Website ID", help="Crisp: Settings, Website settings, Setup instructions.")
@click.option("--identifier", prompt="Token identifier", help="Identifier of the website or plugin token.")
@click.option("--key", prompt="Token key", hide_input=True, envvar="CRISP_KEY", help="Key of the token; better asked.")
@click.option("--tier", type=click.Choice(TIERS), default="website", show_default=True)
@click.option("--label", default="", help="What you call it.")
@click.option("--check/--no-check", default=True, show_default=True, help="Ask Crisp whether the credential works.")
@as_json
@explained
def add(*, check: bool, json_: bool, **given: Any) -> None:
    """Connect a Crisp website, or give it another credential, and make an API key for it.

    \b
    Example:
      crisp-connector connect add --website-id 8c842203-… --identifier 6f3c… --label "Main site"
    """
    with opened() as services:
        label = given.pop("label")
        tenant, secret, new = _add(services, Token(**given), label)
        refused = services.courier.check(tenant.id, plan.check()) if check else None
        if refused and new:
            with services.ledger.write(durable=True) as connection:
                tenants.remove(connection, tenant.id)
            raise Failed(f"Crisp does not take this credential ({refused}). Nothing was stored; --no-check stores it.")
    shown = {"id": tenant.id, "label": tenant.label, "key": secret, "refused": refused}
    if json_:
        print_json(shown)
    else:
        results.print(f"Connected {tenant.label}.")
        if secret:
            results.print(f"API key (shown once): {secret}")
    if refused:
        raise Failed(f"Crisp refuses this credential ({refused}). Give the right one with: crisp-connector connect add")


def _add(services: Services, token: Token, label: str) -> tuple[CrispConnection, str | None, bool]:
    """Saves the connection; while it has no API key it gets one. Whether it is new comes last."""
    with services.ledger.write(durable=True) as connection:
        known = tenants.get(connection, token.website_id)
        tenant = described(services.settings, services.vault, token, known)
        tenant = replace(tenant, label=label or tenant.label)
        tenants.save(connection, tenant, now_ms())
        if any(key.revoked_at is None for key in tenants.list_keys(connection, tenant.id)):
            return tenant, None, known is None
        secret = services.settings.api_key or new_key()
        label = ENVIRONMENT if services.settings.api_key else "first key"
        tenants.add_key(connection, tenant.id, secret, label=label, scopes=SCOPES, now=now_ms())
        return tenant, secret, known is None


@connect.command("list")
@as_json
@explained
def list_(json_: bool) -> None:
    """The connected websites and their API keys.

    \b
    Example:
      crisp-connector connect list --json
    """
    with opened() as services, services.ledger.read() as connection:
        shown = [_shown(connection, tenant) for tenant in tenants.every(connection)]
    if json_:
        print_json(shown)
        return
    _print_connections(shown)


def _print_connections(shown: list[dict[str, Any]]) -> None:
    """Two tables, for an id is to be copied whole."""
    connections, keys = (Table(Column(name, no_wrap=True)) for name in ("connection", "API key"))
    for name in ("label", "tier", "daily quota", "state"):
        connections.add_column(name)
    for name in ("label", "scopes", "connection"):
        keys.add_column(name)
    for each in shown:
        state = f"halted: {each['halted']}" if each["halted"] else "ok"
        connections.add_row(each["id"], each["label"], each["tier"], str(each["daily_quota"]), state)
        for key in each["keys"]:
            keys.add_row(key["id"], key["label"], ", ".join(key["scopes"]), each["label"])
    results.print(connections)
    results.print(keys)


def _shown(connection: Any, tenant: CrispConnection) -> dict[str, Any]:
    keys = [key for key in tenants.list_keys(connection, tenant.id) if key.revoked_at is None]
    names = ("id", "label", "website_id", "tier", "daily_quota", "rate", "halted")
    listed = [
        {"id": key.id, "label": key.label, "scopes": list(key.scopes), "created_at": from_milliseconds(key.created_at)}
        for key in keys
    ]
    return {**{name: getattr(tenant, name) for name in names}, "keys": listed}


@connect.command()
@click.argument("connection_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@explained
def remove(connection_id: str, yes: bool, json_: bool) -> None:
    """Remove a connection with its keys, records and everything that is known of its people. Crisp keeps its contacts.

    \b
    Example:
      crisp-connector connect remove 8c842203-… --yes
    """
    if not yes:
        click.confirm(f"Remove {connection_id} and everything stored for it?", abort=True, err=True)
    with opened() as services:
        with services.ledger.write(durable=True) as connection:
            if not tenants.remove(connection, connection_id):
                raise Failed(f"There is no connection {connection_id}.")
        services.ledger.forget_deleted()
    if json_:
        print_json({"removed": connection_id})
    else:
        results.print(f"Removed {connection_id}.")


@connect.command()
@of_connection
@click.option("--label", default="", help="What the key is for.")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, default=("write",), show_default=True)
@click.option("--revoke", metavar="KEY_ID", help="Revoke this key instead of making one.")
@as_json
@explained
def key(connection: str | None, label: str, scopes: tuple[str, ...], revoke: str | None, json_: bool) -> None:
    """Make an API key, or revoke one. A key is shown once.

    \b
    Example:
      crisp-connector connect key --label n8n --scope write
    """
    with opened() as services:
        tenant = connection_of(services, connection)
        with services.ledger.write(durable=True) as open_:
            if revoke:
                if not tenants.revoke_key(open_, tenant.id, revoke, now_ms()):
                    raise Failed(f"There is no key {revoke} on {tenant.label}.")
                shown: dict[str, Any] = {"revoked": revoke}
            else:
                secret = new_key()
                made = tenants.add_key(open_, tenant.id, secret, label=label, scopes=scopes, now=now_ms())
                shown = {"id": made.id, "label": label, "scopes": list(scopes), "key": secret}
    if json_:
        print_json(shown)
    elif revoke:
        results.print(f"Revoked {revoke}.")
    else:
        results.print(f"API key (shown once): {shown['key']}")


@connect.command()
@as_json
def secret(json_: bool) -> None:
    """Make a key for CONNECTOR_SECRET_KEY, which encrypts the stored credentials.

    \b
    Example:
      export CONNECTOR_SECRET_KEY="$(crisp-connector connect secret)"
    """
    made = Fernet.generate_key().decode()
    click.echo(json.dumps({"secret": made}) if json_ else made)
