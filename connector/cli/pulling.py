"""`pull`: the contacts that another system has, read page by page and brought to Crisp."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
from rich.table import Table
from sqlalchemy import Row

from connector import addressing, vendors
from connector.alive import own_name
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
from connector.cli.following import bar, follow, report
from connector.convert.times import from_milliseconds, milliseconds
from connector.errors import Problem
from connector.inbound.beginning import joined
from connector.inbound.foreseeing import foreseen
from connector.inbound.pulling import Pull, taken
from connector.intake.batch import GivenUp
from connector.ledger import inbounds, pulls
from connector.ledger.connections import CrispConnection
from connector.ledger.inbounds import Address
from connector.ledger.pulls import PullLost
from connector.services import Services

# Of a connection, so many addresses are looked through.
_MOST = 10_000
# Seconds between two looks at what another process pulls; and of a pause that is waited for here.
_LOOK, _PATIENCE = 0.3, 120


def _moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        said = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter("It must be a day or a time, such as 2026-01-31 or 2026-01-31T09:00:00Z.") from None
    return milliseconds((said if said.tzinfo else said.replace(tzinfo=UTC)).isoformat())


@click.command()
@click.argument("target", metavar="SOURCE|ID")
@click.option("--since", metavar="TIME", callback=_moment, help="What has changed since then alone; UTC if not said.")
@click.option("--dry-run", is_flag=True, help="Read everything, write nothing, and say what would come of it.")
@of_connection
@as_json
@explained
def pull(target: str, since: int | None, dry_run: bool, connection: str | None, json_: bool) -> None:
    """Read the contacts that another system has, and bring them to Crisp. SOURCE: the only inbound address of that
    source; ID: the address itself. Its credential says who asks. A pull that was stopped goes on where it was when the
    same is asked for. What a service pulls just then is only watched; while that is another one, this is refused.

    \b
    Exit code: 0 all well, 3 some records failed, 4 some wait (quota, credential, Crisp is away).

    \b
    Example:
      crisp-connector pull hubspot --dry-run
      crisp-connector pull hubspot --since 2026-01-31
    """
    with opened(delivers=not dry_run) as services:
        tenant = connection_of(services, connection)
        address = _address(services, tenant, target)
        if dry_run:
            _foresee(services, tenant, address, since, json_=json_)
            return
        row = _to_the_end(services, address, since)
        if row.import_id is None:
            print_json({"records": 0}) if json_ else messages.print("There is nothing there.")
            return
        reason = follow(services, address.connection_id, row.import_id, row.records)
        raise SystemExit(report(services, address.connection_id, row.import_id, reason, json_=json_))


def _address(services: Services, tenant: CrispConnection, target: str) -> Address:
    """The address of this id, else the only one of this source."""
    if target not in vendors.registry():
        return addressing.get(services, tenant.id, target)
    with services.ledger.read() as connection:
        found = inbounds.newest(connection, tenant.id, before=None, limit=_MOST)
    mine = [each for each in found if each.source == target]
    if not mine:
        raise Failed(f"There is no inbound address of {target}. Make one: crisp-connector inbound add {target} --help")
    if len(mine) > 1:
        raise Failed(
            f"There are several inbound addresses of {target}. Name one: {', '.join(each.id for each in mine)}"
        )
    return mine[0]


def _to_the_end(services: Services, address: Address, since: int | None) -> Row[Any]:
    """How it ended. Who has the same in hand already is only watched. Raises `Failed` when it cannot go on now, and
    `pull_running`."""
    asked_at = services.courier.clock()
    with bar() as progress:
        task = progress.add_task("Reading", total=None)

        def tell(row: Row[Any]) -> None:
            progress.update(task, completed=row.records)

        try:
            while True:
                in_hand = taken(services, address, own_name())
                if in_hand is None:
                    _watch(services, address, since, tell)
                elif (row := _read(in_hand, since, asked_at, tell)) is not None:
                    return row
                time.sleep(_LOOK)
        except KeyboardInterrupt:
            again = " ".join((address.id, *(() if since is None else ("--since", from_milliseconds(since)))))
            raise Failed(f"Stopped. What was read is kept. Go on with: crisp-connector pull {again}") from None


def _watch(services: Services, address: Address, since: int | None, tell: Callable[[Row[Any]], None]) -> None:
    """Tells how far another process is that pulls the same. Raises `inbound_missing`, `pull_running`."""
    joined(services, address, since)
    with services.ledger.read() as connection:
        row = pulls.get(connection, address.id)
    if row is not None:
        tell(row)


def _read(pull: Pull, since: int | None, asked_at: int, tell: Callable[[Row[Any]], None]) -> Row[Any] | None:
    """Page after page; None when another process has it now, or after a pause. `asked_at`: when it was asked for (UNIX
    milliseconds)."""
    try:
        if pull.is_done(since, asked_at):
            return pull.row
        pull.begin(since)
        while pull.step():
            tell(pull.row)
        return pull.row
    except Problem as problem:
        pull.fail(problem)
        if problem.status < 500 or (problem.retry_after or 0) > _PATIENCE:
            raise
        time.sleep(problem.retry_after or 1)
    except GivenUp:
        pull.give_up("import_missing")
        raise Failed("Somebody has removed the import that it came in as. Pull again.") from None
    except PullLost:
        pass
    finally:
        pull.release()
    return None


def _foresee(services: Services, tenant: CrispConnection, address: Address, since: int | None, *, json_: bool) -> None:
    """What would come of it."""
    with bar() as progress:
        task = progress.add_task("Reading", total=None)

        def tell(records: int) -> None:
            progress.update(task, completed=records)

        told = foreseen(services, tenant, address, since, patience=_PATIENCE, tell=tell)
    print_json(told) if json_ else _print_foreseen(told)


def _print_foreseen(told: dict[str, Any]) -> None:
    totals = told["totals"]
    table = Table(*("records", "would be created or updated", "unchanged", "rejected", "calls", "seconds"))
    written = totals["created"] + totals["updated"]
    shown = (totals["records"], written, totals["unchanged"], totals["rejected"], totals["calls"], told["eta_seconds"])
    table.add_row(*(f"{each:,}" for each in shown))
    results.print(table)
    if not told["whole"]:
        messages.print("There is more than that; the first of it was looked at.")
