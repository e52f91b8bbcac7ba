"""Points in time: from whatever a sender writes to RFC 3339 in UTC."""

import math
import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

from dateutil import parser as textual

from connector.convert.given import DateOrder, Given
from connector.convert.text import clean
from connector.convert.zones import zone

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?\s?(?:Z|[+-]\d\d(?::?\d\d)?)?)?", re.IGNORECASE
)
# What most systems write, and what `time` gives.
_USUAL = re.compile(
    r"[1-9]\d{3}-\d\d-\d\d[T ](?:[01]\d|2[0-3]):\d\d:\d\d(?:\.0{1,6}(?!\d)|(?P<fraction>\.\d{1,6}))?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
# What says that a time is in UTC already: an offset, or the zone of times without one.
_OF_UTC = ("Z", "+00:00", "+0000", "UTC")
_MICROSOFT = re.compile(r"/Date\((-?\d{1,14})(?:[+-]\d{4})?\)/")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CLOCK = r"(?:,?\s+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?\s*(?P<half>[AaPp][Mm])?)?"
_NUMERIC = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[/.\-])(?P<second_part>\d{1,2})(?P=mark)(?P<year>\d{4}|\d\d)" + _CLOCK
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_WORDS = re.compile(
    rf"(?:(?:\d{{1,2}}[\s-]+{_MONTH}[\s,-]+\d{{2,4}})|(?:{_MONTH}\s+\d{{1,2}},?\s+\d{{4}})){_CLOCK}",
    re.IGNORECASE,
)
_RFC_2822 = re.compile(r"(?:[A-Za-z]{3},\s*)?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(?::\d\d)? (?:[+-]\d{4}|GMT|UT)")

# Ranges that cannot be confused: days since 1899-12-30, seconds, milliseconds.
_SERIAL, _SECONDS, _MILLISECONDS = (20_000, 80_000), (1e8, 1e10), (1e11, 1e13)
_SHEET_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time(value: str | float | bool, given: Given) -> str | None:
    """RFC 3339 in UTC, milliseconds only when there are any; None when it reads in no way or in two ways.

    Understood: ISO 8601, RFC 2822, UNIX seconds and milliseconds, spreadsheet serials, `/Date(ms±hhmm)/`,
    `12 Mar 2024`, and day/month/year or month/day/year where only one reading is possible or the column
    as a whole decides (`given.date_order`). A time without a zone is read in `given.timezone`.
    """
    if isinstance(value, str) and (usual := _USUAL.fullmatch(value)) and (found := _usual(value, usual, given)):
        return found
    moment = instant(value, given)
    return None if moment is None else shown(moment)


def _usual(written: str, usual: re.Match[str], given: Given) -> str | None:
    """The same point in time as `shown` writes it, when there is such a day and time."""
    try:
        moment = datetime.fromisoformat(written)
        if usual["fraction"] is None and (usual["zone"] or given.timezone) in _OF_UTC:
            return f"{written[:10]}T{written[11:19]}Z"
        return shown(_zoned(moment, given))
    except (ValueError, OverflowError):
        return None


def shown(moment: datetime) -> str:
    """`2024-05-02T09:14:05.120Z`, without the fraction when it is zero."""
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def milliseconds(rfc3339: str) -> int:
    """UNIX milliseconds of a time as `shown` writes it."""
    return (datetime.fromisoformat(rfc3339) - _UNIX_EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(value: float) -> str:
    """The inverse of `milliseconds`."""
    return shown(_UNIX_EPOCH + timedelta(milliseconds=int(value)))


def moment_of(value: float | None) -> str | None:
    """The same of a moment that there may not be."""
    return None if value is None else from_milliseconds(value)


def instant(value: str | float | bool, given: Given) -> datetime | None:
    """The moment in UTC that `time` shows."""
    if isinstance(value, bool):
        return None
    try:
        found = _from_text(clean(value), given) if isinstance(value, str) else _from_number(value)
        return None if found is None or found.year < 1000 else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class ColumnOrder:
    """Whether a column writes days or months first, learnt value by value."""

    def __init__(self) -> None:
        self._told: set[DateOrder] = set()

    def see(self, written: str) -> None:
        """One value of the column."""
        if order := _order_of(clean(written)):
            self._told.add(order)

    @property
    def order(self) -> DateOrder | None:
        """`dmy`, `mdy`, or None where the values do not agree or tell."""
        return next(iter(self._told)) if len(self._told) == 1 else None


def _from_number(value: float) -> datetime | None:
    if not math.isfinite(value):
        return None
    if _SERIAL[0] <= value <= _SERIAL[1]:
        # Sheets keeps about a millisecond of precision in the fraction of a day.
        return _SHEET_EPOCH + timedelta(milliseconds=round(value * 86_400_000))
    if _SECONDS[0] <= value <= _SECONDS[1]:
        return _UNIX_EPOCH + timedelta(seconds=value)
    if _MILLISECONDS[0] <= value <= _MILLISECONDS[1]:
        return _UNIX_EPOCH + timedelta(milliseconds=value)
    return None


def _from_text(written: str, given: Given) -> datetime | None:
    if _ISO.fullmatch(written):
        return _zoned(datetime.fromisoformat(written.upper().replace(",", ".").replace(" Z", "Z")), given)
    if _NUMBER.fullmatch(written) and len(written) <= 20:
        return _from_number(float(written))
    if match := _MICROSOFT.fullmatch(written):
        # The milliseconds are UTC already; the offset only tells the sender's zone (Microsoft's JSON dates).
        return _UNIX_EPOCH + timedelta(milliseconds=int(match[1]))
    if _RFC_2822.fullmatch(written):
        return _zoned(parsedate_to_datetime(written), given)
    if match := _NUMERIC.fullmatch(written):
        return _numeric(match, given)
    if _WORDS.fullmatch(written):
        return _zoned(textual.parse(written), given)
    return None


def _zoned(moment: datetime, given: Given) -> datetime:
    here: tzinfo = zone(given.timezone) or UTC
    return moment if moment.tzinfo else moment.replace(tzinfo=here)


def _order_of(written: str) -> DateOrder | None:
    """Which order this one date proves: a part over 12, or dots (day first wherever dots are used)."""
    match = _NUMERIC.fullmatch(written)
    if not match:
        return None
    first, second = int(match["first"]), int(match["second_part"])
    if match["mark"] == "." or first > 12:
        return "dmy"
    return "mdy" if second > 12 else None


def _numeric(match: re.Match[str], given: Given) -> datetime | None:
    first, second = int(match["first"]), int(match["second_part"])
    order = _order_of(match[0]) or ("dmy" if first == second else given.date_order)
    if order is None:
        return None
    day, month = (first, second) if order == "dmy" else (second, first)
    year = int(match["year"])
    calendar = date(year if year > 99 else 2000 + year if year < 70 else 1900 + year, month, day)
    return _zoned(datetime(calendar.year, calendar.month, calendar.day, *_clock(match)), given)  # noqa: DTZ001 zoned here


def _clock(match: re.Match[str]) -> tuple[int, int, int]:
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
    return hour, minute, second
