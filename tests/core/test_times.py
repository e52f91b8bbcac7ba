"""Times: from whatever a sender writes to RFC 3339 in UTC, or nothing when there are two readings."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.convert import Given, Scalar
from connector.convert.given import DateOrder
from connector.convert.times import ColumnOrder, from_milliseconds, instant, milliseconds, shown, time


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("2024-05-02T09:14:33Z", "2024-05-02T09:14:33Z", id="rfc-3339"),
        pytest.param("2024-05-02t09:14:33z", "2024-05-02T09:14:33Z", id="lower-case"),
        pytest.param("2024-05-02T11:14:33+02:00", "2024-05-02T09:14:33Z", id="offset"),
        pytest.param("2020-08-14T14:09:10-0200", "2020-08-14T16:09:10Z", id="offset-without-colon"),
        pytest.param("2024-05-02T09:14:33.000+0000", "2024-05-02T09:14:33Z", id="salesforce"),
        pytest.param("2024-05-02T09:14:33+00:00", "2024-05-02T09:14:33Z", id="no-offset-with-colon"),
        pytest.param("2024-05-02 09:14:33", "2024-05-02T09:14:33Z", id="mysql"),
        pytest.param("2024-05-02T09:14:33.0004+0000", "2024-05-02T09:14:33Z", id="less-than-a-millisecond"),
        pytest.param("2024-05-02T09:14:33.250Z", "2024-05-02T09:14:33.250Z", id="milliseconds-kept"),
        pytest.param("2024-05-02T09:14:33.000Z", "2024-05-02T09:14:33Z", id="zero-fraction-dropped"),
        pytest.param("2024-05-02T09:14:33.123456789Z", "2024-05-02T09:14:33.123Z", id="nanoseconds-cut"),
        pytest.param("2024-05-02T09:14:33", "2024-05-02T09:14:33Z", id="no-offset-is-utc"),
        pytest.param("2024-05-02 09:14", "2024-05-02T09:14:00Z", id="space-and-no-seconds"),
        pytest.param("2024-05-02", "2024-05-02T00:00:00Z", id="date-is-midnight-utc"),
        pytest.param(1714641273, "2024-05-02T09:14:33Z", id="unix-seconds"),
        pytest.param("1714641273", "2024-05-02T09:14:33Z", id="unix-seconds-as-text"),
        pytest.param(1714641273.25, "2024-05-02T09:14:33.250Z", id="unix-seconds-with-fraction"),
        pytest.param(1714641273250, "2024-05-02T09:14:33.250Z", id="unix-milliseconds"),
        pytest.param("1714641273250", "2024-05-02T09:14:33.250Z", id="unix-milliseconds-as-text"),
        pytest.param(45000.5, "2023-03-15T12:00:00Z", id="sheets-serial"),
        pytest.param("45979.6351967593", "2025-11-18T15:14:41Z", id="sheets-serial-as-text"),
        pytest.param(20000, "1954-10-03T00:00:00Z", id="lowest-serial"),
        pytest.param("/Date(1506384247000)/", "2017-09-26T00:04:07Z", id="microsoft"),
        pytest.param("/Date(1506384247000+0200)/", "2017-09-26T00:04:07Z", id="microsoft-offset-is-only-the-zone"),
        pytest.param("/Date(-86400000)/", "1969-12-31T00:00:00Z", id="microsoft-before-1970"),
        pytest.param("25/05/2024", "2024-05-25T00:00:00Z", id="day-over-12-first"),
        pytest.param("5/25/2024", "2024-05-25T00:00:00Z", id="day-over-12-second"),
        pytest.param("25-05-2024", "2024-05-25T00:00:00Z", id="dashes"),
        pytest.param("05.02.2024", "2024-02-05T00:00:00Z", id="dots-are-day-first"),
        pytest.param("04/04/2024", "2024-04-04T00:00:00Z", id="both-equal"),
        pytest.param("25/05/2024 14:03:11", "2024-05-25T14:03:11Z", id="with-a-time"),
        pytest.param("5/25/2024, 2:03 PM", "2024-05-25T14:03:00Z", id="afternoon"),
        pytest.param("5/25/2024 12:03 AM", "2024-05-25T00:03:00Z", id="midnight-half"),
        pytest.param("25/05/24", "2024-05-25T00:00:00Z", id="short-year"),
        pytest.param("12 Mar 2024", "2024-03-12T00:00:00Z", id="month-in-letters"),
        pytest.param("7-Feb-22", "2022-02-07T00:00:00Z", id="linkedin"),
        pytest.param("March 12, 2024 9:14 AM", "2024-03-12T09:14:00Z", id="american-words"),
        pytest.param("Thu, 02 May 2024 11:14:33 +0200", "2024-05-02T09:14:33Z", id="rfc-2822"),
        pytest.param("\u00a02024-05-02\u200b", "2024-05-02T00:00:00Z", id="invisible-characters"),
    ],
)
def test_one_reading_becomes_rfc_3339_utc(written: Scalar, expected: str) -> None:
    assert time(written, Given()) == expected


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("05/02/2024", id="two-readings"),
        pytest.param("5-2-2024 10:00", id="two-readings-with-a-time"),
        pytest.param("31/31/2024", id="no-reading"),
        pytest.param("31.02.2024", id="no-such-day"),
        pytest.param("2024-02-30", id="no-such-day-iso"),
        pytest.param("2024-13-01", id="no-such-month"),
        pytest.param("2024-05-02T25:00:00Z", id="no-such-hour"),
        pytest.param("0000-00-00", id="null-date"),
        pytest.param("0/0/00", id="null-date-short"),
        pytest.param("0001-01-01", id="year-1"),
        pytest.param("--03-07", id="year-unknown"),
        pytest.param("yesterday", id="words"),
        pytest.param("May", id="month-alone"),
        pytest.param("2024", id="year-alone"),
        pytest.param(12, id="small-number"),
        pytest.param(19999, id="below-serials"),
        pytest.param(80001, id="above-serials"),
        pytest.param(99_999_999, id="below-seconds"),
        pytest.param(5e10, id="between-seconds-and-milliseconds"),
        pytest.param(1e14, id="above-milliseconds"),
        pytest.param(-1714641273, id="negative"),
        pytest.param(True, id="boolean"),
        pytest.param(float("nan"), id="not-a-number"),
        pytest.param(float("inf"), id="infinite"),
        pytest.param("/Date(999999999999999)/", id="microsoft-out-of-range"),
        pytest.param("9999-12-31T23:59:59-14:00", id="beyond-the-calendar"),
        pytest.param("", id="blank"),
    ],
)
def test_no_or_two_readings_give_nothing(written: Scalar) -> None:
    assert time(written, Given()) is None


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        pytest.param("2024-07-01 09:00", "Europe/Paris", "2024-07-01T07:00:00Z", id="summer"),
        pytest.param("2024-01-01 09:00", "Europe/Paris", "2024-01-01T08:00:00Z", id="winter"),
        pytest.param("25/07/2024 09:00", "Europe/Paris", "2024-07-25T07:00:00Z", id="day-first"),
        pytest.param("March 12, 2024 9:14 AM", "America/New_York", "2024-03-12T13:14:00Z", id="words"),
        pytest.param("2024-07-01T09:00:00+00:00", "Europe/Paris", "2024-07-01T09:00:00Z", id="own-offset-wins"),
        pytest.param(1714641273, "Europe/Paris", "2024-05-02T09:14:33Z", id="unix-has-a-zone"),
        pytest.param("2024-07-01 09:00", "Nowhere/Land", "2024-07-01T09:00:00Z", id="unknown-zone-is-utc"),
    ],
)
def test_a_time_without_zone_is_read_in_the_senders(written: Scalar, zone: str, expected: str) -> None:
    assert time(written, Given(timezone=zone)) == expected


@pytest.mark.parametrize(
    ("order", "written", "expected"),
    [
        ("dmy", "05/02/2024", "2024-02-05T00:00:00Z"),
        ("mdy", "05/02/2024", "2024-05-02T00:00:00Z"),
        pytest.param("mdy", "25/05/2024", "2024-05-25T00:00:00Z", id="its-own-proof-beats-the-column"),
        pytest.param("mdy", "05.02.2024", "2024-02-05T00:00:00Z", id="dots-beat-the-column"),
    ],
)
def test_the_column_decides_where_the_value_does_not(order: DateOrder, written: str, expected: str) -> None:
    assert time(written, Given(date_order=order)) == expected


@pytest.mark.parametrize(
    ("column", "order"),
    [
        (["03/04/2024", "25/04/2024"], "dmy"),
        (["03/04/2024", "04/25/2024"], "mdy"),
        (["03.04.2024"], "dmy"),
        (["03/04/2024", "05/06/2024"], None),
        pytest.param(["25/04/2024", "04/25/2024"], None, id="both-kinds"),
        (["2024-04-25", "words"], None),
        ([], None),
    ],
)
def test_a_column_proves_its_order(column: list[str], order: DateOrder | None) -> None:
    learnt = ColumnOrder()
    for written in column:
        learnt.see(written)
    assert learnt.order == order


MOMENTS = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS)
def test_what_is_shown_reads_as_the_same_millisecond(moment: datetime) -> None:
    cut = moment - timedelta(microseconds=moment.microsecond % 1000)
    assert instant(shown(moment), Given()) == cut
    assert from_milliseconds(milliseconds(shown(moment))) == shown(moment)


@given(st.text(max_size=40) | st.text("0123456789/.-: TZ+APMa", max_size=40) | st.floats() | st.integers())
def test_any_scalar_is_a_time_or_nothing(written: Scalar) -> None:
    found = time(written, Given(date_order="dmy"))
    assert found is None or time(found, Given()) == found
