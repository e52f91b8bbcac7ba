"""Phone numbers as E.164."""

import math
import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from connector.convert.given import Given
from connector.convert.text import clean

_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?[eE]\+?\d+")
_LONGEST = 64


def phone(value: str | float | bool, given: Given) -> str | None:
    """E.164, or None. A number without `+` or `00` needs `given.country`.

    What is *possible* is kept, not only what is *valid*: numbering plans move faster than the library, and
    numbers for fiction are possible but not valid. A number of local length only, or in scientific notation
    (a spreadsheet has lost its digits), is refused.
    """
    written = _written(value)
    if not written or len(written) > _LONGEST or _SCIENTIFIC.fullmatch(written):
        return None
    try:
        number = phonenumbers.parse(written, given.country)
    except NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _written(value: str | float | bool) -> str:
    """The number's text: `tel:` and a spreadsheet's leading apostrophe removed, `00` read as `+`."""
    if isinstance(value, bool):
        return ""
    if not isinstance(value, str):
        return str(int(value)) if math.isfinite(value) and value == int(value) else ""
    written = clean(value).removeprefix("'")
    if written[:4].lower() == "tel:":
        written = written[4:]
    written = written.strip()
    return "+" + written[2:] if written.startswith("00") else written
