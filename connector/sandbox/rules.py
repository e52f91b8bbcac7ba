"""The small rules that validation is built of: a rule takes a value and its path and yields what is wrong."""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

Rule = Callable[[Any, str], Iterator[str]]

# No white space, one @, a domain of dot-separated labels; Unicode is welcome.
EMAIL_PATTERN = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@.<>()\[\],;:\\\"/]+(\.[^\s@.<>()\[\],;:\\\"/]+)+")


def when(good: Callable[[Any], bool], complaint: str) -> Rule:
    """A value for which `good` holds."""

    def rule(value: Any, path: str) -> Iterator[str]:
        if not good(value):
            yield f"{path}: {complaint}"

    return rule


def fields(**known: Rule) -> Rule:
    """An object with none but the known fields, each by its rule."""

    def rule(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path or 'body'}: must be an object"
            return
        for name, item in value.items():
            where = f"{path}.{name}" if path else name
            yield from known[name](item, where) if name in known else [f"{where}: unknown field"]

    return rule


def each(item_rule: Rule) -> Rule:
    """A list, each item by the same rule."""

    def rule(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path}: must be a list"
            return
        for index, item in enumerate(value):
            yield from item_rule(item, f"{path}[{index}]")

    return rule


def one_of(*values: str) -> Rule:
    return when(lambda value: value in values, f"must be one of {', '.join(values)}")


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def is_scalar(value: object) -> bool:
    return isinstance(value, str | bool) or is_number(value)


def is_email(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 254 or not EMAIL_PATTERN.fullmatch(value):
        return False
    local = value.partition("@")[0]
    return not (local.startswith(".") or local.endswith(".") or ".." in local)


def is_url(value: object) -> bool:
    if not isinstance(value, str) or re.search(r"\s", value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
