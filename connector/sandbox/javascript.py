"""JSON text exactly as JavaScript's `JSON.stringify` writes it (ECMA-262, SerializeJSONProperty and Number::toString).

Crisp's signatures are made over such a text and its official client writes the body anew to verify one, so a number
or a key that is written differently would look like a forgery.
"""

import json
import re
from decimal import Decimal
from typing import Any

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# An array index: such keys come first in a JavaScript object, in ascending order.
INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
LARGEST_INDEX = 2**32 - 2


def stringify(value: Any) -> str:
    """The text of a value that came from JSON."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{text(key)}:{stringify(value[key])}" for key in ordered(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(stringify, value)) + "]"
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return number(value)


def text(value: str) -> str:
    """Only what must be escaped is, and halves of surrogate pairs."""
    return LONE_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False))


def ordered(keys: dict[str, Any]) -> list[str]:
    indexes = [key for key in keys if INDEX.fullmatch(key) and int(key) <= LARGEST_INDEX]
    return sorted(indexes, key=int) + [key for key in keys if key not in set(indexes)]


def number(value: float) -> str:
    """A number as a double is written: `1` for 1.0, `1e+21` from there on; one that is too large is null."""
    try:
        double = float(value)
    except OverflowError:
        return "null"
    if double == 0:
        return "0"
    return ("-" if double < 0 else "") + positive(abs(double))


def positive(double: float) -> str:
    """The shortest digits that mean this double, and where the point is among them."""
    parts = Decimal(repr(double)).normalize().as_tuple()
    digits = "".join(map(str, parts.digits))
    point = len(digits) + int(parts.exponent)
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{mantissa}e{point - 1:+d}"
