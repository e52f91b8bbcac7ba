"""`inbound`: addresses for the webhooks of other systems, and what came to them."""

from collections.abc import Callable
from typing import Any

import click
from rich.table import Column, Table

from connector import addressing
from connector.cli.common import as_json, connection_of, explained, messages, of_connection, opened, print_json, results
from connector.cli.inbound_options import reading_options, said_of
from connector.inbound import managing
from connector.ledger import arrivals as came
from connector.ledger import inbounds
from connector.ledger.inbounds import Address
from connector.services import Services
from connector.sources import registry

# Of a connection, so many are listed; and what came last to one of them.
_MOST, _NEWEST = 10_000, 100


@click.group()
def inbound() -> None:
    """Inbound addresses: where the webhooks of other systems come in.

    \b
    Example:
      crisp-connector inbound add generic --label "Contact form" --country FR
    """


_its_id = click.argument("inbound_id", metavar="ID")


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    return of_connection(as_json(explained(command)))


@inbound.command("list")
@_shared
def list_(connection: str | None, json_: bool) -> None:
    """The inbound addresses of a connection, newest first.

    \b
    Example:
      crisp-connector inbound list --json
    """
    with opened() as services:
        tenant = connection_of(services, connection)
        with services.ledger.read() as reading:
            found = inbounds.newest(reading, tenant.id, before=None, limit=_MOST)
        shown = [addressing.shown(services, each, _base(services)) for each in found]
    if json_:
        print_json(shown)
        return
    table = Table(Column("id", no_wrap=True), "source", "label", "first proved")
    for each in shown:
        table.add_row(each["id"], each["source"], each["label"], each["verified_at"] or "not yet")
    results.print(table)


@inbound.command()
@click.argument("source", type=click.Choice(sorted(registry())))
@reading_options
@_shared
def add(source: str, connection: str | None, json_: bool, **given: Any) -> None:
    """Make an address for the webhooks of a source, and say what to do there. Its secret is shown once.

    \b
    Example:
      crisp-connector inbound add notion --credential token.txt --pull database_id=1f0c9d0e7a4b4f6e8d2c3b4a5f6e7d8c
    """
    with opened() as services:
        made = managing.make(services, connection_of(services, connection).id, source, said_of(given))
        shown = addressing.with_secret(services, made, _base(services))
    _print(shown, json_=json_)


@inbound.command()
@_its_id
@_shared
def show(inbound_id: str, connection: str | None, json_: bool) -> None:
    """One address, and what to do in the other system, in order. Notion's token is in it while Notion waits for it.

    \b
    Example:
      crisp-connector inbound show 019f1c2ab3c4000001d5e6f708192a3b
    """
    with opened() as services:
        address = _known(services, connection, inbound_id)
        shown = addressing.shown(services, address, _base(services))
    _print(shown, json_=json_)


@inbound.command()
@_its_id
@reading_options
@click.option(
    "--without", multiple=True, type=click.Choice((*managing.OPTIONS, "credential")), help="What is taken away."
)
@_shared
def change(inbound_id: str, without: tuple[str, ...], connection: str | None, json_: bool, **given: Any) -> None:
    """Change how what comes is read, or the credential. What is not said stays.

    \b
    Example:
      crisp-connector inbound change 019f1c2ab3c4000001d5e6f708192a3b --timezone Europe/Paris --without country
    """
    said = {**dict.fromkeys(without), **said_of(given)}
    if not said:
        raise click.UsageError("Name what is to change.")
    with opened() as services:
        changed = managing.change(services, connection_of(services, connection).id, inbound_id, said)
        shown = addressing.shown(services, changed, _base(services))
    if json_:
        print_json(shown)
    else:
        results.print(f"Changed {inbound_id}.")


@inbound.command()
@_its_id
@_shared
def rotate(inbound_id: str, connection: str | None, json_: bool) -> None:
    """Give an address a new secret, which is shown once. The old one is taken for 24 hours more.

    \b
    Example:
      crisp-connector inbound rotate 019f1c2ab3c4000001d5e6f708192a3b
    """
    with opened() as services:
        changed = managing.rotate(services, connection_of(services, connection).id, inbound_id)
        shown = addressing.with_secret(services, changed, _base(services))
    if json_:
        print_json(shown)
    else:
        click.echo(f"Secret: {shown['secret']}")


@inbound.command()
@_its_id
@_shared
def remove(inbound_id: str, connection: str | None, json_: bool) -> None:
    """Remove an address: what comes to it from now on is refused. What was accepted stays.

    \b
    Example:
      crisp-connector inbound remove 019f1c2ab3c4000001d5e6f708192a3b
    """
    with opened() as services:
        addressing.remove(services, connection_of(services, connection).id, inbound_id)
    if json_:
        print_json({"deleted": True, "id": inbound_id})
    else:
        results.print(f"Removed {inbound_id}.")


@inbound.command()
@_its_id
@click.option("--limit", type=click.IntRange(1, _MOST), default=_NEWEST, show_default=True, help="At most so many.")
@_shared
def arrivals(inbound_id: str, limit: int, connection: str | None, json_: bool) -> None:
    """What came to an address and what became of it, newest first.

    \b
    Example:
      crisp-connector inbound arrivals 019f1c2ab3c4000001d5e6f708192a3b --limit 10
    """
    with opened() as services:
        address = _known(services, connection, inbound_id)
        with services.ledger.read() as reading:
            rows = came.of_inbound(reading, address.id, before=None, limit=limit)
    shown = [addressing.arrival_shown(row) for row in rows]
    if json_:
        print_json(shown)
        return
    table = Table(Column("id", no_wrap=True), "received", "attempts", "outcome", "record or import")
    for each in shown:
        became = each["outcome_id"] or each["import_id"] or ""
        table.add_row(each["id"], each["received_at"], str(each["attempts"]), each["outcome"] or "waiting", became)
    results.print(table)


@inbound.command()
@_its_id
@of_connection
@explained
def script(inbound_id: str, connection: str | None) -> None:
    """The Apps Script for a Google Sheet, with the address in it. Its menu asks for the secret.

    \b
    Example:
      crisp-connector inbound script 019f1c2ab3c4000001d5e6f708192a3b > Code.gs
    """
    with opened() as services:
        address = _known(services, connection, inbound_id)
        click.echo(addressing.script_of(address, _base(services)), nl=False)


def _known(services: Services, connection: str | None, inbound_id: str) -> Address:
    return addressing.get(services, connection_of(services, connection).id, inbound_id)


def _base(services: Services) -> str:
    """Where the outside reaches the service, which a command cannot know by itself."""
    if not services.settings.public_url:
        messages.print("CONNECTOR_PUBLIC_URL is not set: put the address of the service before /in/….")
    return services.settings.public_url


def _print(shown: dict[str, Any], *, json_: bool) -> None:
    """An address for people, with its steps."""
    if json_:
        print_json(shown)
        return
    for name in ("id", "url", "secret", "verification_token"):
        if name in shown:
            click.echo(f"{name}: {shown[name]}")
    for number, step in enumerate(shown["steps"], 1):
        click.echo(f"{number}. {step}")
