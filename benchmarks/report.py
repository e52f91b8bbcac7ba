"""A measured figure beside its goal."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` against `goal`; a figure without a goal is only shown. `on`: the database that it is about, if any is."""

    what: str
    value: float
    unit: str = "×"
    goal: float | None = None
    better: Literal["more", "less"] = "more"
    beside: str = ""
    on: str = ""

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.better == "more" else self.value <= self.goal

    def __str__(self) -> str:
        sign = "≥" if self.better == "more" else "≤"
        goal = "" if self.goal is None else f"goal {sign} {self.goal:g}  {'ok' if self.met else 'MISSED'}"
        return f"{self.what:<58} {self.on:<10} {self.value:>8.2f} {self.unit:<3} {goal:<20} {self.beside}".rstrip()
