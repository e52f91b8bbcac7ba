"""Google Sheets: a row for each event, or one row per contact that is kept up to date.

Rows are added with `values:append` and changed with `values:batchUpdate` (Sheets API v4), all of a batch with one call
each, as `RAW` values: a formula in a name stays text. Google has no way to say "once", so an append whose answer got
lost may have been carried out:

- `upsert`: nothing is doubled. Before each write it is looked whether the rows, and the end of the key column, are as
  they were left; if they are not, and in a new process, the key column is read again first.
- `append`: the last rows of the sheet are read first, and what stands there already is not added again. A row is
  doubled when others were added below it meanwhile, or when the batch comes again in other parts in a new process; it
  is left out when it is the same in every column as one of the last that a new process finds, or as one that was lost
  and never came again. With a column `event_id` no two are the same.

Between reading a row's key and writing the row lies a moment in which somebody may move it: Google locks nothing.
"""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connector.hooks.egress import Egress
from connector.sinks.base import OF_A_CONTACT, Broken, Refused, Sink
from connector.sinks.pace import Pace
from connector.sinks.sheet_options import checked
from connector.sinks.sheet_rows import Plan, among, cells_of, index_of, key_of, plan, without
from connector.sinks.sheet_table import Row, Table, corner, field_of, header_for, letters, ranged, table_of

if TYPE_CHECKING:
    from connector.sinks.google.api import SheetsApi

KEY = "google_sheets"
LABEL = "Google Sheets"
HELP = "Adds a row for each event, or keeps one row per contact up to date, found by its e-mail address."
EVENTS = OF_A_CONTACT
ADDRESS = "google_api_url"

# Google's quota for one user of a project (Sheets API, "Usage limits"); a sink's credential is one user.
WRITES_A_MINUTE, _BURST = 60, 10
# An address of more characters may be too long for Google: then the whole key column is read instead.
_LONGEST_QUERY = 4_000
_NO_KEY = (
    "The sheet has no column for the e-mail address. Name one Email in its first row, or say which it is in the sink's "
    "key_column."
)
_NO_SHEET = "There is no sheet of this title in the spreadsheet. Change the sink's sheet, or give it back its title."
_NO_COLUMN = (
    "No cell of the sheet's first row names a contact field. Name its columns, such as Email, Nickname and data.plan."
)
_ELSEWHERE = (
    "Google put new rows beside the table and not below it. Fill every cell of its first row, move these rows, and "
    "enable the sink again."
)


def check(options: Mapping[str, Any], credential: str) -> dict[str, Any]:
    """`{spreadsheet (ID), sheet, mode, key_column, columns}`. Raises `Problem` naming each wrong field."""
    return checked(options, credential)


def open_sink(options: Mapping[str, Any], credential: str, egress: Egress, *, address: str = "") -> Sink:
    """A sheet to write to. Options and credential as `check` takes them; raises `Broken` for another credential."""
    # Google's library takes memory that a service without such a sink need not have.
    from connector.sinks.google.api import SheetsApi
    from connector.sinks.google.credential import Unusable, read_credential

    try:
        credentials = read_credential(credential)
    except Unusable as wrong:
        raise Broken(f"The sink's credential cannot be used. {wrong}") from None
    api = SheetsApi(options["spreadsheet"], credentials, egress, address)
    return GoogleSheet(options, api, Pace(WRITES_A_MINUTE, _BURST))


class GoogleSheet:
    """A sheet, and what is known of it.

    `_index`: who is in which row, None when that must be read; `_last`: the lowest row of the key column, and what it
    holds. `_doubtful`: rows of an append whose answer got lost, [] when it is not known which were; `_written`: those
    that are in the sheet all the same, until their events come again.
    """

    def __init__(self, options: Mapping[str, Any], api: "SheetsApi", pace: Pace) -> None:
        self._options, self._api, self._pace = options, api, pace
        self._lock = Lock()
        self._table: Table | None = None
        self._index: dict[str, int] | None = None
        self._last: tuple[int, str | None] = (1, None)
        self._doubtful: list[Row] | None = []
        self._written: list[Row] = []

    def write(self, payloads: Sequence[Mapping[str, Any]]) -> None:
        """Writes the contacts of these events. In `upsert` mode one without an e-mail has no row, and is left out."""
        if not payloads:
            return
        with self._lock:
            if self._options["mode"] == "upsert":
                self._upsert(payloads)
            else:
                self._append(payloads)

    def look(self) -> dict[str, Any]:
        """`{sheet, header, columns: [{header, field}], key_column, missing, creates}`: what stands in the first row and
        which fields fill it, which of the wanted columns it lacks, and the first row that an empty sheet will get."""
        header = self._header()
        table = self._table_of(header)
        if header and not any(column.field for column in table.columns):
            raise Broken(_NO_COLUMN)
        if header and table.key is None and self._options["mode"] == "upsert":
            raise Broken(_NO_KEY)
        filled = {column.field for column in table.columns}
        return {
            "sheet": self._options["sheet"],
            "header": [column.header for column in table.columns],
            "columns": [{"header": column.header, "field": column.field} for column in table.columns],
            "key_column": None if table.key is None else table.columns[table.key].header,
            "missing": [name for name in self._options["columns"] if header and field_of(name) not in filled],
            "creates": [] if header else self._new_header([]),
        }

    def _append(self, payloads: Sequence[Mapping[str, Any]]) -> None:
        table = self._made_table(payloads)
        rows = [cells_of(table, payload) for payload in payloads]
        if self._doubtful is not None:
            doubtful = self._doubtful or rows
            self._written += among(doubtful, self._tail(table, len(doubtful)))
            self._doubtful = None
        if rows := without(rows, self._written):
            self._doubtful = rows
            self._add(table, rows)
            self._doubtful = None

    def _tail(self, table: Table, count: int) -> list[list[Any]]:
        """At least so many of the last rows."""
        filled = next(place for place, column in enumerate(table.columns) if column.field is not None)
        place = letters(table.first + (filled if table.key is None else table.key))
        (column,) = self._read([f"{place}1:{place}"])
        (tail,) = self._read([table.cells(max(2, len(column) - count + 1))]) if len(column) > 1 else [[]]
        return tail

    def _upsert(self, payloads: Sequence[Mapping[str, Any]]) -> None:
        table, made = self._planned(payloads) or self._planned_anew(payloads)
        self._carry_out(table, made)

    def _planned(self, payloads: Sequence[Mapping[str, Any]]) -> tuple[Table, Plan] | None:
        """What is to be done by what is known of the sheet, if the sheet is still like that."""
        if self._table is None or self._index is None:
            return None
        made = plan(self._table, self._index, payloads)
        nothing = not made.added and not made.changed
        return (self._table, made) if nothing or self._holds(self._table, made) else None

    def _planned_anew(self, payloads: Sequence[Mapping[str, Any]]) -> tuple[Table, Plan]:
        self._table = self._made_table(payloads)
        return self._table, plan(self._table, self._read_keys(self._table), payloads)

    def _holds(self, table: Table, made: Plan) -> bool:
        """Whether each row still is whose it was, with nobody new below the last, under the same header."""
        key, (last, its) = table.key_letters, self._last
        ranges = ["1:1", f"{key}{last}:{key}", *(f"{key}{row}" for row in made.held)]
        if sum(len(quote(self._ranged(each))) + 10 for each in ranges) > _LONGEST_QUERY:
            return False
        try:
            header, tail, *cells = self._api.read([self._ranged(each) for each in ranges])
        except Refused:  # the sheet has become shorter, or another title
            return False
        same_end = [key_of(each) for each in _column(tail)] == [its]
        same_rows = all(_key(cell) == who for cell, who in zip(cells, made.held.values(), strict=True))
        return same_end and same_rows and self._table_of(_first(header)) == table

    def _read_keys(self, table: Table) -> dict[str, int]:
        """Who is in which row, by one read of the key column."""
        if table.key is None:
            raise Broken(_NO_KEY)
        (rows,) = self._read([f"{table.key_letters}1:{table.key_letters}"])
        column = _column(rows)
        self._last = (len(column), key_of(column[-1])) if column else (1, None)
        return index_of(column[1:])

    def _carry_out(self, table: Table, made: Plan) -> None:
        index = None  # it is read again when the new rows are not below all others
        if made.changed:  # first, for new rows may go in above others, which then have other numbers
            self._pace.take()
            self._api.update({self._ranged(table.cells(row, row)): cells for row, cells in made.changed.items()})
        below = self._add(table, made.added) if made.added else self._last[0] + 1
        if below > self._last[0]:
            index = {who: row if row > 0 else below - row - 1 for who, row in made.index.items()}
        if made.added and table.key is not None:
            self._last = (below + len(made.added) - 1, key_of(made.added[-1][table.key]))
        self._index = index

    def _add(self, table: Table, rows: Sequence[Row]) -> int:
        """Adds rows below the table; returns the first one's number, 0 when Google does not say."""
        self._pace.take()
        written = corner(self._api.append(self._ranged(table.cells(1, 1)), rows))
        if written is not None and written[0] != letters(table.first):
            raise Broken(_ELSEWHERE)
        return written[1] if written else 0

    def _made_table(self, payloads: Sequence[Mapping[str, Any]]) -> Table:
        """The table, with a header row that is made when there is none."""
        header = self._header()
        if not header:
            header = self._new_header(payloads)
            self._pace.take()
            self._api.update({self._ranged(f"A1:{letters(len(header) - 1)}1"): list(header)})
        table = self._table_of(header)
        if not any(column.field for column in table.columns):
            raise Broken(_NO_COLUMN)
        return table

    def _header(self) -> list[Any]:
        (rows,) = self._read(["1:1"])
        return _first(rows)

    def _new_header(self, payloads: Sequence[Mapping[str, Any]]) -> list[str]:
        data = (key for each in payloads for key in {**(each["contact"].get("data") or {}), **(each.get("data") or {})})
        return header_for(self._options["columns"], self._options["key_column"], data)

    def _table_of(self, header: Sequence[Any]) -> Table:
        return table_of(header, key_column=self._options["key_column"], columns=self._options["columns"])

    def _read(self, ranges: Sequence[str]) -> list[list[list[Any]]]:
        """Reads what every sheet has; so when it cannot be read, the sheet is not there."""
        try:
            return self._api.read([self._ranged(each) for each in ranges])
        except Refused:
            raise Broken(_NO_SHEET) from None

    def _ranged(self, cells: str) -> str:
        return ranged(self._options["sheet"], cells)


def _first(rows: Sequence[list[Any]]) -> list[Any]:
    """The one row that was read; [] when all its cells are empty."""
    return rows[0] if rows and any(str(cell).strip() for cell in rows[0]) else []


def _column(rows: Sequence[list[Any]]) -> list[Any]:
    """The cells of the one column that was read."""
    return [row[0] if row else None for row in rows]


def _key(rows: Sequence[list[Any]]) -> str | None:
    """Whose row it is, by the one cell of it that was read."""
    return key_of(_column(rows)[0]) if rows else None
