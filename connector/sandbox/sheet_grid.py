"""The cells of a stand-in sheet: ranges in A1 notation, reading and writing them, and where a table ends."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Grid = list[list[Any]]

_LONGEST_CELL = 50_000
_RANGE = re.compile(
    r"(?:(?P<title>'(?:[^']|'')+'|[^!']+)!)?(?P<left>[A-Z]*)(?P<top>\d*)(?P<to>:(?P<right>[A-Z]*)(?P<bottom>\d*))?"
)


class Unusable(ValueError):
    """What Google answers 400: no such range, or no such cell."""


@dataclass(frozen=True)
class Cells:
    """A range: rows and columns from 0, the ends included; None: to the sheet's end."""

    title: str
    top: int
    left: int
    bottom: int | None
    right: int | None


def cells_in(limits: Mapping[str, Sequence[int]], written: str) -> Cells:
    """A range, without a title of the first sheet. `limits`: title → rows and columns that there are."""
    found = _RANGE.fullmatch(written)
    if found is None or not (found["left"] or found["top"]):
        raise Unusable(f"Unable to parse range: {written}")
    title = (found["title"] or next(iter(limits))).removeprefix("'").removesuffix("'").replace("''", "'")
    if title not in limits:
        raise Unusable(f"Unable to parse range: {written}")
    top, left = int(found["top"] or 1) - 1, _number(found["left"] or "A") - 1
    bottom, right = (top, left) if not found["to"] else (None, None)
    if found["bottom"]:
        bottom = int(found["bottom"]) - 1
    if found["right"]:
        right = _number(found["right"]) - 1
    rows, columns = limits[title]
    if max(top, bottom or 0) >= rows or max(left, right or 0) >= columns:
        raise Unusable(f"Range ({written}) exceeds grid limits. Max rows: {rows}, max columns: {columns}")
    return Cells(title, top, left, bottom, right)


def name_of(row: int, column: int) -> str:
    """A cell, counted from 0, in A1 notation."""
    letters, column = "", column + 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(65 + digit) + letters
    return f"{letters}{row + 1}"


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def read(grid: Grid, cells: Cells) -> Grid:
    """The rows, without empty cells and rows at their ends."""
    rows = grid[cells.top : None if cells.bottom is None else cells.bottom + 1]
    right = None if cells.right is None else cells.right + 1
    return _trimmed([_trimmed(row[cells.left : right], "") for row in rows], [])


def _trimmed(values: list[Any], empty: Any) -> list[Any]:
    kept = list(values)
    while kept and kept[-1] == empty:
        kept.pop()
    return kept


def put(grid: Grid, top: int, left: int, rows: Grid, option: str) -> None:
    """Writes cells; null leaves one as it is. `USER_ENTERED` makes formulas of what looks like one."""
    if option not in ("RAW", "USER_ENTERED"):
        raise Unusable("'valueInputOption' is required but not specified")
    for number, row in enumerate(rows, top):
        grid.extend([] for _ in range(number + 1 - len(grid)))
        grid[number].extend("" for _ in range(left + len(row) - len(grid[number])))
        for place, value in enumerate(row, left):
            if isinstance(value, list | dict) or (isinstance(value, str) and len(value) > _LONGEST_CELL):
                raise Unusable("Invalid values")
            if value is not None:
                is_formula = option == "USER_ENTERED" and str(value).startswith(("=", "+"))
                grid[number][place] = "#ERROR!" if is_formula else value


def below(grid: Grid, asked: Cells) -> tuple[int, int]:
    """Row and column where the table in this range goes on: below all cells that hang together with it, at their first
    column, as Google's guide on appending says. Where there is none, the range's first cell."""
    right = asked.left if asked.right is None else asked.right
    filled = [place for place in range(asked.left, right + 1) if _filled(grid, asked.top, place, place)]
    if not filled:
        return asked.top, asked.left
    top, left, bottom, right = asked.top, filled[0], asked.top, filled[-1]
    before = None
    while before != (top, left, bottom, right):
        before = (top, left, bottom, right)
        while _filled(grid, bottom + 1, left - 1, right + 1):
            bottom += 1
        while _filled(grid, top - 1, left - 1, right + 1):
            top -= 1
        while any(_filled(grid, row, left - 1, left - 1) for row in range(top - 1, bottom + 2)):
            left -= 1
        while any(_filled(grid, row, right + 1, right + 1) for row in range(top - 1, bottom + 2)):
            right += 1
    return bottom + 1, left


def _filled(grid: Grid, row: int, left: int, right: int) -> bool:
    """Whether one of these cells of a row holds something."""
    return 0 <= row < len(grid) and any(value != "" for value in grid[row][max(left, 0) : max(right + 1, 0)])
