"""Pauses: for how long somebody who answers asks not to be asked."""

import math
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

# Seconds.
_LONGEST = 86_400.0


def retry_after(header: str | None, date: str | None, clock: Callable[[], int]) -> float | None:
    """Seconds from `Retry-After`, as a number or a date; nonsense is None, a day is the most.

    A date is one by the clock of who answers (RFC 9110, 10.2.3 and 6.6.1): `date` tells what that says now, and
    `clock` stands in for it; this machine's may be wrong.
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        if (moment := http_date(header)) is None:
            return None
        now = http_date(date or "")
        seconds = moment - (clock() / 1000 if now is None else now)
    return min(max(seconds, 0.0), _LONGEST) if math.isfinite(seconds) else None


def http_date(date: str) -> float | None:
    """UNIX seconds of a date in a header, None for nonsense. One that says no zone is in UTC (RFC 9110, 5.6.7)."""
    try:
        said = parsedate_to_datetime(date)
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
