"""Crisp's id of a person, checked before it becomes part of an address."""

import re

_PEOPLE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def people_id(written: str) -> str | None:
    """The id itself, or None when it cannot be one: `..` would lead a call elsewhere."""
    return written if _PEOPLE_ID.fullmatch(written) else None
