"""Custom data: keys that Crisp takes, and values that it takes."""

import math
import re
from unicodedata import combining, normalize

from connector.convert.text import clean

_VALID = re.compile(r"[A-Za-z0-9_-]+")
_FOREIGN = re.compile(r"[^a-z0-9_-]+")
_LONGEST = 128


def data_key(name: str) -> str | None:
    """The key itself when Crisp takes it (letters, digits, `_`, `-`), else the nearest that it takes.

    `Company Name` → `company_name`, `Téléphone 2` → `telephone_2`; None when nothing is left of it.
    """
    if _VALID.fullmatch(name) and len(name) <= _LONGEST:
        return name
    folded = _FOREIGN.sub("_", _without_accents(name).casefold()).strip("_")
    return folded[:_LONGEST].rstrip("_") or None


def data_value(value: object) -> str | int | float | bool | None:
    """Text, number or boolean as Crisp takes it; a list of such becomes `a, b`; None when it cannot be one."""
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        members = [data_value(item) for item in value]
        return None if None in members else ", ".join(map(str, members))
    return None


def _number(value: float) -> int | float | None:
    """Whole numbers without their `.0`; NaN and infinity, which JSON cannot say, are no value."""
    if value.is_integer():
        return int(value)
    return value if math.isfinite(value) else None


def _without_accents(name: str) -> str:

    return "".join(char for char in normalize("NFKD", name) if not combining(char))
