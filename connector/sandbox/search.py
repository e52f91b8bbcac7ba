"""Searches in the contacts: reads the query of List People Profiles and finds the page it asks for."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .card import Person
from .criteria import OPERATORS, Condition, is_criterion, milliseconds, text_of, value_of
from .refusal import invalid
from .store import Store

Test = Callable[[Person], bool]
Item = TypeVar("Item")

# Crisp REST reference, List People Profiles: "between 20 and 50, defaults to 20".
SMALLEST_PAGE, LARGEST_PAGE = 20, 50
LAST_PAGE = 1_000_000_000
# What the quick search of Crisp's dashboard looks into.
QUICK = (
    "email",
    "segments",
    "person.nickname",
    "person.address",
    "person.employment.name",
    "person.geolocation.city",
    "person.geolocation.country",
    "company.name",
    "company.legal_name",
)
SHORT_NAMES = {"nickname": "person.nickname"}


@dataclass(frozen=True)
class Search:
    """A page of the contacts that pass every test, in an order: by default, as they were created."""

    page: int
    per_page: int
    tests: tuple[Test, ...]
    sort_field: str
    descending: bool

    def find(self, store: Store) -> list[Person]:
        start = (self.page - 1) * self.per_page
        if not self.tests and self.sort_field == "created_at" and not self.descending:
            return store.page(start, self.per_page)
        found = matching(store.everyone(), self.tests)
        found.sort(key=lambda person: order_of(value_of(person, self.sort_field)), reverse=self.descending)
        return found[start : start + self.per_page]


def matching(people: Iterable[Person], tests: Iterable[Test]) -> list[Person]:
    wanted = tuple(tests)
    return [person for person in people if all(test(person) for test in wanted)]


def order_of(value: object) -> tuple[int, float, str]:
    """Nothing first, then numbers, then text."""
    if value is None or value == []:
        return 0, 0, ""
    if isinstance(value, int | float):
        return 1, value, ""
    return 2, 0, ",".join(map(text_of, value)) if isinstance(value, list) else text_of(value)


def read_search(page: int, query: Mapping[str, str]) -> Search:
    """The search that the page number and the query string ask for."""
    sort_field = SHORT_NAMES.get(query.get("sort_field") or "", query.get("sort_field") or "created_at")
    if not is_criterion(sort_field):
        raise invalid([f"sort_field: cannot sort by {sort_field}"])
    return Search(
        page=checked_page(page),
        per_page=read_per_page(query.get("per_page")),
        tests=(*read_tests(query), *read_dates(query)),
        sort_field=sort_field,
        descending=choice(query, "sort_order", ("ascending", "descending")) == "descending",
    )


def checked_page(page: int) -> int:
    if not 1 <= page <= LAST_PAGE:
        raise invalid([f"page_number: must be from 1 to {LAST_PAGE}"])
    return page


def read_per_page(text: str | None) -> int:
    sizes = {str(size): size for size in range(SMALLEST_PAGE, LARGEST_PAGE + 1)}
    if text and text not in sizes:
        raise invalid([f"per_page: must be from {SMALLEST_PAGE} to {LARGEST_PAGE}"])
    return sizes[text] if text else SMALLEST_PAGE


def page_of(items: Sequence[Item], page: int) -> list[Item]:
    """A page of any other list."""
    start = (checked_page(page) - 1) * SMALLEST_PAGE
    return list(items[start : start + SMALLEST_PAGE])


def choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    """The first of the allowed words when none is given."""
    given = query.get(name) or allowed[0]
    if given not in allowed:
        raise invalid([f"{name}: must be one of {', '.join(allowed)}"])
    return given


def read_tests(query: Mapping[str, str]) -> list[Test]:
    """`search_filter` and `search_text`."""
    tests: list[Test] = []
    if query.get("search_filter"):
        conditions = read_filter(query["search_filter"])
        if choice(query, "search_operator", ("and", "or")) == "and":
            tests.extend(conditions)
        elif conditions:
            tests.append(lambda person: any(condition(person) for condition in conditions))
    if query.get("search_text"):
        tests.append(quick(query["search_text"]))
    return tests


def quick(text: str) -> Test:
    """The text anywhere in what the dashboard's quick search looks into."""
    conditions = [Condition(criterion, "has", (text,)) for criterion in QUICK]
    return lambda person: any(condition(person) for condition in conditions)


def read_dates(query: Mapping[str, str]) -> list[Test]:
    """`filter_date_start` and `filter_date_end`, both inclusive, of the profile's creation."""
    tests: list[Test] = []
    for name, operator in (("filter_date_start", "gte"), ("filter_date_end", "lte")):
        if query.get(name):
            moment = milliseconds(query[name])
            if moment is None:
                raise invalid([f"{name}: must be an ISO 8601 time"])
            tests.append(Condition("created_at", operator, (moment,)))
    return tests


def read_filter(text: str) -> list[Condition]:
    """JSON text: `[{"model": "people", "criterion": "email", "operator": "eq", "query": ["ada@example.com"]}]`."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid(["search_filter: must be JSON"]) from None
    if not isinstance(items, list):
        raise invalid(["search_filter: must be a list"])
    return [read_condition(item, f"search_filter[{index}]") for index, item in enumerate(items)]


def read_condition(item: Any, path: str) -> Condition:
    if not isinstance(item, dict):
        raise invalid([f"{path}: must be an object"])
    query = item.get("query")
    problems = [
        message
        for wrong, message in (
            (item.get("model") != "people", "model: must be people"),
            (not is_criterion(item.get("criterion")), "criterion: unknown"),
            (item.get("operator") not in OPERATORS, f"operator: must be one of {', '.join(OPERATORS)}"),
            (not isinstance(query, list) or not query, "query: must be a list that is not empty"),
        )
        if wrong
    ]
    if problems:
        raise invalid(f"{path}.{problem}" for problem in problems)
    return Condition(item["criterion"], item["operator"], tuple(item["query"]))


def batch_search(text: str) -> list[Test]:
    """`people.search` of the batch routes: a `search_filter`, or else a text for the quick search."""
    if text.lstrip().startswith("["):
        return list(read_filter(text))
    return [quick(text)]
