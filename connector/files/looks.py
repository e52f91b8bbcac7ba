"""What stands in a column: its texts, and what they look like."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from connector.convert import Given
from connector.convert.email import addresses, email
from connector.convert.text import said, text
from connector.convert.times import time
from connector.convert.web import url
from connector.files.table import Cell, Row, Table
from connector.files.words import YES_NO

_LONGEST, _LONGEST_SAMPLE, _SAMPLES = 1000, 100, 5
# So many texts say what a column holds; so many of ten must agree, for every list has a slip of the pen.
_ENOUGH, _ENOUGH_LISTS, _AGREEING = 50, 20, 8
_REPEATED = re.compile(r"(?P<base>.+) \(\d+\)")
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)?|\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?)(?: ?(?:%|€|\$|£|[A-Z]{3}))?")
_PHONE = re.compile(r"'?(?:\+|00|\(?0)[\d ()./-]{6,20}|\(?\d{2,4}[ )./-][\d ()./-]{5,16}")
# An IPv4 address and a long US postcode, which are written like phone numbers.
_NO_PHONE = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|\d{5}-\d{4}|\d+\.\d+")
_SEPARATOR = re.compile(r"\s*(?:[|,;]|:::)\s*")


@dataclass(frozen=True)
class Seen:
    """A column with the cells of the first rows.

    `name` is unique in the table; `base` is it without the mark of a repeated name (`Phone (2)`); `written` is it as
    the file has it. `cells`: one text for each row, "" for nothing.
    """

    position: int
    name: str
    base: str
    written: str
    cells: tuple[str, ...]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The cells that say something."""
        return tuple(filter(None, self.cells))

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """The first different texts, the long ones cut."""
        shown = (cell if len(cell) <= _LONGEST_SAMPLE else cell[: _LONGEST_SAMPLE - 1] + "…" for cell in self.texts)
        return tuple(dict.fromkeys(shown))[:_SAMPLES]

    @cached_property
    def kind(self) -> str:
        """email, phone, url, date, number, boolean, list, text or empty: what nearly all texts are."""
        if not self.texts:
            return "empty"
        judged = self.texts[:_ENOUGH]
        kind, count = Counter(map(kind_of, judged)).most_common(1)[0]
        if kind != "text" and count * 10 >= len(judged) * _AGREEING:
            return kind
        return "list" if _are_lists(judged) else "text"

    def mostly(self, words: frozenset[str]) -> bool:
        """Whether more than half of the texts are such words (in lower case, letters and digits only)."""
        plain = ["".join(filter(str.isalnum, cell.casefold())) for cell in self.texts]
        return sum(word in words for word in plain) * 2 > len(plain)


def seen_columns(table: Table, rows: Sequence[Row]) -> tuple[Seen, ...]:
    """The columns of a table with what stands in these rows; those that are malformed say nothing of a column."""
    names = set(table.columns)
    written = table.headers or table.columns
    whole = [row for row in rows if row.code is None]
    return tuple(
        Seen(position, name, _base(name, names), written[position], tuple(_cell(row, position) for row in whole))
        for position, name in enumerate(table.columns)
    )


def kind_of(value: str) -> str:
    """email, boolean, date, phone, number, url or text."""
    if "@" in value and any(map(email, addresses(value))):
        return "email"
    if value.casefold() in YES_NO:
        return "boolean"
    if _NUMBER.fullmatch(value) and value[0] not in "+0":
        return "number"
    if _is_date(value):
        return "date"
    if _PHONE.fullmatch(value) and not _NO_PHONE.fullmatch(value) and 7 <= sum(map(str.isdigit, value)) <= 15:
        return "phone"
    if _NUMBER.fullmatch(value):
        return "number"
    return "url" if is_web(value) else "text"


def is_web(value: str) -> bool:
    """Whether this is a web address or a bare domain, and no abbreviation with a full stop in it."""
    plain = "." in value and "@" not in value and ("/" in value or value == value.lower())
    plain = plain and not value.replace(".", "").isdigit()
    return plain and url(value, Given()) is not None


def _is_date(value: str) -> bool:
    if not 6 <= len(value) <= 40 or not any(map(str.isdigit, value)) or value.isdigit():
        return False
    return time(value, Given(date_order="dmy")) is not None or time(value, Given(date_order="mdy")) is not None


def _are_lists(texts: Sequence[str]) -> bool:
    """Whether half of them have several parts, and the parts come again."""
    parts = [_SEPARATOR.split(value) for value in texts[:_ENOUGH_LISTS]]
    every = [part for each in parts for part in each]
    return sum(len(each) > 1 for each in parts) * 2 >= len(parts) and len(set(every)) * 2 <= len(every)


def _base(name: str, names: set[str]) -> str:
    repeated = _REPEATED.fullmatch(name)
    return repeated["base"] if repeated and repeated["base"] in names else name


def _cell(row: Row, position: int) -> str:
    return _text(row.cells[position]) if position < len(row.cells) else ""


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return said(cell[:_LONGEST])
    return text(cell, Given())
