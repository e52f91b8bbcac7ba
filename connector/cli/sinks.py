"""`sinks`: the places that events are written to, such as a Google Sheet."""

import json
from typing import Any

import click
from rich.table import Column, Table

from connector import sinking
from connector.cli.common import (
    as_json,
    connection_of,
    explained,
    label_option,
    of_connection,
    opened,
    print_json,
    results,
    secret_option,
)


@click.group()
def sinks() -> None:
    """Sinks: the places that events are written to, such as a Google Sheet.

    \b
    Example:
      crisp-connector sinks add google_sheets --event contact_created --option spreadsheet=https://docs.google.com/…
    """


def _options(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """NAME=VALUE, each; a list is written as in JSON, and nothing takes the option back."""
    read: dict[str, Any] = {}
    for name, equals, value in (each.partition("=") for each in values):
        if not name or not equals:
            raise click.BadParameter("Write it as NAME=VALUE, such as mode=upsert.")
        read[name] = _value(value) if value else None
    return read


def _value(written: str) -> Any:
    try:
        read = json.loads(written)
    except (ValueError, RecursionError):
        return written
    return read if isinstance(read, list) else written


_event = click.option("--event", "events", type=click.Choice(sinking.EVENTS), multiple=True, help="What is written.")
_option = click.option(
    "--option",
    "options",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_options,
    help='What its kind wants to know: spreadsheet, sheet, mode, key_column, columns=["Email", "data.plan"].',
)
_credential = secret_option("--credential", "A file with a secret of the service, such as a service account's key.")


@sinks.command("list")
@of_connection
@as_json
@explained
def list_(connection: str | None, json_: bool) -> None:
    """The sinks of a connection, the oldest first.

    \b
    Example:
      crisp-connector sinks list --json
    """
    with opened() as services:
        found = sinking.every(services, connection_of(services, connection).id)
        shown = [sinking.shown(services, each) for each in found]
    if json_:
        print_json(shown)
        return
    table = Table(Column("id", no_wrap=True), "kind", "label", "events", "state")
    for each in shown:
        table.add_row(each["id"], each["kind"], each["label"], ", ".join(each["events"]), _state(each))
    results.print(table)


@sinks.command()
@click.argument("kind", type=click.Choice(sinking.KINDS), metavar="KIND")
@_event
@_option
@_credential
@label_option
@of_connection
@as_json
@explained
def add(kind: str, connection: str | None, json_: bool, **given: Any) -> None:
    """Add a sink of this kind (google_sheets). Nothing is asked or written yet: `sinks test` says whether it can be.

    \b
    Example:
      crisp-connector sinks add google_sheets --event contact_created --event contact_updated \\
        --option spreadsheet=https://docs.google.com/spreadsheets/d/…/edit --option mode=upsert --credential key.json
    """
    for name in ("events", "credential"):
        if not given[name]:
            raise click.UsageError(f"Missing option '--{name.removesuffix('s')}'.")
    said = {name: value for name, value in given["options"].items() if value is not None}
    with opened() as services:
        made = sinking.add(
            services, connection_of(services, connection).id, {"kind": kind, **_said(given), "options": said}
        )
        shown = sinking.shown(services, made)
    _print(shown, f"Added {made.id}.", json_=json_)


@sinks.command()
@click.argument("sink_id", metavar="ID")
@_event
@_option
@_credential
@label_option
@click.option("--enable/--disable", "enabled", default=None, help="Write again, after a failure too; or nothing more.")
@of_connection
@as_json
@explained
def change(sink_id: str, connection: str | None, json_: bool, **given: Any) -> None:
    """Change a sink; what is not said stays. --option NAME= takes an option back. Other options or another credential
    enable one that was disabled by a failure.

    \b
    Example:
      crisp-connector sinks change 019f1c2ab3c4000001d5e6f708192a3b --disable
    """
    if not (said := _said(given)):
        raise click.UsageError("Name what is to change.")
    with opened() as services:
        changed = sinking.change(services, connection_of(services, connection).id, sink_id, said)
        shown = sinking.shown(services, changed)
    _print(shown, f"Changed {sink_id}: {_state(shown)}.", json_=json_)


@sinks.command()
@click.argument("sink_id", metavar="ID")
@of_connection
@as_json
@explained
def test(sink_id: str, connection: str | None, json_: bool) -> None:
    """Look whether a sink can be reached and what is there. Writes nothing. Exit code: 0 it can, 1 it cannot.

    \b
    Example:
      crisp-connector sinks test 019f1c2ab3c4000001d5e6f708192a3b
    """
    with opened() as services:
        seen = sinking.test(services, connection_of(services, connection).id, sink_id)
    if json_:
        print_json(seen)
        return
    for name, value in seen.items():
        results.print(f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")


@sinks.command()
@click.argument("sink_id", metavar="ID")
@of_connection
@as_json
@explained
def remove(sink_id: str, connection: str | None, json_: bool) -> None:
    """Remove a sink with its deliveries. What is written there stays.

    \b
    Example:
      crisp-connector sinks remove 019f1c2ab3c4000001d5e6f708192a3b
    """
    with opened() as services:
        sinking.remove(services, connection_of(services, connection).id, sink_id)
    if json_:
        print_json({"deleted": True, "id": sink_id})
    else:
        results.print(f"Removed {sink_id}.")


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """What was said, in the API's words."""
    return {name: value for name, value in given.items() if value not in (None, "", (), {})}


def _print(shown: dict[str, Any], sentence: str, *, json_: bool) -> None:
    if json_:
        print_json(shown)
    else:
        results.print(sentence)


def _state(shown: dict[str, Any]) -> str:
    if not shown["enabled"]:
        return f"disabled: {shown['disabled_reason']}"
    if shown["failing_since"] is None:
        return "ok"
    return f"failing since {shown['failing_since']}: {shown['failing_reason'] or 'it is tried again'}"
