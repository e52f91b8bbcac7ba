"""Google Sheets: a row for each event, or one row per contact that is kept up to date.

Rows are put in below the last one with `batchUpdate` and changed with `values:batchUpdate` (Sheets API v4), all of a
batch with one call each; a formula in a name stays text. `values:append` is not used: it looks for a table by itself,
and begins at that one's first column, which cells without a header make another. Google has no way to say "once", so
a call whose answer got lost may have been carried out:

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
from connector.saying import say
from connector.sinks.base import OF_A_CONTACT, Broken, Refused, Sink, Wait, sleep
from connector.sinks.pace import Pace
from connector.sinks.sheet_options import checked
from connector.sinks.sheet_rows import Plan, among, cells_of, index_of, key_of, plan, without
from connector.sinks.sheet_table import NO_SHEET, Row, Table, field_of, header_for, letters, ranged, table_of

if TYPE_CHECKING:
    from connector.sinks.google.api import SheetsApi, Tab

KEY = "google_sheets"
LABEL = "Google Sheets"
HELP = "Adds a row for each event, or keeps one row per contact up to date, found by its e-mail address."
EVENTS = OF_A_CONTACT
ADDRESS = "google_api_url"

# Google's quota for one user of a project (Sheets API, "Usage limits"); a sink's credential is one user.
WRITES_A_MINUTE, _BURST = 60, 10
# An address of more characters may be too long for Google: then the whole key column is read instead.
_LONGEST_QUERY = 4_000
_NO_KEY = say(
    "The sheet has no column for the e-mail address. Name one Email in its first row, or say which it is in the sink's "
    "key_column."
)
_NO_COLUMN = say(
    "No cell of the sheet's first row names a contact field. Name its columns, such as Email, Nickname and data.plan."
)


def check(options: Mapping[str, Any], credential: str) -> dict[str, Any]:
    """`{spreadsheet (ID), sheet, mode, key_column, columns}`. Raises `Problem` naming each wrong field."""
    return checked(options, credential)


def open_sink(
    options: Mapping[str, Any], credential: str, egress: Egress, *, address: str = "", wait: Wait = sleep
) -> Sink:
    """A sheet to write to. Options and credential as `check` takes them; raises `Broken` for another credential."""
    # Google's library takes memory that a service without such a sink need not have.
    from connector.sinks.google.api import SheetsApi
    from connector.sinks.google.credential import Unusable, read_credential

    try:
        credentials = read_credential(credential)
    except Unusable as wrong:
        raise Broken(say("The sink's credential cannot be used. {reason}", reason=wrong.args[0])) from None
    api = SheetsApi(options["spreadsheet"], credentials, egress, address)
    return GoogleSheet(options, api, Pace(WRITES_A_MINUTE, _BURST, wait=wait))


class GoogleSheet:
    """A sheet, and what is known of it.

    `_index`: who is in which row, None when that must be read; `_last`: the lowest row of the key column, and what it
    holds; `_end`: the lowest row with something in a column that is filled, 0 when that must be read. `_doubtful`: new
    rows whose answer got lost, [] when it is not known which were; `_written`: those that are in the sheet all the
    same, until their events come again.
    """

    def __init__(self, options: Mapping[str, Any], api: "SheetsApi", pace: Pace) -> None:
        self._options, self._api, self._pace = options, api, pace
        self._lock = Lock()
        self._table: Table | None = None
        self._index: dict[str, int] | None = None
        self._last: tuple[int, str | None] = (1, None)
        self._end = 0
        self._tab: Tab | None = None
        self._doubtful: list[Row] | None = []
        self._written: list[Row] = []

    def write(self, payloads: Sequence[Mapping[str, Any]]) -> None:
        """Writes the contacts of these events. In `upsert` mode one without an e-mail has no row, and is left out."""
        if not payloads:
            return
        with self._lock:
            try:
                (self._upsert if self._options["mode"] == "upsert" else self._append)(payloads)
            except (Broken, Refused):
                self._tab = None  # it may have another title now, or be another of the same title
                raise

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
        table, tail = self._ended() or self._ended_anew(payloads)
        rows = [cells_of(table, payload) for payload in payloads]
        if self._doubtful is not None:
            self._written += among(self._doubtful or rows, tail)
            self._doubtful = None
        if rows := without(rows, self._written):
            self._doubtful = rows
            self._add(self._end + 1, rows)
            self._doubtful, self._end = None, self._end + len(rows)

    def _ended(self) -> tuple[Table, list[list[Any]]] | None:
        """The table and what is new below its last row, if it still is as it was left; `_end` is its last row then."""
        if self._table is None or not self._end:
            return None
        try:
            header, rows = self._api.read([self._ranged(each) for each in ("1:1", self._table.cells(self._end))])
        except (Broken, Refused):  # the sheet has become shorter, or has another title
            self._tab = None
            return None
        if not (count := _lowest(self._table, rows)) or self._table_of(_first(header)) != self._table:
            return None
        self._end += count - 1
        return self._table, rows[1:]

    def _ended_anew(self, payloads: Sequence[Mapping[str, Any]]) -> tuple[Table, list[list[Any]]]:
        """The table and at least as many of its last rows as are in doubt."""
        table = self._table = self._made_table(payloads)
        place = letters(table.filled[0] if table.key is None else table.key)
        (column,) = self._read([f"{place}1:{place}"])
        first = max(1, len(column) + 1 - len(self._doubtful or payloads))
        (rows,) = self._read([table.cells(first)])
        self._end = first - 1 + _lowest(table, rows)
        return table, rows[1:] if first == 1 else rows

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
        except (Broken, Refused):  # the sheet has become shorter, or has another title
            self._tab = None
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
        last = self._last[0]
        if made.changed:
            self._pace.take()
            self._api.update({self._ranged(table.cells(row, row)): cells for row, cells in made.changed.items()})
        if made.added and table.key is not None:
            self._add(last + 1, made.added)
            self._last = (last + len(made.added), key_of(made.added[-1][table.key]))
        self._index = {who: row if row > 0 else last - row for who, row in made.index.items()}

    def _add(self, row: int, rows: Sequence[Row]) -> None:
        """Puts new rows in at this one."""
        self._tab = self._tab or self._api.tab(self._options["sheet"])
        self._pace.take()
        self._api.insert(self._tab, row, rows)

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
            raise Broken(NO_SHEET) from None

    def _ranged(self, cells: str) -> str:
        return ranged(self._tab.title if self._tab else self._options["sheet"], cells)


def _first(rows: Sequence[list[Any]]) -> list[Any]:
    """The one row that was read; [] when all its cells are empty."""
    return rows[0] if rows and any(str(cell).strip() for cell in rows[0]) else []


def _lowest(table: Table, rows: Sequence[list[Any]]) -> int:
    """How many rows there are up to the last one with something in a column that is filled."""
    there = (
        number
        for number, row in enumerate(rows, 1)
        if any(row[place : place + 1] not in ([], [""]) for place in table.filled)
    )
    return max(there, default=0)


def _column(rows: Sequence[list[Any]]) -> list[Any]:
    """The cells of the one column that was read."""
    return [row[0] if row else None for row in rows]


def _key(rows: Sequence[list[Any]]) -> str | None:
    """Whose row it is, by the one cell of it that was read."""
    return key_of(_column(rows)[0]) if rows else None
