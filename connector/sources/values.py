"""Values: what sources do to those of their records, in one way."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from connector.convert import Given
from connector.convert.countries import country
from connector.convert.phone import phone
from connector.record import Value

_TRUTHS = {"0": False, "1": True, "false": False, "true": True}


def flat(payload: Mapping[str, Any], *, but: Collection[str] = (), prefix: str = "") -> dict[str, Value]:
    """The values of an object, those of objects inside with dots; lists of plain values stay, others are left out, and
    so are the names in `but`, at any depth."""
    found: dict[str, Value] = {}
    for key, value in payload.items():
        if key in but:
            continue
        if value is None or type(value) is str:  # nearly always
            found[prefix + key] = value
        elif isinstance(value, dict):
            found.update(flat(value, but=but, prefix=f"{prefix}{key}."))
        elif not isinstance(value, list) or not any(isinstance(member, dict | list) for member in value):
            found[prefix + key] = value
    return found


def objects(members: Any) -> list[dict[str, Any]]:
    """The objects of what may be a list of them."""
    return [member for member in members if isinstance(member, dict)] if isinstance(members, list) else []


def scalar(value: Any) -> str | int | float | bool | None:
    """A plain value; None for an object or a list."""
    return value if isinstance(value, str | int | float | bool) else None


def id_text(value: Any) -> str:
    """An id as text, whether it was sent as text or as a number; "" for anything else."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def number(value: Any) -> Value:
    """A number, also one that was sent as text; None for anything else."""
    try:
        read = (int(value) if value.isdecimal() else float(value)) if isinstance(value, str) else value
    except ValueError:
        return None
    return read if isinstance(read, int | float) and math.isfinite(read) else None


def truth(value: Any) -> bool | None:
    """`"1"`, `"0"`, 1, 0 and true or false in any writing; None for anything else."""
    written = value if type(value) is str else str(value)
    found = _TRUTHS.get(written)
    return _TRUTHS.get(written.strip().lower()) if found is None else found


def dial_abroad(values: dict[str, Value], places: Iterable[tuple[str, str]]) -> None:
    """Writes national numbers with their country's code where that is another than the record's, which is the first of
    these countries. `places`: the name of each phone, and of the country that it is in."""
    known = [(name, values[its]) for name, its in places if isinstance(values.get(its), str) and values[its]]
    for name, its in known:
        number_, code = values.get(name), country(str(its), Given()) if its != known[0][1] else None
        if code and isinstance(number_, str):
            values[name] = phone(number_, Given(str(code))) or number_
