"""Taking care: `doctor`, `migrate`, `erase`, `replay`."""

import time
from datetime import datetime
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from connector import person, replaying
from connector.cli.common import (
    Failed,
    as_json,
    connection_of,
    explained,
    messages,
    of_connection,
    opened,
    print_json,
    results,
)
from connector.cli.diagnosis import diagnose
from connector.cli.probe import probe as probe_crisp
from connector.errors import Problem
from connector.ledger import records, work
from connector.ledger.connections import CrispConnection
from connector.replaying import Replayed
from connector.services import Services, open_files, open_ledger
from connector.settings import read_settings

_LOOK, _PATIENCE = 0.2, 600.0


@click.command()
@click.option(
    "--probe",
    is_flag=True,
    help="Instead: find out with one throw-away contact how this Crisp behaves. Shows its calls and asks first.",
)
@click.option("--connection", metavar="ID", help="Which connection to probe, when there are several.")
@click.option("--yes", is_flag=True, help="Probe without asking.")
@as_json
def doctor(probe: bool, connection: str | None, yes: bool, json_: bool) -> None:
    """Check settings, database, queue, each credential (one call), quota, clock and workers; say what to do.

    A connection that was halted goes on when its credential works. Exit code: 0 all well, 1 something is wrong.

    \b
    Example:
      crisp-connector doctor --json
      crisp-connector doctor --probe
    """
    if probe:
        probe_crisp(connection, yes=yes, json_=json_)
        return
    if connection or yes:
        raise click.UsageError("--connection and --yes go with --probe.")
    findings = list(diagnose())
    if json_:
        print_json([finding.as_json() for finding in findings])
    else:
        table = Table("", "check", "found", "remedy")
        for finding in findings:
            mark = Text("ok", "green") if finding.ok else Text("wrong", "bold red")
            table.add_row(mark, finding.check, finding.found, finding.remedy)
        results.print(table)
    raise SystemExit(0 if all(finding.ok for finding in findings) else 1)


@click.command()
@as_json
@explained
def migrate(json_: bool) -> None:
    """Bring the database to this version's tables. Back it up first; stop serve and work.

    \b
    Example:
      crisp-connector migrate
    """
    settings = read_settings()
    open_files(settings)
    ledger = open_ledger(settings)
    before, after = ledger.migrate()
    ledger.close()
    if json_:
        print_json({"before": before, "after": after})
    elif before == after:
        results.print(f"The database is of version {after} already.")
    else:
        results.print(f"The database was {before or 'empty'} and is of version {after} now.")


@click.command()
@click.argument("who")
@of_connection
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@explained
def erase(who: str, connection: str | None, yes: bool, json_: bool) -> None:
    """Erase the contact WHO (email or people_id) in Crisp and in everything stored here. It cannot be undone.

    \b
    Example:
      crisp-connector erase ada@example.com --yes
    """
    if not yes:
        click.confirm("Erase this contact in Crisp and here?", abort=True, err=True)
    with opened() as services:
        erased = services.erase(connection_of(services, connection).id, person.name_of(who))
    if json_:
        print_json(erased)
    else:
        there = "in Crisp and here" if erased["in_crisp"] else "here; Crisp did not have it"
        results.print(f"Erased {there}, with {erased['calls']} calls.")
        results.print(
            f"Removed here: {erased['people']} people, {erased['links']} links to records of sources, "
            f"{erased['idempotency_keys']} idempotency keys. Emptied: {erased['records']} records. "
            f"Taken out of {erased['files']} uploaded files."
        )


def _moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else int(datetime.fromisoformat(value).astimezone().timestamp() * 1000)
    except ValueError:
        raise click.BadParameter("Write it as 2024-05-31 or 2024-05-31T09:30:00+02:00.") from None


@click.command()
@click.argument("ids", nargs=-1, metavar="[OUTCOME_ID]...")
@click.option("--import", "import_id", metavar="ID", help="Records of this import.")
@click.option("--code", help="Records that ended with this code.")
@click.option("--since", callback=_moment, metavar="TIME", help="Records that ended at this time or later.")
@click.option("--until", callback=_moment, metavar="TIME", help="Records that ended before this time.")
@of_connection
@as_json
@explained
def replay(ids: tuple[str, ...], connection: str | None, json_: bool, **given: Any) -> None:
    """Send rejected and dead records again: those named, or all that fit the conditions.

    \b
    Example:
      crisp-connector replay --import 019f1c2ab3c4000001d5e6f708192a3b --code crisp_failed
    """
    conditions = {"ids": list(ids) or None, **given}
    if not any(value is not None for value in conditions.values()):
        raise Failed("Name outcome ids, or one of --import, --code, --since, --until.")
    with opened(delivers=True) as services:
        tenant = connection_of(services, connection)
        done = _replayed(services, tenant, conditions)
        left = _settle(services, tenant.id)
    if json_:
        print_json({"replayed": done.count, "not_replayable": done.not_replayable, "waiting": left})
    else:
        if done.not_replayable:
            messages.print(f"{done.not_replayable} have no usable contact: correct them and send them anew.")
        results.print(f"Replayed {done.count} records; {left} wait.")


def _replayed(services: Services, tenant: CrispConnection, conditions: dict[str, Any]) -> Replayed:
    """Replays; what is not there is named as it was written."""
    try:
        return replaying.replay(services, tenant.id, conditions)
    except Problem as problem:
        raise Failed(f"{problem.message} Not there: {', '.join(problem.facts['missing'])}") from None


def _settle(services: Services, connection_id: str) -> int:
    """Waits until nothing is on its way; how many records wait for later then."""
    until = time.monotonic() + _PATIENCE
    while True:
        with services.ledger.read() as connection:
            on_its_way = connection_id in work.due_connections(connection, services.courier.clock())
            left = records.totals_of_connection(connection, connection_id).by_status.get("waiting", 0)
        if not on_its_way or time.monotonic() > until:
            return left
        time.sleep(_LOOK)
