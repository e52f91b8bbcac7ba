"""One condition of a search: a criterion of a contact, an operator and what it is compared with. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .card import Person

TOP_LEVEL = ("people_id", "email", "segments", "notepad", "created_at", "updated_at", "active", "score")
NESTED = re.compile(r"(person|company|data)\.[A-Za-z0-9_.-]+")


def is_criterion(name: object) -> bool:
    """A path of the card: `email`, `segments`, `person.nickname`, `company.name`, `data.KEY`, …"""
    return isinstance(name, str) and (name in TOP_LEVEL or bool(NESTED.fullmatch(name)))


def value_of(person: Person, criterion: str) -> Any:
    """What the contact has there; None when there is nothing."""
    if criterion in ("people_id", "created_at", "updated_at"):
        return getattr(person, criterion)
    if criterion in ("active", "score"):
        return person.active_at if criterion == "active" else 0
    if criterion.startswith("data."):
        return person.data.get(criterion.removeprefix("data."))
    value: Any = person.card
    for name in criterion.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).casefold()


def number_of(value: object) -> float | None:
    """A number, also when it is written as text, or an ISO 8601 time in milliseconds."""
    try:
        return float(str(value))
    except ValueError:
        return milliseconds(str(value))


def milliseconds(text: str) -> float | None:
    """An ISO 8601 time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp() * 1000


def equal(value: object, wanted: object) -> bool:
    return text_of(value) == text_of(wanted)


def contains(value: object, wanted: object) -> bool:
    return text_of(wanted) in text_of(value)


def compared(holds: Callable[[float, float], bool]) -> Callable[[object, object], bool]:
    def test(value: object, wanted: object) -> bool:
        left, right = number_of(value), number_of(wanted)
        return left is not None and right is not None and holds(left, right)

    return test


# eq and has are what Crisp's own clients and dashboard send; the others are the natural rest.
POSITIVE: dict[str, Callable[[object, object], bool]] = {
    "eq": equal,
    "has": contains,
    "gt": compared(lambda left, right: left > right),
    "gte": compared(lambda left, right: left >= right),
    "lt": compared(lambda left, right: left < right),
    "lte": compared(lambda left, right: left <= right),
}
NEGATIVE = {"neq": "eq", "nhas": "has"}
OPERATORS = (*POSITIVE, *NEGATIVE)


@dataclass(frozen=True)
class Condition:
    """True when any value the contact has there stands in this relation to any value of the query."""

    criterion: str
    operator: str
    query: tuple[Any, ...]

    def __call__(self, person: Person) -> bool:
        found = value_of(person, self.criterion)
        values = found if isinstance(found, list) else [] if found is None else [found]
        test = POSITIVE[NEGATIVE.get(self.operator, self.operator)]
        matched = any(test(value, wanted) for value in values for wanted in self.query)
        return matched != (self.operator in NEGATIVE)
