"""The table at the top of a sheet: which column stands for which field of a contact, and where its cells are (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.manifest import shipped
from connector.names import normalise
from connector.saying import say

Cell = str | int | float | bool
# A row to write: None leaves the cell as it is, "" empties it.
Row = list[Cell | None]

# Names in an event's payload that are no fields of a contact, by their normalised form.
_OF_AN_EVENT = {
    normalise(name): name for name in ("event", "event_id", "occurred_at", "session_id", "people_id", "updated_at")
}
_ALSO = {normalise("segments_text"): "segments"}
# What a new header row says, unless the user does; custom data that the first events have comes after it.
_USUAL = ("email", "nickname", "phone", "company_name", "job_title", "city", "country", "segments")
# A new sheet of Google has so many columns (A to Z), and writing beside them is refused.
_MOST_COLUMNS = 26
NO_SHEET = say(
    "There is no sheet of this title in the spreadsheet. Change the sink's sheet, or give it back its title."
)


@dataclass(frozen=True, slots=True)
class Column:
    """A header cell, and the flat key that its column is filled from: `email`, `data.plan`; None: from none."""

    header: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """All columns from A to the last one with a name; `key`: which of them holds the e-mail addresses, if one does."""

    columns: tuple[Column, ...]
    key: int | None

    @property
    def key_letters(self) -> str:
        """The letters of the column with the e-mail addresses."""
        return letters(self.key or 0)

    @property
    def filled(self) -> list[int]:
        """The columns that are filled, counted from 0."""
        return [place for place, column in enumerate(self.columns) if column.field is not None]

    def cells(self, first_row: int, last_row: int | None = None) -> str:
        """Its cells from one row to another (from 1), or to the end of the sheet, in A1 notation."""
        return f"A{first_row}:{letters(len(self.columns) - 1)}{last_row or ''}"


def field_of(name: str) -> str | None:
    """The flat key that a column of this name is filled from, by the alias table; `data.KEY` is custom data."""
    prefix, dot, key = name.strip().partition(".")
    if dot and prefix.casefold() == "data" and key.strip():
        return f"data.{key.strip()}"
    plain = normalise(name)
    return shipped().names.field_of(name) or _OF_AN_EVENT.get(plain) or _ALSO.get(plain)


def table_of(header: Sequence[object], *, key_column: str | None = None, columns: Iterable[str] = ()) -> Table:
    """The table whose header row this is. A column without a name is the user's own, wherever it is. With `columns`,
    only these are filled, and the key."""
    names = [str(each).strip() for each in header]
    while names and not names[-1]:
        names.pop()
    key = _key(names, key_column)
    wanted = {field_of(each) for each in columns}
    fields = ["email" if place == key else field_of(name) for place, name in enumerate(names)]
    return Table(
        tuple(
            Column(name, field if not wanted or field in wanted or place == key else None)
            for place, (name, field) in enumerate(zip(names, fields, strict=True))
        ),
        key,
    )


def _key(names: Sequence[str], key_column: str | None) -> int | None:
    """The column of the name that the user gave; without one, the first that means an e-mail address."""
    if key_column is None:
        return next((place for place, name in enumerate(names) if field_of(name) == "email"), None)
    wanted = normalise(key_column) or key_column
    return next((place for place, name in enumerate(names) if (normalise(name) or name) == wanted), None)


def header_for(columns: Sequence[str], key_column: str | None, data_keys: Iterable[str]) -> list[str]:
    """A header row for an empty sheet: what the user named, as it was named, else the usual fields by their labels."""
    fields = shipped().fields
    usual = [fields[each].label for each in _USUAL]
    names = list(columns) or [*usual, *(f"data.{key}" for key in dict.fromkeys(data_keys))][:_MOST_COLUMNS]
    if _key(names, key_column) is not None:
        return names
    if key_column is not None and not columns:
        return [key_column, *names[1:]]
    return [key_column or fields["email"].label, *names]


def letters(place: int) -> str:
    """The letters of a column, counted from 0: 0 → A, 26 → AA."""
    found = ""
    place += 1
    while place:
        place, digit = divmod(place - 1, 26)
        found = chr(65 + digit) + found
    return found


def ranged(sheet: str | None, cells: str) -> str:
    """Cells of a sheet in A1 notation; without its title those of the first sheet."""
    return cells if sheet is None else "'{}'!{}".format(sheet.replace("'", "''"), cells)
