"""Event payloads as rows of a table: new ones, and changes of those that are there (pure)."""

import json
import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.sinks.sheet_table import Cell, Row, Table

# Google's limits: characters of a cell, and whole numbers that a cell holds exactly (IEEE 754 doubles).
_LONGEST, _LARGEST = 50_000, 2**53
# Where only the name shown in Crisp is known, columns of other names are filled from it.
_NAMES = ("full_name", "first_name", "last_name")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written. `changed`: row number → cells. `index`: who is in which row then, with -1 for the first
    of `added`, -2 for the next. `held`: row number → whose row each of `changed` is taken for."""

    added: list[Row]
    changed: dict[int, Row]
    index: dict[str, int]
    held: dict[int, str]


def plan(table: Table, index: Mapping[str, int], payloads: Sequence[Mapping[str, Any]]) -> Plan:
    """One row per person, found by e-mail in `index`; of two payloads the later wins, cell by cell.

    A contact whose e-mail changed keeps its row. What has no e-mail has no row here, and is left out.
    """
    working, rows, owners = dict(index), dict[int, Row](), {row: key for key, row in index.items()}
    for payload in payloads:
        key = key_of(payload["contact"].get("email"))
        if key is None:
            continue
        renamed = _take_over(working, key, payload)
        row = working.setdefault(key, -1 - sum(number < 0 for number in rows))
        cells = cells_of(table, payload)
        if row > 0 and not renamed and table.key is not None:
            cells[table.key] = None  # as the user spelt it
        rows[row] = _merged(rows.get(row), cells)
    changed = {row: cells for row, cells in rows.items() if row > 0 and any(cell is not None for cell in cells)}
    added = [rows[row] for row in sorted(rows, reverse=True) if row < 0]
    return Plan(added, changed, working, {row: owners[row] for row in changed})


def _take_over(working: dict[str, int], key: str, payload: Mapping[str, Any]) -> bool:
    """Whether this person, not seen yet, had another e-mail, whose row is now theirs."""
    before = key_of((payload.get("previous") or {}).get("email"))
    # A conversation's new e-mail is another person's; only a contact takes its row along.
    if payload.get("event") != "contact_updated" or key in working or before not in working:
        return False
    working[key] = working.pop(before)
    return True


def key_of(email: object) -> str | None:
    """An e-mail address as rows are compared by it."""
    if not isinstance(email, str) or not email.strip():
        return None
    return unicodedata.normalize("NFC", email.strip()).lower()


def index_of(column: Sequence[object], first_row: int = 2) -> dict[str, int]:
    """Who is in which row, by the cells of the key column; of two rows of one person the upper counts."""
    index: dict[str, int] = {}
    for row, cell in enumerate(column, first_row):
        if (key := key_of(cell)) is not None:
            index.setdefault(key, row)
    return index


def cells_of(table: Table, payload: Mapping[str, Any]) -> Row:
    """A payload as a row: a value that is gone is "" where `changed` says that it is, else it is left as it is."""
    flat, changed = _flat(payload), set(payload.get("changed") or ())
    return [None if column.field is None else _cell(flat, changed, column.field) for column in table.columns]


def _cell(flat: Mapping[str, Any], changed: set[str], field: str) -> Cell | None:
    value = flat.get(field)
    if value is None or value == "":
        return "" if field in changed or (field in _NAMES and "nickname" in changed) else None
    return _written(value)


def _flat(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Every value by its flat key. What a conversation's data say is newer than what is known of the contact."""
    contact = payload["contact"]
    nickname = contact.get("nickname") or ""
    first, _, last = nickname.strip().partition(" ")
    data = {**(contact.get("data") or {}), **(payload.get("data") or {})}
    return {
        "full_name": nickname,
        "first_name": first,
        "last_name": last.strip(),
        **{key: value for key, value in contact.items() if key != "data"},
        "segments": ", ".join(map(str, contact.get("segments") or ())),
        **{f"data.{key}": value for key, value in data.items()},
        **{key: payload.get(key) for key in ("event", "occurred_at", "session_id")},
        "event_id": payload.get("id"),
    }


def _written(value: Any) -> Cell:
    """A value as a cell holds it: text stays text, and what a number of Google's would round is text too."""
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= _LARGEST):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _merged(older: Row | None, newer: Row) -> Row:
    if older is None:
        return newer
    return [before if cell is None else cell for before, cell in zip(older, newer, strict=True)]


def among(rows: Sequence[Row], tail: Sequence[Sequence[object]]) -> list[Row]:
    """Those of the rows that are among the last rows of the sheet; each of these answers for one."""
    return _sorted_out(rows, tail)[0]


def without(rows: Sequence[Row], written: list[Row]) -> list[Row]:
    """The rows without those that are written already; what was taken out is taken out of `written`, too."""
    there, new = _sorted_out(rows, written)
    written[:] = _sorted_out(written, there)[1]
    return new


def _sorted_out(rows: Sequence[Row], others: Sequence[Sequence[object]]) -> tuple[list[Row], list[Row]]:
    left = Counter(map(_comparable, others))
    there: list[Row] = []
    new: list[Row] = []
    for row in rows:
        same = _comparable(row)
        (there if left[same] else new).append(row)
        left[same] -= left[same] > 0
    return there, new


def _comparable(row: Sequence[object]) -> tuple[str, ...]:
    """A row as text: Google leaves empty cells at the end away and writes 1.0 as 1."""
    texts = [_as_text(cell) for cell in row]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _as_text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)
