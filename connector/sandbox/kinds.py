"""What a switch may hold: callables that take a value from the command line or from JSON and clean it."""

import math
from dataclasses import dataclass

from .rules import is_url


@dataclass(frozen=True)
class Text:
    """A text that is not empty; `optional` allows none (also as the word)."""

    optional: bool = False

    @property
    def label(self) -> str:
        return "TEXT" + ("|none" if self.optional else "")

    def __call__(self, value: object) -> str | None:
        if self.optional and (value is None or value == "none"):
            return None
        if not isinstance(value, str) or not value.strip():
            raise ValueError("must be a text that is not empty" + (", or none" if self.optional else ""))
        return value


@dataclass(frozen=True)
class Url:
    """An http or https address, or none."""

    @property
    def label(self) -> str:
        return "URL|none"

    def __call__(self, value: object) -> str | None:
        if value is None or value == "none":
            return None
        if not isinstance(value, str) or not is_url(value):
            raise ValueError("must be an http or https address, or none")
        return value


@dataclass(frozen=True)
class Number:
    """A number between two bounds; `optional` allows none (also as the word) for "no such limit"."""

    kind: type[int] | type[float]
    minimum: float = 0
    maximum: float = math.inf
    optional: bool = False

    @property
    def label(self) -> str:
        return ("INTEGER" if self.kind is int else "NUMBER") + ("|none" if self.optional else "")

    def __call__(self, value: object) -> float | None:
        if self.optional and (value is None or value == "none"):
            return None
        try:
            number = self.kind(str(value))
        except ValueError:
            raise ValueError(self.rule) from None
        if not (self.minimum <= number <= self.maximum and math.isfinite(number)):
            raise ValueError(self.rule)
        return number

    @property
    def rule(self) -> str:
        bounds = f"from {self.minimum:g}" + ("" if self.maximum == math.inf else f" to {self.maximum:g}")
        noun = "a whole number" if self.kind is int else "a number"
        return f"must be {noun} {bounds}" + (", or none" if self.optional else "")


@dataclass(frozen=True)
class OneOf:
    """One of a few values."""

    values: tuple[str | int, ...]

    @property
    def label(self) -> str:
        return "|".join(map(str, self.values))

    def __call__(self, value: object) -> str | int:
        for allowed in self.values:
            if str(value) == str(allowed):
                return allowed
        raise ValueError(f"must be one of {', '.join(map(str, self.values))}")


Kind = Text | Url | Number | OneOf
