"""The preview of a file: what it is, which columns feed what, and what would become of its rows. Writes nothing."""

import math
from dataclasses import asdict
from typing import Any

from connector.budget import DAY
from connector.contact import named
from connector.convert.times import from_milliseconds
from connector.crisp.calls import How
from connector.file_imports.accepting import Came, Opened, Wanted
from connector.files.table import Choice, Table
from connector.imports import eta
from connector.intake.foreseeing import Foreseen
from connector.intake.options import shown_mapping
from connector.intake.preview import Previewed
from connector.ledger.connections import CrispConnection
from connector.notes import Note
from connector.saying import Count, say
from connector.services import Services

_LANE = say(
    "This takes longer than a day of the API's quota. Crisp's own import on its Contacts page costs no API call: "
    "make a file for it with crisp-connector convert, or from the import with GET /v1/imports/ID/crisp.csv."
)


def previewed(services: Services, tenant: CrispConnection, came: Came, file: Opened, wanted: Wanted) -> dict[str, Any]:
    """`{file, export, saved_mapping, columns, mapping, contacts, problems, duplicates, totals, days, eta_seconds,
    finishes_at, dashboard, notes}`; `totals` is what would come out, its `calls` what that costs."""
    now = services.courier.clock()
    how = How.found(tenant.findings)
    with services.ledger.snapshot() as connection:
        seen = Foreseen(tenant.id, services.manifest, wanted.mode, how, now).look(connection, file.reading)
        # Of very many rows, those that were looked at stand for all.
        calls = seen.calls if seen.whole else math.ceil(seen.calls / seen.rows * file.reading.count)
        seconds = eta(connection, tenant.id, calls, 0, now, reserve=services.settings.reserve) or 0.0
    if not calls:
        seconds = 0.0
    profile = services.manifest.exports.get(file.match.export or "")
    takes_days = seconds * 1000 > DAY
    return {
        "file": {"name": came.name, "size": came.coming.size, **_dialect(file.table), "rows": file.reading.count},
        "export": {"key": profile.key, "label": profile.label} if profile else None,
        "saved_mapping": file.saved,
        "columns": [_column(each, file.table, number) for number, each in enumerate(file.match.columns)],
        "mapping": shown_mapping(file.match.mapping),
        "contacts": [_contact(each, tenant.website_id) for each in seen.first],
        "problems": seen.problems(),
        "duplicates": [{"row": row, "superseded_by": by} for row, by in seen.duplicates],
        "totals": seen.totals(),
        "days": math.ceil(seconds * 1000 / DAY),
        "eta_seconds": seconds,
        "finishes_at": from_milliseconds(now + seconds * 1000),
        "dashboard": {"reason": _LANE} if takes_days else None,
        "notes": [each.as_json() for each in _notes(file, seen)],
    }


def _dialect(table: Table) -> dict[str, Any]:
    return {
        "kind": table.kind,
        "encoding": _choice(table.encoding),
        "separator": _choice(table.separator),
        "quoting": table.quoting,
        "header_line": table.header_line,
        "preamble_lines": table.preamble,
        "footer_line": table.footer,
        "sheet": table.sheet,
        "sheets": list(table.sheets),
    }


def _choice(choice: Choice | None) -> dict[str, str] | None:
    return None if choice is None else {"value": choice.value, "reason": choice.reason}


def _column(column: Any, table: Table, number: int) -> dict[str, Any]:
    """A column as it is matched; `header`: its name as it stands in the file."""
    header = table.headers[number] if number < len(table.headers) else None
    return {**asdict(column), "samples": list(column.samples), "header": header}


def _contact(shown: Previewed, website: str) -> dict[str, Any]:
    """The contact as Crisp will have it: with one name."""
    told = shown.as_json(website)
    kept = ("row", "notes", "status", "plan")
    return {**{key: told[key] for key in kept}, "contact": named(shown.decision.contact).flat()}


def _notes(file: Opened, seen: Foreseen) -> list[Note]:
    """What is to be said of the file as a whole."""
    found = list(file.reading.notes)
    if (line := file.table.footer) is not None:
        told = say("From line {line} on there are no rows, but a footer.", line=line)
        found.append(Note("info", None, "footer_left_out", told))
    if not seen.whole:
        told = say(
            "The first {count} rows were looked at; the totals are theirs, the time is that of all.",
            count=Count(seen.rows),
        )
        found.append(Note("info", None, "preview_cut", told))
    return found
