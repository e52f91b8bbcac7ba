"""What is known beside the value itself: the record's country, the sender's zone, the clock."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

DateOrder = Literal["dmy", "mdy"]


@dataclass(frozen=True, slots=True)
class Given:
    """`country`: ISO alpha-2 that reads national phones; `timezone`: IANA name for times without one;
    `date_order`: how this column writes 03/04/2024, when the column as a whole says so; `now`: the clock."""

    country: str | None = None
    timezone: str = "UTC"
    date_order: DateOrder | None = None
    now: datetime = datetime(2024, 1, 1, tzinfo=UTC)
