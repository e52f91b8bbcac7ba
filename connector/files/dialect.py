"""Dialects: how the lines of a text are cut into cells, found out by trying it on the first of them."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.errors import Detail, Problem
from connector.files.layout import SEARCHED, IsEmailName, Record, named_record
from connector.files.limits import MOST_CHARACTERS, MOST_COLUMNS
from connector.files.survey import SEPARATORS
from connector.files.table import Cell, Choice
from connector.saying import say

if TYPE_CHECKING:
    import _csv

_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[\r\n]*', re.IGNORECASE)
_WORDS = {"tab": "\t", "\\t": "\t"}
_ASKED = 50

# The module has one limit for all of its readers; nothing else here reads CSV.
csv.field_size_limit(MOST_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Cut:
    """How lines become cells. `spaced`: there are spaces between separators and quotation marks."""

    separator: str
    escaped: bool = False
    spaced: bool = False

    def reader(self, lines: Iterable[str]) -> "_csv.Reader":
        """A reader of these lines. A quotation mark that never closes is no error to it; a cell that is too long is."""
        escape = "\\" if self.escaped else None
        return csv.reader(lines, delimiter=self.separator, escapechar=escape, skipinitialspace=self.spaced)


@dataclass(frozen=True, slots=True)
class _Vote:
    """For one separator: so many of the records asked are as wide as the column names or, without any, as most."""

    cut: Cut
    alike: int
    asked: int
    width: int
    named: bool

    @property
    def weight(self) -> tuple[float, int]:
        """The share of records that are alike. One that names the email column counts as half of all, if others are
        like it."""
        if self.width < 2:
            return 0, 0
        told = self.named and (self.alike > 1 or self.asked == 1)
        return self.alike / self.asked + (0.5 if told else 0), self.width


def separator_line(line: str) -> str | None:
    """The separator that a first line `sep=;` is there to say, as Excel does."""
    match = _SEPARATOR_LINE.fullmatch(line)
    return match[1] if match else None


def chosen_separator(written: str) -> str:
    """A separator as somebody wrote it, the tab by its name too. Raises `Problem` parameter_invalid."""
    separator = _WORDS.get(written.lower(), written)
    if len(separator) != 1 or separator not in SEPARATORS:
        told = say(
            "a comma, a semicolon, a tab (or the word tab) or a bar can separate columns. Leave it out to find out."
        )
        raise Problem("parameter_invalid", errors=[Detail(told, "invalid", "separator")])
    return separator


def cut_of(
    lines: Sequence[str], given: Choice | None, *, escaped: bool, is_email_name: IsEmailName
) -> tuple[Cut, Choice]:
    """How these first lines are cut, and why: with the separator that is given, or the one with which most records
    are equally wide."""
    if given is not None:
        return Cut(given.value, escaped, _is_spaced(lines, given.value)), given
    votes = [_vote(lines, separator, escaped=escaped, is_email_name=is_email_name) for separator in SEPARATORS]
    best = max(votes, key=lambda vote: vote.weight)
    if best.width < 2:
        return best.cut, Choice(best.cut.separator, say("no separator is in the first records, so there is one column"))
    return best.cut, Choice(best.cut.separator, _why(best))


def _why(best: _Vote) -> str:
    facts = {"asked": best.asked, "width": best.width}
    if best.alike == best.asked:
        return say("all of the first {asked} records have {width} columns with it", **facts)
    return say("{alike} of the first {asked} records have {width} columns with it", alike=best.alike, **facts)


def _vote(lines: Sequence[str], separator: str, *, escaped: bool, is_email_name: IsEmailName) -> _Vote:
    cut = Cut(separator, escaped, _is_spaced(lines, separator))
    records = _records(cut, lines)
    named = named_record(records[:SEARCHED], is_email_name)
    asked = [len(cells) for _, cells in records[named or 0 :]]
    width = asked[0] if named is not None else _usual(asked)
    return _Vote(cut, asked.count(width), len(asked), width, named is not None)


def _usual(widths: Sequence[int]) -> int:
    """The width of most records that have several columns; 1 when none has."""
    several = Counter(width for width in widths if width > 1)
    return max(several, key=lambda width: (several[width], width)) if several else 1


def _records(cut: Cut, lines: Sequence[str]) -> list[Record]:
    """The first records, up to one that cannot be read."""
    records: list[Record] = []
    try:
        for cells in cut.reader(lines):
            if len(records) == _ASKED or len(cells) > MOST_COLUMNS:
                break
            if any(cells):
                records.append((0, [*cells]))
    except csv.Error:
        pass
    return records


def _is_spaced(lines: Sequence[str], separator: str) -> bool:
    """Whether quotation marks open behind a space, where they would not count."""
    return any(separator + ' "' in line for line in lines) and any(
        isinstance(cell, str) and cell.startswith(' "')
        for _, cells in _records(Cut(separator), lines)
        for cell in cells
    )


def quotes_all(line: str, cells: Sequence[Cell], cut: Cut) -> bool:
    """Whether this line has every one of these cells in quotation marks."""
    quote = '\\"' if cut.escaped else '""'
    return line.rstrip("\r\n") == cut.separator.join('"' + str(cell).replace('"', quote) + '"' for cell in cells)


def line_end_of(lines: Sequence[str]) -> str:
    """The line end of most lines."""
    ends = Counter(line[len(line.rstrip("\r\n")) :] for line in lines)
    del ends[""]
    return ends.most_common(1)[0][0] if ends else "\r\n"
