"""`connect`: Crisp websites, their credentials, and API keys."""

import json
import os
from dataclasses import replace
from typing import Any

import click
from cryptography.fernet import Fernet
from rich.table import Column, Table

from connector import tenancy
from connector.cli.common import (
    Failed,
    as_json,
    connection_of,
    explained,
    label,
    of_connection,
    opened,
    print_json,
    results,
    shaped,
)
from connector.convert.times import from_milliseconds
from connector.courier.courier import UNREADABLE
from connector.errors import Problem
from connector.ids import new_key
from connector.ledger import connections as tenants
from connector.ledger.connections import SCOPES, CrispConnection
from connector.services import Services, Token
from connector.settings import MOST_CALLS, MOST_RATE, TIERS, SettingsProblem
from connector.vault import Vault


@click.group()
def connect() -> None:
    """Crisp websites and API keys.

    \b
    Example:
      crisp-connector connect add --website-id 8c842203-… --identifier 6f3c…
    """


def _key(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The key of a token: as it is given, else the environment's, if that is for this website, else asked."""
    if value is None and not context.resilient_parsing:  # else a shell only asks which options there are
        mine = context.params["website_id"] == os.environ.get("CRISP_WEBSITE_ID")
        value = (mine and os.environ.get("CRISP_KEY")) or click.prompt("Token key", hide_input=True, err=True)
    return shaped(context, parameter, value or "")


_ABOUT = ("label", "daily_quota", "rate")


@connect.command()
@click.option(
    "--website-id", prompt="Website ID", callback=shaped, help="Crisp: Settings, Website settings, Setup instructions."
)
@click.option(
    "--identifier", prompt="Token identifier", callback=shaped, help="Identifier of the website or plugin token."
)
@click.option(
    "--key",
    callback=_key,
    help="Key of the token; else CRISP_KEY, when the website is that of CRISP_WEBSITE_ID; else it is asked for.",
)
@click.option("--tier", type=click.Choice(TIERS), help=f"Tier of the token; else {TIERS[0]}, or as it was.")
@click.option("--label", default="", callback=label, help="What you call it.")
@click.option("--daily-quota", type=click.IntRange(1, MOST_CALLS), help="Calls a day; else the tier's, or as it was.")
@click.option("--rate", type=click.IntRange(1, MOST_RATE), help="Calls a second; else no limit, or as it was.")
@click.option("--check/--no-check", default=True, show_default=True, help="Ask Crisp whether the credential works.")
@as_json
@explained
def add(*, check: bool, json_: bool, **given: Any) -> None:
    """Connect a Crisp website, or give it another credential, and make an API key for it.

    \b
    Example:
      crisp-connector connect add --website-id 8c842203-… --identifier 6f3c… --label "Main site"
    """
    about = {name: value for name, value in ((each, given.pop(each)) for each in _ABOUT) if value not in (None, "")}
    with opened() as services:
        tenant, secret = _added(services, given, about, check=check)
    if json_:
        print_json({"id": tenant.id, "label": tenant.label, "key": secret})
    else:
        results.print(f"Connected {tenant.label}.")
        if secret:
            results.print(f"API key (shown once): {secret}")


def _added(
    services: Services, given: dict[str, Any], about: dict[str, Any], *, check: bool
) -> tuple[CrispConnection, str | None]:
    """The connection, new or changed; while it has no API key it gets one."""
    with services.ledger.read() as connection:
        known = tenants.get(connection, given["website_id"])
    token = Token(**{**given, "tier": given["tier"] or (known.tier if known else TIERS[0])})
    try:
        if known is None:
            return tenancy.add(services, token, about, check=check)
        tenant = tenancy.change(services, token.website_id, about, token, check=check)
    except Problem as problem:
        stored = "" if problem.code == "credential_refused" else "Nothing was stored. "
        raise Failed(f"{problem.message} {stored}--no-check stores it all the same.", problem) from None
    with services.ledger.write(durable=True) as connection:
        if any(key.revoked_at is None for key in tenants.list_keys(connection, tenant.id)):
            return tenant, None
        return tenant, tenancy.first_key(services, connection, tenant.id)


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
        shown = [_shown(connection, tenant, services.vault) for tenant in tenants.every(connection)]
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


def _shown(connection: Any, tenant: CrispConnection, vault: Vault) -> dict[str, Any]:
    """With what keeps it from delivering, be it this process's secret key."""
    try:
        vault.open(tenant.key_sealed)
    except SettingsProblem:
        tenant = replace(tenant, halted=UNREADABLE)
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
        tenancy.remove(services, connection_of(services, connection_id).id, wait=True)
    if json_:
        print_json({"removed": connection_id})
    else:
        results.print(f"Removed {connection_id}.")


@connect.command()
@of_connection
@click.option("--label", default="", callback=label, help="What the key is for.")
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
        now = services.courier.clock()
        with services.ledger.write(durable=True) as open_:
            if revoke:
                if not tenants.revoke_key(open_, tenant.id, revoke, now):
                    raise Failed(f"There is no key {revoke} on {tenant.label}.")
                shown: dict[str, Any] = {"revoked": revoke}
            else:
                secret = new_key()
                made = tenants.add_key(
                    open_, tenant.id, secret, label=label, scopes=scopes, now=services.courier.clock()
                )
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
