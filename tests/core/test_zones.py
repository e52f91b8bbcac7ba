"""Time zones become Crisp's minutes: UTC+2 is -120, as JavaScript counts."""

from datetime import UTC, datetime

import pytest

from connector.convert import Given, Scalar
from connector.convert.zones import timezone, zone

WINTER, SUMMER = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (-120, -120),
        (-120.0, -120),
        ("-120", -120),
        ("330", 330),
        (0, 0),
        ("UTC", 0),
        ("gmt", 0),
        ("Z", 0),
        ("+02:00", -120),
        ("-05:00", 300),
        ("+0530", -330),
        ("+2", -120),
        ("UTC+2", -120),
        ("GMT-03:30", 210),
        ("+14:00", -840),
        ("Asia/Kolkata", -330),
        ("Etc/UTC", 0),
    ],
)
def test_minutes_offsets_and_zones(written: Scalar, expected: int) -> None:
    assert timezone(written, Given()) == expected


@pytest.mark.parametrize(("now", "expected"), [(WINTER, -60), (SUMMER, -120)])
def test_a_zones_name_gives_the_minutes_that_hold_there_now(now: datetime, expected: int) -> None:
    assert timezone("Europe/Paris", Given(now=now)) == expected


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Paris",
        "Nowhere/Land",
        "../../etc/passwd",
        "/etc/passwd",
        "Europe/Paris\x00/x",
        "Europe/",
        "+15:00",
        "+02:75",
        "9999",
        -900,
        841,
        1.5,
        float("nan"),
        float("inf"),
        True,
        "America/" + "x" * 300,
    ],
)
def test_what_is_no_zone(written: Scalar) -> None:
    assert timezone(written, Given()) is None


@pytest.mark.parametrize("name", ["", "..", "/", "a\x00b", "Europe", "é/é", "x" * 5000])
def test_hostile_zone_names_are_no_zone(name: str) -> None:
    assert zone(name) is None
