"""Options: what somebody says about a file before it is read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """None: find out. `separator`: one of `,` `;` tab `|`. `encoding`: any name Python has for it. `header`: False: the
    file has no column names; a number: the line where they stand. `sheet`: the name of one of the workbook's."""

    separator: str | None = None
    encoding: str | None = None
    header: bool | int | None = None
    sheet: str | None = None
