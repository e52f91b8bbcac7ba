"""A mapping that is chosen from lists: beside each name of the source, the contact field that it is to feed, or that it
is left out."""

from collections.abc import Mapping
from typing import Any

from connector.convert.keys import data_key


def chosen(given: Mapping[str, Any]) -> dict[str, str]:
    """Path → contact field, or `ignored`, of those that were chosen."""
    listed: Any = getattr(given, "getlist", lambda _: ())
    return {path: to for path, to in zip(listed("path"), listed("to"), strict=False) if to}


def mapping_of(given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Contact field, or `ignored`, → paths."""
    mapping: dict[str, list[str]] = {}
    for path, to in chosen(given).items():
        mapping.setdefault(to, []).append(path)
    return mapping


def key_of(path: str) -> str:
    """The custom data key that this name would be."""
    return f"data.{data_key(path) or 'value'}"
