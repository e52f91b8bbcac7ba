"""Time zones as Crisp counts them: minutes as JavaScript's getTimezoneOffset gives them (UTC+2 is -120)."""

import re
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from connector.convert.given import Given
from connector.convert.text import clean

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_FARTHEST = 14 * 60


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo | None:
    """The IANA zone of this name, or None."""
    try:
        return ZoneInfo(name)
    except (
        KeyError,
        ValueError,
        OSError,
    ):  # ZoneInfoNotFoundError is a KeyError; hostile names raise the others
        return None


def timezone(value: str | float | bool, given: Given) -> int | None:
    """Crisp's minutes from minutes (`-120`), an offset (`+02:00`, `UTC+2`) or a zone's name, as it is now there."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if abs(value) <= _FARTHEST and value == int(value) else None
    return _from_text(clean(value), given)


def _from_text(written: str, given: Given) -> int | None:
    if re.fullmatch(r"-?\d{1,3}", written):
        return timezone(int(written), given)
    if written.upper() in ("UTC", "GMT", "Z"):
        return 0
    if match := _OFFSET.fullmatch(written):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        return timezone(-minutes if match[1] == "+" else minutes, given)
    found = zone(written) if "/" in written else None
    offset = given.now.astimezone(found).utcoffset() if found else None
    return -int(offset / timedelta(minutes=1)) if offset is not None else None
