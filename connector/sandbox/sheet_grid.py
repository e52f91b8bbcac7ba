"""The cells of a stand-in sheet: ranges in A1 notation, reading and writing them, and new rows."""

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


def insert(grid: Grid, limits: list[int], start: int, end: int, *, inherits: bool) -> None:
    """New rows, from this one (from 0) to before that one."""
    if start > limits[0] or (start == limits[0] and not inherits):
        raise Unusable(f"range.startIndex must be less than the grid size ({limits[0]}) if inheritFromBefore is false.")
    if start == 0 and inherits:
        raise Unusable("inheritFromBefore cannot be true when inserting at the start.")
    grid.extend([] for _ in range(start - len(grid)))
    grid[start:start] = [[] for _ in range(start, end)]
    limits[0] += end - start
