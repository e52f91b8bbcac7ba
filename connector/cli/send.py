"""`send` and `preview`: a file of records, through the same intake as over HTTP."""

from typing import Any

import click
from rich.table import Table

from connector.cli.common import as_json, connection_of, explained, messages, of_connection, opened, print_json, results
from connector.cli.files import read_file, reading_options
from connector.cli.following import follow, report, totals_table
from connector.crisp.calls import How
from connector.imports import eta
from connector.intake.preview import Preview, preview

_MOST_SHOWN = 20


@click.command()
@click.argument("file")
@reading_options
@of_connection
@as_json
@explained
def send(file: str, connection: str | None, json_: bool, **given: Any) -> None:
    """Send the records of FILE (JSON, XML, or one JSON object per line; - is stdin) to Crisp and say what became of
    them.

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
        reason = follow(services, tenant.id, import_id, reading.count)
        raise SystemExit(report(services, tenant.id, import_id, reason, json_=json_))


def _nothing(json_: bool) -> int:
    if json_:
        print_json({"records": 0})
    messages.print("There are no records in it.")
    return 0


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
            seconds = eta(open_, tenant.id, seen.calls, 0, now, reserve=services.settings.reserve)
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
    results.print(totals_table(seen.totals()))
