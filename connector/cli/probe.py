"""`doctor --probe`: shows what it will do, does it, and shows what it found."""

from typing import Any

import click
from rich.table import Table

from connector import probing
from connector.cli.common import connection_of, explained, messages, opened, print_json, results
from connector.convert.times import from_milliseconds
from connector.crisp.calls import How
from connector.crisp.probe import MOST_CALLS, STEPS
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.services import Services

# What a finding is about, in words; the findings that change what is sent, first.
_TITLES = {
    "segments": "PATCH of segments",
    "nested": "PATCH of employment, location, company: taken as",
    "removal": "custom data key removed by",
    "batch_data": "batch of custom data",
    "batch_segments": "batch of segments",
    "batch_size": "people in one batch",
}
_NOT_FOUND = "not found out: taken as {}"


@explained
def probe(connection_id: str | None, *, yes: bool, json_: bool) -> None:
    """Probes one connection and prints the findings."""
    with opened() as services:
        tenant = connection_of(services, connection_id)
        if not yes:
            _announce(tenant)
            click.confirm("Do it?", abort=True, err=True)
        try:
            probed = probing.probe(services, tenant.id)
        finally:
            for address in probing.left_behind(services, tenant.id):
                messages.print(f"{address} may still be in Crisp. The next probe removes it, or remove it there.")
        if json_:
            print_json(_as_json(services, tenant, probed))
        else:
            results.print(_table(probed))


def _announce(tenant: CrispConnection) -> None:
    """What will be done, call by call."""
    table = Table("to find out", "calls", "at most")
    for step in STEPS:
        table.add_row(step.question, "\n".join(step.routes), str(step.calls))
    messages.print(table)
    messages.print(f"One throw-away contact in {tenant.label}, at most {MOST_CALLS} calls of its quota.")


def _as_json(services: Services, tenant: CrispConnection, probed: probing.Probed) -> dict[str, Any]:
    with services.ledger.read() as connection:
        moment = tenants.probed_at(connection, tenant.id)
    told = {"calls": probed.calls, "probed_at": from_milliseconds(moment or 0)}
    return {"connection": tenant.id, **told, "findings": probed.findings, "left_behind": list(probed.left_behind)}


def _table(probed: probing.Probed) -> Table:
    table = Table("how this Crisp behaves", "found", title=f"Found out with {probed.calls} calls", title_justify="left")
    assumed = How()
    for name, title in _TITLES.items():
        table.add_row(title, str(probed.findings.get(name) or _NOT_FOUND.format(getattr(assumed, name) or "none")))
    for name, found in probed.findings.items():
        if name not in _TITLES:
            table.add_row(name.replace("_", " "), str(found))
    return table
