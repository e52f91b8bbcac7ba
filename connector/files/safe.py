"""Cells that no spreadsheet takes for a formula, and the way back.

A spreadsheet runs a cell that begins with one of these marks (OWASP, CSV injection). An apostrophe before it makes it
text, which is also how spreadsheets themselves mark text; so one apostrophe before a mark means nothing in any file.
"""

import re

_MARKS = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(f"'*[{_MARKS}]")
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:[.,]\d{1,20})?")


def guarded(text: str) -> str:
    """The text as a cell that is no formula. `bare` gives it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def guarded_but_numbers(text: str) -> str:
    """The same, where the reader is a program that takes cells as they are: a number or a phone cannot do anything."""
    return text if _NUMBER.fullmatch(text) else guarded(text)


def bare(text: str) -> str:
    """What a cell says: without the one apostrophe that keeps it from being a formula."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text, 1) else text
