"""Reading: from a file on disk to a table. What the file is, its bytes decide; its name is never asked."""

from pathlib import Path

from connector.errors import Detail, Problem
from connector.files import delimited, workbook
from connector.files.layout import IsEmailName
from connector.files.limits import LIMITS, Limits
from connector.files.options import ReadOptions
from connector.files.table import Table
from connector.files.unpack import unpacked
from connector.manifest import shipped
from connector.saying import say

__all__ = ["ReadOptions", "read_table"]

_NOTHING_SAID = ReadOptions()


def is_email_name(name: str) -> bool:
    """Whether this is a name of the email column, by the aliases of `fields.json`."""
    return shipped().names.field_of(name) == "email"


def read_table(
    path: Path,
    options: ReadOptions = _NOTHING_SAID,
    *,
    is_email_name: IsEmailName = is_email_name,
    limits: Limits = LIMITS,
) -> Table:
    """The table in a file: CSV in any encoding, separator and quoting; XLSX, XLS or ODS; gzipped or alone in a ZIP.

    Close it, or let it go, to give back what it holds. Raises `Problem`, with a code of `files.codes` (or
    parameter_invalid for an option that cannot be), and `OSError` when the file cannot be opened.
    """
    content, kind = unpacked(path, limits)
    try:
        _check(options, kind)
        if kind == "text":
            return delimited.table_of(content, options, is_email_name)
        return workbook.table_of(content, kind, options, is_email_name, limits)
    except BaseException:
        content.close()
        raise


def _check(options: ReadOptions, kind: str) -> None:
    """Raises `Problem` parameter_invalid for what a file of this kind cannot have."""
    if kind == "text":
        wrong, told = {"sheet"}, say("this file is text, which has no sheets. Leave it out.")
    else:
        wrong, told = {"separator", "encoding"}, say("this file is a workbook, which has none. Leave it out.")
    errors = [Detail(told, "invalid", name) for name in sorted(wrong) if getattr(options, name) is not None]
    if errors:
        raise Problem("parameter_invalid", errors=errors)
