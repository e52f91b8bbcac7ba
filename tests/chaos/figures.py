"""Figures that the chaos suite prints, and how large it is: small in every test run, whole with CHAOS=full."""

import os
import time
from dataclasses import dataclass
from typing import Any

import pytest

FULL = os.environ.get("CHAOS") == "full"
_DAY = 86_400


def sized(small: int, full: int) -> int:
    """How many, in this run."""
    return full if FULL else small


def of_one_day(seconds: int) -> None:
    """Leaves a test out whose figures are of one day of the quota, which ends within so many seconds."""
    if time.time() % _DAY > _DAY - seconds:
        pytest.skip("LEFT OUT: the day of the quota ends while this runs")


@dataclass(frozen=True)
class Figure:
    """A promise's figure; printed, and then asserted. `met` is None where it is only shown beside another."""

    promise: str
    what: str
    value: Any
    goal: str
    met: bool | None

    def show(self) -> None:
        """Its line in the report."""
        mark = {True: "ok", False: "MISSED", None: "shown"}[self.met]
        value = f"{self.value:.4g}" if isinstance(self.value, float) else str(self.value)
        print(f"FIGURE | {self.promise:<5} | {self.what:<88} | {value:>6} | {self.goal:<31} | {mark}")


def report(*figures: Figure) -> None:
    """Prints all, then fails if one missed its goal."""
    print()
    for figure in figures:
        figure.show()
    missed = [figure.what for figure in figures if figure.met is False]
    assert not missed, missed
