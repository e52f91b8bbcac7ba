"""Following an import in a terminal: how far it is, what keeps it, and what became of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy import Row

from connector import outcomes
from connector.budget import expected_at, held_by
from connector.cli.common import messages, print_json, results
from connector.cli.interrupts import Interrupts, interrupts_held
from connector.convert.times import from_milliseconds
from connector.crisp.calls import TOTALS
from connector.errors import Problem
from connector.imports import import_as_json, state_of
from connector.ledger import connections as tenants
from connector.ledger import counts, importing, quotas, records, work
from connector.services import Services

# Seconds between two looks, and how many times as long as a look takes: an import of a million rows is not counted all
# the time.
_LOOK, _REST = 0.1, 10
# Seconds in which no record of anybody was done after which the rest is left to others.
_PATIENCE = 120.0
_STUCK = "Crisp does not take the rest just now. It is kept, and tried again while serve or work runs."
_STOPPED = "Stopped. What waits is kept. Go on with: crisp-connector resume {id}"
_MOST_SHOWN = 20
# Exit codes beside 0 (all well) and 1 (not begun).
WITH_ERRORS, WAITING = 3, 4


class _Rate(ProgressColumn):
    """How many per second."""

    def render(self, task: Task) -> Text:
        """Nothing before it is known."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


def bar(*more: ProgressColumn) -> Progress:
    """How far something is. Only a terminal is shown it: a log would be filled."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), *more)
    return Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal)


@dataclass(frozen=True, slots=True)
class _Look:
    """How an import stands: how many records wait, whether nothing more is to go out, why nothing goes out now, and how
    many records of the whole connection were ever done: others may have their turn first."""

    waiting: int
    over: bool
    reason: str | None
    done: int


def follow(services: Services, connection_id: str, import_id: str, count: int) -> str | None:
    """Shows progress until nothing of the import waits that is to go out; or what waits cannot go out now, or nobody
    wants to wait for it any longer (Ctrl-C): then why."""
    with bar(TimeRemainingColumn()) as progress:
        task = progress.add_task("Delivering", total=count)

        def look() -> _Look:
            seen = _look(services, connection_id, import_id)
            progress.update(task, completed=count - seen.waiting)
            return seen

        try:
            with interrupts_held(b"") as interrupts:
                return _to_the_end(look, interrupts)
        except KeyboardInterrupt:
            return _STOPPED.format(id=import_id)


def _to_the_end(look: Callable[[], _Look], interrupts: Interrupts) -> str | None:
    before, moved_at = -1, time.monotonic()
    while True:
        began = time.monotonic()
        seen = look()
        if seen.done != before:
            before, moved_at = seen.done, began
        if seen.over:
            return None
        if seen.reason or began > moved_at + _PATIENCE:
            return seen.reason or _STUCK
        interrupts.wait(max(_LOOK, _REST * (time.monotonic() - began)))


def _look(services: Services, connection_id: str, import_id: str) -> _Look:
    with services.ledger.snapshot() as connection:
        totals = records.totals(connection, import_id).as_json()
        row = importing.get_import(connection, connection_id, import_id)
        over = row is None or state_of(connection, row, totals) != "running"
        # What is in hand may come to its end yet: the last calls of a quota are out when it is used up.
        in_hand = work.any_in_hand(connection, connection_id, import_id)
        reason = None if in_hand else _held(services, connection, connection_id)
        done = sum(each.count for each in counts.latencies_of(connection, connection_id))
    return _Look(totals["waiting"], over, reason, done)


def _held(services: Services, connection: Any, connection_id: str) -> str | None:
    """Why nothing goes out now, if so."""
    tenant = tenants.get(connection, connection_id)
    if tenant is not None and tenant.halted:
        return outcomes.WAITING["connection_halted"] + " See: crisp-connector doctor"
    budget, now = quotas.get(connection, connection_id), services.courier.clock()
    opens = expected_at(budget, now, live=False)
    # A pause of a minute is waited for here.
    if opens > now + 60_000:
        reason = outcomes.WAITING[held_by(budget, now)]
        return f"{reason} That is at {from_milliseconds(opens)}, if serve or work runs then."
    return None


def report(services: Services, connection_id: str, import_id: str, reason: str | None, *, json_: bool) -> int:
    """Prints what became of the records; the exit code. `reason`: why what waits cannot go out."""
    with services.ledger.read() as connection:
        row = importing.get_import(connection, connection_id, import_id)
        if row is None:
            raise Problem("import_missing")
        shown = import_as_json(
            connection, row, services.settings.public_url, services.courier.clock(), reserve=services.settings.reserve
        )
        failed = [
            found
            for status in ("rejected", "dead")
            for found in records.of_import(connection, import_id, after=0, limit=_MOST_SHOWN, status=status)
        ]
    if json_:
        print_json({**shown, "failures": [outcomes.of_import(each) for each in failed]})
    else:
        results.print(totals_table(shown["totals"]))
        _print_failures(failed, shown)
    if shown["state"] == "paused" and reason is None:
        messages.print(f"{shown['totals']['waiting']} wait. Go on with: crisp-connector resume {import_id}")
    if reason and shown["totals"]["waiting"]:
        messages.print(reason)
        return WAITING
    return WITH_ERRORS if failed else 0


def totals_table(totals: dict[str, int]) -> Table:
    """Records by what became of them, and the calls."""
    table = Table()
    for name in TOTALS:
        table.add_column(name, justify="right")
    table.add_row(*(str(totals[name]) for name in TOTALS))
    return table


def _print_failures(failed: list[Row[Any]], shown: dict[str, Any]) -> None:
    if not failed:
        return
    table = Table("row", "outcome", "code", "why")
    for row in failed[:_MOST_SHOWN]:
        table.add_row(str(row.row), row.status, row.code, outcomes.message_of(row))
    results.print(table)
    if (more := shown["totals"]["rejected"] + shown["totals"]["dead"] - _MOST_SHOWN) > 0:
        messages.print(f"… and {more:,} more.")
    if "failures" in shown["links"]:
        messages.print(f"A file of them, to be corrected: crisp-connector failures {shown['id']} --output failures.csv")
