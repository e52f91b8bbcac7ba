"""`send` and `preview`: a file of records, through the same intake as over HTTP."""

import time
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import Row

from connector import outcomes
from connector.budget import opens_at
from connector.cli.common import as_json, connection_of, explained, messages, of_connection, opened, print_json, results
from connector.cli.files import read_file, reading_options
from connector.convert.times import from_milliseconds
from connector.crisp.calls import STATUSES, How
from connector.errors import Problem
from connector.imports import eta, import_as_json
from connector.intake.preview import Preview, preview
from connector.ledger import connections as tenants
from connector.ledger import quotas, records, requests
from connector.services import Services

_LOOK = 0.1
# Seconds in which no record was done after which the rest is left to others.
_PATIENCE = 120.0
_STUCK = "Crisp does not take the rest just now. It is kept, and tried again while serve or work runs."
_MOST_SHOWN = 20
# Exit codes beside 0 (all well) and 1 (not begun).
WITH_ERRORS, WAITING = 3, 4


@click.command()
@click.argument("file")
@reading_options
@of_connection
@as_json
@explained
def send(file: str, connection: str | None, json_: bool, **given: Any) -> None:
    """Send the records of FILE (JSON, or one JSON object per line; - is stdin) to Crisp and say what became of them.

    \b
    Exit code: 0 all well, 3 some records failed, 4 some wait (quota, credential, Crisp is away).

    \b
    Example:
      crisp-connector send contacts.json --country FR
      curl https://example.com/contacts.json | crisp-connector send -
    """
    with opened(delivers=True) as services:
        tenant = connection_of(services, connection)
        reading, options = read_file(services, tenant.id, file, given)
        import_id = services.intake.many(tenant.id, reading, options.mode)
        if import_id is None:
            raise SystemExit(_nothing(json_))
        reason = _follow(services, tenant.id, import_id, reading.count)
        raise SystemExit(_report(services, tenant.id, import_id, reason, json_=json_))


def _nothing(json_: bool) -> int:
    if json_:
        print_json({"records": 0})
    messages.print("There are no records in it.")
    return 0


def _follow(services: Services, connection_id: str, import_id: str, count: int) -> str | None:
    """Shows progress until nothing waits, or until what waits cannot go out now; then why."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True) as progress:
        task = progress.add_task("Delivering", total=count)
        before, moved_at = count, time.monotonic()
        while True:
            with services.ledger.read() as connection:
                waiting = records.totals(connection, import_id).by_status.get("waiting", 0)
                reason = _held(services, connection, connection_id)
            if waiting != before:
                before, moved_at = waiting, time.monotonic()
            progress.update(task, completed=count - waiting)
            if not waiting:
                return None
            if reason or time.monotonic() > moved_at + _PATIENCE:
                return reason or _STUCK
            time.sleep(_LOOK)


def _held(services: Services, connection: Any, connection_id: str) -> str | None:
    """Why nothing goes out now, if so."""
    tenant = tenants.get(connection, connection_id)
    if tenant is not None and tenant.halted:
        return outcomes.WAITING["connection_halted"] + " See: crisp-connector doctor"
    opens = opens_at(quotas.get(connection, connection_id), live=False)
    # A pause of a minute is waited for here.
    if opens > services.courier.clock() + 60_000:
        return f"{outcomes.WAITING['quota_used_up']} That is at {from_milliseconds(opens)}, if serve or work runs then."
    return None


def _report(services: Services, connection_id: str, import_id: str, reason: str | None, *, json_: bool) -> int:
    with services.ledger.read() as connection:
        row = requests.get_import(connection, connection_id, import_id)
        if row is None:
            raise Problem("import_missing")
        shown = import_as_json(connection, row, services.settings.public_url, services.courier.clock())
        failed = [
            found
            for status in ("rejected", "dead")
            for found in records.of_import(connection, import_id, after=0, limit=_MOST_SHOWN, status=status)
        ]
    if json_:
        print_json({**shown, "failures": [outcomes.of_import(each) for each in failed]})
    else:
        results.print(_totals_table(shown["totals"]))
        _print_failures(failed)
    if reason:
        messages.print(reason)
        return WAITING
    return WITH_ERRORS if failed else 0


def _totals_table(totals: dict[str, int]) -> Table:
    table = Table()
    for name in ("records", *STATUSES, "calls"):
        table.add_column(name, justify="right")
    table.add_row(*(str(totals[name]) for name in ("records", *STATUSES, "calls")))
    return table


def _print_failures(failed: list[Row[Any]]) -> None:
    if not failed:
        return
    table = Table("row", "outcome", "code", "why")
    for row in failed[:_MOST_SHOWN]:
        table.add_row(str(row.row), row.status, row.code, outcomes.message_of(row))
    results.print(table)


@click.command("preview")
@click.argument("file")
@reading_options
@of_connection
@as_json
@explained
def preview_file(file: str, connection: str | None, json_: bool, **given: Any) -> None:
    """Show what would become of the records of FILE; write nothing.

    \b
    Example:
      crisp-connector preview contacts.json --unmapped data
    """
    with opened() as services:
        tenant = connection_of(services, connection)
        reading, options = read_file(services, tenant.id, file, given)
        how = How.found(tenant.findings)
        now = services.courier.clock()
        with services.ledger.read() as open_:
            seen = preview(open_, tenant.id, reading, options.mode, services.manifest, how, now)
            seconds = eta(open_, tenant.id, seen.calls, 0, now)
    if json_:
        print_json(seen.as_json(tenant.website_id, seconds))
        return
    _print_preview(seen)


def _print_preview(seen: Preview) -> None:
    table = Table("row", "source", "email", "would be", "calls", "notes")
    for each in seen.records[:_MOST_SHOWN]:
        notes = "\n".join(note.message for note in each.decision.notes)
        email = each.decision.contact.email or "-"
        table.add_row(str(each.incoming.row), each.incoming.source, email, each.status, str(len(each.plan)), notes)
    results.print(table)
    if len(seen.records) > _MOST_SHOWN:
        messages.print(f"… and {len(seen.records) - _MOST_SHOWN} more.")
    for note in seen.notes:
        messages.print(note.message)
    results.print(_totals_table(seen.totals()))
