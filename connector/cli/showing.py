"""Showing what would become of a file, before anything is written."""

from typing import Any

from rich.console import Console
from rich.table import Table

from connector.cli.common import messages
from connector.cli.following import totals_table
from connector.contact import NAMES
from connector.manifest import shipped

# Rows that are named of those that give way to others.
_NAMED = 10
# Characters that are shown of a contact beside its address and name.
_LENGTH = 70
_CHOICES = ("encoding", "separator")
_APART = ("email", *NAMES, "segments", "data")


def print_preview(seen: dict[str, Any], to: Console) -> None:
    """What a file is, its columns, the first contacts, what is wrong with it, and what would come out."""
    messages.print(_about(seen))
    to.print(_columns(seen["columns"]))
    if seen["contacts"]:
        to.print(_contacts(seen["contacts"]))
        messages.print(
            f"{several(len(seen['contacts']), 'contact')} shown, cut to fit. --dry-run --json has them whole."
        )
    if seen["problems"]:
        to.print(_problems(seen["problems"]))
    if seen["duplicates"]:
        messages.print(_duplicates(seen["duplicates"]))
    for each in seen["notes"]:
        messages.print(each["message"])
    to.print(totals_table(seen["totals"]))
    messages.print(_when(seen))


def _about(seen: dict[str, Any]) -> str:
    about = seen["file"]
    parts = [about["kind"].upper(), several(about["rows"], "row")]
    parts += [f"{name}: {about[name]['value']!r} ({about[name]['reason']})" for name in _CHOICES if about[name]]
    parts += [f"sheet: {about['sheet']}"] if about["sheet"] else []
    parts += [f"export of {seen['export']['label']}"] if seen["export"] else []
    return " · ".join(parts)


def several(count: int, what: str) -> str:
    """`1 row`, `25 rows`."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _columns(columns: list[dict[str, Any]]) -> Table:
    table = Table("column", "such as", "becomes", "because")
    for each in columns:
        sample = each["samples"][0] if each["samples"] else ""
        table.add_row(each["name"], sample[:40], each["field"] or _ignored(each), each["reason"])
    return table


def _ignored(column: dict[str, Any]) -> str:
    """With what a mapping could make of it."""
    if column["suggestion"]:
        return f"ignored (perhaps {column['suggestion']})"
    return f"ignored (or data.{column['suggested_key']})" if column["suggested_key"] else "ignored"


def _contacts(contacts: list[dict[str, Any]]) -> Table:
    """The contacts as Crisp will have them."""
    table = Table("row", "would be", "email", "name", "and")
    for each in contacts:
        said = each["contact"]
        table.add_row(str(each["row"]), each["status"], said["email"], said.get("nickname") or "", _rest(said))
    return table


def _rest(said: dict[str, Any]) -> str:
    fields = shipped().fields
    has_place = (key for key in said if key not in _APART and fields[key].crisp_path is not None)
    parts = [f"{key}: {str(said[key])[:60]}" for key in has_place]
    parts += [f"segments: {', '.join(said['segments'])}"] if said["segments"] else []
    parts += [f"data.{key}: {'(removed)' if value is None else value}" for key, value in said["data"].items()]
    told = " · ".join(parts)
    return told if len(told) <= _LENGTH else f"{told[:_LENGTH]}…"


def _problems(problems: list[dict[str, Any]]) -> Table:
    table = Table("problem", "rows", "the first", "what to do")
    for each in problems:
        first = ", ".join(str(row) for row in each["rows"])
        table.add_row(each["code"], str(each["count"]), first, each["message"])
    return table


def _duplicates(rows: list[dict[str, int]]) -> str:
    told = ", ".join(f"{each['row']} (by {each['superseded_by']})" for each in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED:,} more, which --json lists" if len(rows) > _NAMED else ""
    gives = "1 row gives" if len(rows) == 1 else f"{len(rows):,} rows give"
    kept = "what that leaves empty is kept"
    return f"{gives} way to a later row of the same person ({kept}): {told}{more}."


def _when(seen: dict[str, Any]) -> str:
    calls = seen["totals"]["calls"]
    if not calls:
        return "No call to Crisp is needed."
    told = f"{several(calls, 'call')}, about {_in_words(seen['eta_seconds'])}, done by {seen['finishes_at']}."
    return f"{told}\n{seen['dashboard']['reason']}" if seen["dashboard"] else told


def _in_words(seconds: float) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length:
            return several(round(seconds / length), unit)
    return several(max(1, round(seconds)), "second")
