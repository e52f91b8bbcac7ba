"""Google Sheets: rows as the Sheets API, Apps Script and the automation platforms send them.

Shapes: Sheets API v4 reference (values), Apps Script event objects, the nodes and modules of n8n, Make, Zapier,
Pipedream, Activepieces and Power Automate.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from connector.convert.email import email
from connector.notes import Note, note
from connector.record import Record, Value
from connector.sources.base import EventId, Inbound, Rule, is_columns, signed

KEY = "google_sheets"
# Our own script's.
EVENT_IDS = (EventId((("event", "id"),)),)

_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#ERROR!", "#NULL!", "Loading..."}
_RANGE = re.compile(r"(?:(?P<sheet>'(?:[^']|'')+'|[^!]+)!)?\$?[A-Z]*\$?(?P<row>\d+)?(?::.*)?")
_MAKE_KEYS = {"__ROW_NUMBER__", "__SPREADSHEET_ID__", "__SHEET__"}
_MAIL = re.compile(r"e?-?mail|courriel|correo|メール", re.IGNORECASE)
Row = Sequence[Any]


def _object(payload: Any) -> dict[str, Any]:
    return payload if isinstance(payload, dict) else {}


def _rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, list) for row in value)


def _is_power_automate(payload: Any) -> bool:
    listed = _object(payload).get("value")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else _object(payload)
    return "ItemInternalId" in first and "contactid" not in first and "leadid" not in first


def _is_values(payload: Any) -> bool:
    sheet = _object(payload)
    ranged = isinstance(sheet.get("range"), str) and _rows(sheet.get("values"))
    return ranged or ("values" not in sheet and "majorDimension" in sheet)


def _is_batch(payload: Any) -> bool:
    return isinstance(_object(payload).get("valueRanges"), list)


def _is_form(payload: Any) -> bool:
    named = _object(payload).get("namedValues", payload)
    if not isinstance(named, dict) or not isinstance(next(iter(named.values()), None), list):
        return False
    wrapped = "namedValues" in _object(payload)
    listed = all(isinstance(answer, list) for answer in named.values())
    texts = listed and all(isinstance(item, str) for answer in named.values() for item in answer)
    # Some scripts post the named values alone; with an address among them they are a form, unless every list has an
    # entry for each of several people: a question that is asked twice has more answers than the others.
    return texts and (wrapped or (any(_MAIL.search(name) for name in named) and not is_columns(payload)))


def _is_script(payload: Any) -> bool:
    script = _object(payload)
    headers = script.get("headers")
    named = isinstance(headers, list) and all(isinstance(name, str) for name in headers)
    one = isinstance(script.get("values"), list) or isinstance(script.get("row"), list)
    sheet_row = isinstance(script.get("row"), dict) and ("sheet" in script or "sheetName" in script)
    return (named and (one or _rows(script.get("rows")))) or sheet_row


@lru_cache(maxsize=1024)
def _shape(keys: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether all keys but the tool's own are numbers, and whether one is a column letter as Zapier writes it."""
    business = [key for key in keys if key not in _MAKE_KEYS]
    digits = bool(business) and all(key.isdecimal() for key in business)
    return digits, any(key.startswith("COL$") for key in keys)


def _is_numbered(payload: Any) -> bool:
    row = _object(payload)
    digits, _ = _shape(tuple(row))
    lettered = isinstance(row.get("row"), int) and isinstance(row.get("values"), dict)
    letters = lettered and all(re.fullmatch("[A-Z]{1,3}", key) for key in row["values"])
    return "__ROW_NUMBER__" in row or digits or isinstance(row.get("newRow"), list) or letters


def _is_zapier(payload: Any) -> bool:
    return _shape(tuple(_object(payload)))[1]


def _is_n8n(payload: Any) -> bool:
    row = _object(payload)
    number = row.get("row_number")
    return isinstance(number, int) and all(not isinstance(value, dict | list) for value in row.values())


def _is_both_versions(payload: Any) -> bool:
    """n8n's trigger with "both versions": the row stands under `current`."""
    return "previous" in _object(payload) and _is_n8n(_object(payload).get("current"))


def _is_bare(payload: Any) -> bool:
    rows = _rows(payload) and len(payload) > 0
    return rows and bool(payload[0]) and all(isinstance(name, str) for name in payload[0])


RULES = (
    Rule(100, "power_automate_rows", _is_power_automate, frozenset({"value", "ItemInternalId"})),
    Rule(110, "values", _is_values, frozenset({"range", "majorDimension"})),
    Rule(120, "batch", _is_batch, frozenset({"valueRanges"})),
    Rule(130, "form_submit", _is_form),
    Rule(140, "script_row", _is_script, frozenset({"headers", "row"})),
    Rule(150, "numbered_row", _is_numbered),
    Rule(160, "zapier_row", _is_zapier),
    Rule(170, "n8n_row", _is_n8n, frozenset({"row_number"})),
    Rule(171, "n8n_row", _is_both_versions, frozenset({"current"})),
    Rule(180, "bare_rows", _is_bare),
)


def claim(payload: Any) -> str | None:
    """A row of names and values without a row number is read as n8n's."""
    flat = isinstance(payload, dict) and payload and all(not isinstance(v, dict | list) for v in payload.values())
    return "n8n_row" if flat or payload == [] else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per row that is not wholly blank."""
    yield from _READERS[variant](payload)


def _values(payload: Any) -> Iterator[Record]:
    """A ValueRange. The API omits trailing blanks inside the range it names, so a missing cell there is a blank one."""
    if not _rows(payload.get("values")):
        return
    rows: list[Row] = payload["values"]
    if payload.get("majorDimension") == "COLUMNS":
        rows = list(zip_longest(*rows, fillvalue=""))
    match = _RANGE.fullmatch(str(payload.get("range") or ""))
    sheet = (match["sheet"] or "").strip("'").replace("''", "'") if match else ""
    start = int(match["row"] or 1) if match else 1
    yield from _table(rows, sheet, start, padded=True)


def _table(rows: Sequence[Row], sheet: str, start: int, *, padded: bool) -> Iterator[Record]:
    """Rows below a header row; `start` is the number of the first row in the sheet."""
    head = header_in(rows)
    if head is None:
        return
    header = [str(name) for name in rows[head]]
    for number in range(head + 1, len(rows)):
        row = list(rows[number])
        if padded:
            row += [""] * (len(header) - len(row))
        if any(cell not in ("", None) for cell in row):
            yield _row(dict(_named(header, row)), _row_id(sheet, start + number))


def header_in(rows: Sequence[Row]) -> int | None:
    """Which row names the columns, from 0; None when all are blank."""
    filled = (number for number, row in enumerate(rows) if any(cell not in ("", None) for cell in row))
    head = next(filled, None)
    return None if head is None else _skip_title(rows, head)


def _skip_title(rows: Sequence[Row], head: int) -> int:
    """A first row of one cell is a title when a row with an email-like name comes within the next few."""
    if sum(cell not in ("", None) for cell in rows[head]) > 1:
        return head
    below = range(head + 1, min(head + 5, len(rows)))
    return next((n for n in below if any(_MAIL.search(str(cell)) and "@" not in str(cell) for cell in rows[n])), head)


def _named(header: Sequence[str], row: Row) -> Iterator[tuple[str, Any]]:
    """Cells with their names; without one, `column D`; a repeated name counts on, as n8n does it."""
    seen: dict[str, int] = {}
    for index, cell in enumerate(row):
        name = header[index].strip() if index < len(header) else ""
        name = name or f"column {_letter(index)}"
        seen[name] = seen.get(name, 0) + 1
        # Blanks behind the name keep both cells; to whoever compares names they stay one.
        yield name + " " * (seen[name] - 1), cell


def _letter(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _row_id(sheet: object, number: object) -> str | None:
    if number in (None, ""):
        return None
    return f"{sheet}!{number}" if sheet else f"row {number}"


def _row(named: Mapping[str, Any], row_id: str | None, edited_at: Any = None) -> Record:
    """A row with names. A cell with an error counts as not sent."""
    broken = [name for name, cell in named.items() if isinstance(cell, str) and cell in _ERRORS]
    values: dict[str, Value] = {name: _scalar(cell) for name, cell in named.items() if name not in broken}
    notes = tuple(note("cell_error", name.strip()) for name in broken)
    return Record(values, {"row_id": row_id, "edited_at": edited_at}, notes=notes)


def _headerless(lettered: Mapping[str, Any], row_id: str | None) -> Record:
    """A row without names: the letters are the names, and the first cell that is an address is the email."""
    row = _row(lettered, row_id)
    first = next(
        (name for name, cell in row.values.items() if isinstance(cell, str) and "@" in cell and email(cell.strip())),
        None,
    )
    missing: tuple[Note, ...] = (*row.notes, note("header_missing"))
    fallbacks = (("email", first),) if first else ()
    return Record(row.values, row.envelope, fallbacks=fallbacks, notes=missing)


def _scalar(cell: Any) -> Value:
    return cell if isinstance(cell, str | int | float | bool) else None


def _batch(payload: Any) -> Iterator[Record]:
    for values in payload["valueRanges"]:
        if isinstance(values, dict):
            yield from _values(values)


def _form(payload: Any) -> Iterator[Record]:
    """Named answers; several to one question are joined."""
    named = payload.get("namedValues", payload)
    where = _object(payload.get("range"))
    joined = {name: ", ".join(item for item in map(str, answers) if item.strip()) for name, answers in named.items()}
    yield _row(joined, _row_id("", where.get("rowStart")))


def _script(payload: Any) -> Iterator[Record]:
    sheet = payload.get("sheetName") or payload.get("sheet")
    if isinstance(payload.get("row"), dict):
        yield _row(payload["row"], _row_id(sheet, payload.get("rowNumber")), payload.get("editedAt"))
        return
    rows = payload.get("rows", payload.get("values", payload.get("row")))
    rows = rows if _rows(rows) and rows else [rows]
    for number, row in zip(_numbers(payload, len(rows)), rows, strict=True):
        if any(cell not in ("", None) for cell in row):
            yield _row(dict(_named(payload["headers"], row)), _row_id(sheet, number), payload.get("editedAt"))


def _numbers(payload: Any, count: int) -> Sequence[Any]:
    """The number that each row has in its sheet: all are said, as by our own script, or that of the first."""
    said, first = payload.get("rowNumbers"), payload.get("rowNumber")
    if isinstance(said, list) and len(said) == count:
        return [number if isinstance(number, int) else None for number in said]
    if isinstance(first, int):
        return range(first, first + count)
    return [first if count == 1 else None] * count


def _numbered(payload: Any) -> Iterator[Record]:
    """Make's digits, Pipedream's list, Activepieces' letters."""
    if isinstance(payload.get("newRow"), list):
        cells = {_letter(index): cell for index, cell in enumerate(payload["newRow"])}
        title = _object(_object(payload.get("worksheet")).get("properties")).get("title")
        yield _headerless(cells, _row_id(title, payload.get("rowNumber")))
    elif isinstance(payload.get("values"), dict):
        yield _headerless(payload["values"], _row_id("", payload.get("row")))
    else:
        digits = sorted((key for key in payload if key.isdecimal() and len(key) < 6), key=int)
        cells = {_letter(int(key)): payload[key] for key in digits}
        yield _headerless(cells, _row_id(payload.get("__SHEET__"), payload.get("__ROW_NUMBER__")))


def _zapier(payload: Any) -> Iterator[Record]:
    cells = {key.removeprefix("COL$"): cell for key, cell in payload.items() if key.startswith("COL$")}
    yield _headerless(cells, _row_id("", payload.get("row_number")))


def _n8n(payload: Any) -> Iterator[Record]:
    if isinstance(payload, list):
        return
    row = payload["current"] if _is_both_versions(payload) else payload
    yield _row(row, _row_id(row.get("sheet_name"), row.get("row_number")))


def _bare(payload: Any) -> Iterator[Record]:
    yield from _table(payload, "", 1, padded=False)


def _power_automate(payload: Any) -> Iterator[Record]:
    listed = payload.get("value") if isinstance(payload.get("value"), list) else [payload]
    for row in listed:
        if isinstance(row, dict):
            yield _row(row, row.get("ItemInternalId"))


_READERS: dict[str, Callable[[Any], Iterator[Record]]] = {
    "power_automate_rows": _power_automate,
    "values": _values,
    "batch": _batch,
    "form_submit": _form,
    "script_row": _script,
    "numbered_row": _numbered,
    "zapier_row": _zapier,
    "n8n_row": _n8n,
    "bare_rows": _bare,
}


def verify(inbound: Inbound, secret: str) -> bool:
    """Google signs nothing; a script signs the raw body itself as `X-Connector-Signature: sha256=<hex HMAC>`."""
    return signed(inbound.body, inbound.headers.get("x-connector-signature"), secret)
