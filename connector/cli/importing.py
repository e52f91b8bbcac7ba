"""`import`, `resume`, `failures`: a file into Crisp, the rest of it, and what failed."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

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
from connector.cli.interrupts import interrupts_held
from connector.cli.showing import print_preview
from connector.cli.tables import came_in, save_mapping_as, table_options, wanted_of
from connector.crisp.calls import MODES
from connector.file_imports.accepting import Came, Wanted, import_file, mapping_of
from connector.file_imports.accepting import opened as opened_file
from connector.file_imports.failures import failures
from connector.file_imports.preview import previewed
from connector.ledger import importing, records, requests
from connector.ledger.connections import CrispConnection
from connector.moving import resume
from connector.services import Services

# Imports that are named when there is none of an id.
_NEWEST = 5


@click.command("import")
@click.argument("file")
@click.option("--limit", type=click.IntRange(min=1), help="Let so many rows go out; resume lets the others.")
@click.option("--dry-run", is_flag=True, help="Show what would become of it; write nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--forget",
    is_flag=True,
    help="Keep neither the file nor, once all is done, what its rows said: then failures cannot be written.",
)
@click.option("--save-mapping", metavar="NAME", callback=save_mapping_as, help="Save the mapping that is used.")
@click.option("--mode", type=click.Choice(MODES), default="upsert", show_default=True)
@table_options
@of_connection
@as_json
@explained
def import_(
    file: str,
    connection: str | None,
    dry_run: bool,
    yes: bool,
    save_mapping: str | None,
    json_: bool,
    **given: Any,
) -> None:
    """Import FILE (CSV, XLSX, XLS, ODS, also packed; or the https address of one) into Crisp.

    It shows what would become of it and asks. Crisp's own advice is to begin with one or two contacts: --limit 2.

    \b
    Exit code: 0 all well, 3 some rows failed, 4 some wait (quota, credential, Crisp is away).

    \b
    Example:
      crisp-connector import contacts.csv --dry-run
      crisp-connector import contacts.csv --limit 2
      crisp-connector import contacts.xlsx --country FR --yes
    """
    if dry_run and save_mapping:
        raise click.UsageError("--save-mapping goes with an import: --dry-run writes nothing.")
    with opened(delivers=not dry_run, starts=False) as services:
        tenant = connection_of(services, connection)
        wanted = wanted_of(services, tenant.id, given)
        with came_in(services, file) as came:
            if dry_run:
                _show(_seen(services, tenant, came, wanted), json_=json_)
                return
            if not yes:
                print_preview(_seen(services, tenant, came, wanted), messages)
                click.confirm("Import it?", abort=True, err=True)
            import_id, count = _accept(services, tenant, came, wanted)
        if save_mapping:
            _save_mapping(services, tenant, import_id, save_mapping)
        services.engine.start()
        reason = follow(services, tenant.id, import_id, count)
        raise SystemExit(report(services, tenant.id, import_id, reason, json_=json_))


def _seen(services: Services, tenant: CrispConnection, came: Came, wanted: Wanted) -> dict[str, Any]:
    with bar() as progress, opened_file(services, tenant.id, came.coming.path, wanted) as file:
        progress.add_task("Reading", total=None)
        return previewed(services, tenant, came, file, wanted)


def _show(seen: dict[str, Any], *, json_: bool) -> None:
    if json_:
        print_json(seen)
    else:
        print_preview(seen, results)


def _accept(services: Services, tenant: CrispConnection, came: Came, wanted: Wanted) -> tuple[str, int]:
    with _reading() as told:
        import_id = import_file(services, tenant.id, came, wanted, told=told)
        # Whatever comes now: with this it can be gone on with.
        messages.print(f"Import {import_id}")
    with services.ledger.read() as connection:
        return import_id, records.totals(connection, import_id).records


@contextmanager
def _reading() -> Iterator[Callable[[int, int], None]]:
    with bar() as progress, interrupts_held() as interrupts:
        task = progress.add_task("Reading", total=None)

        def told(count: int, total: int) -> None:
            progress.update(task, completed=count, total=total)
            interrupts.check()

        yield told
        interrupts.check()


def _save_mapping(services: Services, tenant: CrispConnection, import_id: str, name: str) -> None:
    with services.ledger.write(durable=True) as connection:
        row = importing.get_import(connection, tenant.id, import_id)
        requests.save_mapping(connection, tenant.id, name, mapping_of(row), services.courier.clock())
    messages.print(f"The mapping is saved as {name}. It is used by itself for files with the same columns.")


@click.command("resume")
@click.argument("import_id", metavar="IMPORT")
@of_connection
@as_json
@explained
def resume_(import_id: str, connection: str | None, json_: bool) -> None:
    """Go on with an import that was paused or began with a limit, and deliver the rest of it.

    \b
    Example:
      crisp-connector resume 0198c0ffee0180008000000000000001
    """
    # Delivering begins after it is resumed: else what is left of a short one is done before, and nothing to go on with.
    with opened(delivers=True, starts=False) as services:
        tenant = connection_of(services, connection)
        count = _import(services, tenant, import_id)[1].records
        resume(services, tenant.id, import_id)
        services.engine.start()
        reason = follow(services, tenant.id, import_id, count)
        raise SystemExit(report(services, tenant.id, import_id, reason, json_=json_))


@click.command("failures")
@click.argument("import_id", metavar="IMPORT")
@click.option("--output", metavar="FILE", help="Where to write it; default: the screen.")
@of_connection
@explained
def failures_(import_id: str, output: str | None, connection: str | None) -> None:
    """Write the rows of IMPORT that failed, with the reasons: correct them and import the file again.

    \b
    Example:
      crisp-connector failures 0198c0ffee0180008000000000000001 --output failures.csv
      crisp-connector import failures.csv
    """
    with opened() as services:
        tenant = connection_of(services, connection)
        row, totals = _import(services, tenant, import_id)
        if not (totals.by_status.get("rejected") or totals.by_status.get("dead")):
            messages.print("No row of it failed.")
        chunks = failures(services, row)
        if output is None:
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            return
        write_file(Path(output), chunks)
        messages.print(f"Written: {output}")


def _import(services: Services, tenant: CrispConnection, import_id: str) -> tuple[Any, records.Totals]:
    """An import and its totals. Raises `Failed`, which names the newest ones."""
    with services.ledger.read() as connection:
        row = importing.get_import(connection, tenant.id, import_id)
        if row is not None and row.accepted_at is not None:
            return row, records.totals(connection, import_id)
        newest = importing.list_imports(connection, tenant.id, before=None, limit=_NEWEST)
    named = ", ".join(f"{each.id} ({each.file_name or each.source})" for each in newest)
    raise Failed(f"There is no import {import_id}." + (f" The newest are: {named}" if named else ""))


def write_file(path: Path, chunks: Iterator[bytes]) -> None:
    """Writes a file that only the user may read, and which is there only when it is whole. Raises `Failed` when there
    is one, or it cannot be."""
    try:
        with open(path, "xb", opener=_private) as file, removed_unless_whole(path):
            file.writelines(chunks)
            file.flush()
    except FileExistsError:
        raise Failed(f"{path} is there already. Name another file.") from None
    except OSError as problem:
        raise Failed(f"{path} cannot be written: {problem.strerror}.") from None


@contextmanager
def removed_unless_whole(*paths: Path) -> Iterator[None]:
    """Removes these files when something goes wrong meanwhile."""
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
