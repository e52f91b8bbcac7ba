"""`status`: how every connection stands, in a table that goes on by itself. It reads the ledger alone."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from connector import overview
from connector.cli.common import Failed, as_json, explained, print_json, results
from connector.cli.interrupts import interrupts_held
from connector.convert.times import from_milliseconds
from connector.crisp.calls import STATUSES
from connector.ledger import Ledger
from connector.overview import Look, Overview
from connector.services import open_ledger
from connector.settings import Settings, read_settings

# A look takes no more of the time than one part in so many.
_REST = 5
# Columns of the quota's bar, and of the longest code. All fits into 100 columns; words that are longer wrap.
_BAR, _CODE = 8, 24
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_MANY = (("M", 1_000_000), ("k", 1_000))
# Headers; what is words is written from the left, and may wrap.
_COLUMNS = ("connection", "quota today", "rec/s", "live", "bulk", "ETA", "dead", "calls", "last error")
_WORDS = ("connection", "last error")


@click.command()
@click.option("--once", is_flag=True, help="Print it once; without a terminal that is so anyway.")
@click.option(
    "--interval", type=click.FloatRange(0.2, 3600), default=2.0, show_default=True, help="Seconds between two looks."
)
@as_json
@explained
def status(once: bool, interval: float, json_: bool) -> None:
    """Show how every connection stands: quota, rate, what waits, when it is done, dead letters, the last error.

    Below stands how many workers deliver: processes of serve and work. It may run beside them, and delivers nothing.
    End it with Ctrl-C.

    \b
    Example:
      crisp-connector status --interval 5
    """
    settings = read_settings()
    with _ledger(settings) as ledger:
        if json_:
            found = _look(ledger, settings)
            told = [_as_json(each) for each in found.connections]
            print_json({"workers": found.workers, "connections": told, "totals": _totals(found.connections)})
        elif once or not sys.stdout.isatty():
            results.print(_shown(_look(ledger, settings)))
        else:
            _go_on(ledger, settings, interval)


def _look(ledger: Ledger, settings: Settings) -> Look:
    return overview.look(ledger, ledger.clock(), reserve=settings.reserve)


@contextmanager
def _ledger(settings: Settings) -> Iterator[Ledger]:
    """The ledger as it is: what is not there is not made."""
    ledger = open_ledger(settings)
    try:
        if not all(file.exists() for file in ledger.files()[:1]) or ledger.version() is None:
            raise Failed("There is no database yet. Start the service first: crisp-connector serve")
        ledger.prepare()
        yield ledger
    finally:
        ledger.close()


def _go_on(ledger: Ledger, settings: Settings, interval: float) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    try:
        with Live(console=console, auto_refresh=False) as live, interrupts_held(b"") as interrupts:
            while True:
                began = time.monotonic()
                live.update(_shown(_look(ledger, settings)), refresh=True)
                took = time.monotonic() - began
                interrupts.wait(max(interval - took, took * (_REST - 1)))
    except KeyboardInterrupt:
        return


def _shown(found: Look) -> Group:
    """The table of connections, below it the records of all, and who delivers."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in _COLUMNS:
        words = name in _WORDS
        least = _CODE if name == _COLUMNS[-1] else None
        justify: Literal["left", "right"] = "left" if words else "right"
        table.add_column(name, justify=justify, no_wrap=not words, min_width=least, overflow="fold")
    for each in found.connections:
        table.add_row(*_row(each))
    totals = _totals(found.connections)
    told = [Text.assemble((f"{totals['records']:,}", "bold"), " records")]
    told += [Text(f"{totals[outcome]:,} {outcome}") for outcome in STATUSES if totals[outcome]]
    below = Text(" = ").join((told[0], Text(" + ").join(told[1:]))) if len(told) > 1 else told[0]
    return Group(table, Text(), below, _workers(found.workers))


def _workers(living: int) -> Text:
    """Who delivers; without anybody, what to do."""
    if living:
        return Text(f"{living} worker{'s' if living > 1 else ''} deliver{'' if living > 1 else 's'}")
    return Text("no worker delivers: start crisp-connector serve or work", "bold red")


def _row(each: Overview) -> list[Any]:
    records = each.records
    dead = records.by_status["dead"]
    return [
        Text(each.label),
        _quota(each),
        f"{each.rate:.1f}",
        _many(records.waiting_in("live")),
        _many(records.waiting_in("bulk")),
        _span(each.eta),
        Text(_many(dead), "red" if dead else ""),
        str(each.hold.in_flight) if each.hold.holder else "-",
        _trouble(each),
    ]


def _quota(each: Overview) -> Text:
    used, limit = each.quota.used, each.quota.limit
    full = min(_BAR, _BAR * used // max(1, limit))
    style = "red" if used >= limit else "green"
    return Text.assemble(("█" * full, style), ("░" * (_BAR - full), "dim"), f" {_many(used)}/{_many(limit)}")


def _many(count: int) -> str:
    """`950`, `12.3k`, `1.2M`."""
    unit, size = next(((unit, size) for unit, size in _MANY if count >= 10 * size), ("", 1))
    return f"{count / size:.1f}{unit}" if unit else str(count)


def _trouble(each: Overview) -> Text:
    """That it is halted and why; else the newest record's trouble and how long ago that was."""
    if each.halted:
        return Text(f"HALTED {each.halted}", "bold red")
    error = each.records.last_error
    return Text("-") if error is None else Text(f"{error.code}, {_span((each.at - error.at) / 1000)} ago")


def _span(seconds: float | None) -> str:
    """`3 min`, `2 h`: whole units, for people."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    unit, size = next(((unit, size) for unit, size in _UNITS if whole >= size), ("s", 1))
    return f"{whole // size} {unit}"


def _totals(found: Sequence[Overview]) -> dict[str, int]:
    """`{records, created, …, waiting}` over all connections."""
    totals = {"records": sum(each.records.accepted for each in found)}
    for outcome in STATUSES:
        totals[outcome] = sum(each.records.by_status[outcome] for each in found)
    return totals


def _as_json(each: Overview) -> dict[str, Any]:
    records, quota, error = each.records, each.quota, each.records.last_error
    waiting = {lane: records.waiting_in(lane) for lane in ("live", "bulk")}
    oldest = None if records.oldest is None else (each.at - records.oldest) / 1000
    return {
        "id": each.id,
        "label": each.label,
        "tier": each.tier,
        "halted": each.halted,
        "quota": {"limit": quota.limit, "used": quota.used, "resets_at": from_milliseconds(quota.resets_at)},
        "paused_until": from_milliseconds(quota.opens_at) if quota.opens_at > each.at else None,
        "totals": _totals([each]),
        "waiting": {**waiting, "oldest_seconds": oldest},
        "calls": sum(each.calls.values()),
        "rate_per_second": round(each.rate, 2),
        "eta_seconds": each.eta,
        "lease": {"holder": each.hold.holder, "grants": each.hold.grants, "in_flight": each.hold.in_flight},
        "last_error": None if error is None else {"code": error.code, "at": from_milliseconds(error.at)},
    }
