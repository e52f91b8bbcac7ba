"""Where the values of a record go: each of its names, the contact fields that it may feed, and what stands there."""

from collections.abc import Iterator
from typing import Any

from connector.manifest import Manifest, Source
from connector.mapping.layout import UserMapping, layout_of
from connector.mapping.pick import is_blank
from connector.record import Record, Value

_LONGEST = 200


def places(record: Record, source: Source, manifest: Manifest, mapping: UserMapping) -> list[dict[str, Any]]:
    """`{path, fields, value}` of each name that says something, in the record's order; no fields: it goes nowhere."""
    layout = layout_of(record, source, manifest, mapping)
    fed: dict[str, list[str]] = {}
    for key, slots in layout.slots.items():
        for slot in slots:
            for name in (slot.name, *(slot.read.lines if slot.read and slot.read.lines else ())):
                fed.setdefault(name, []).append(key)
    for each in layout.data:
        fed.setdefault(each.name, []).append(f"data.{each.written}")
    return [
        {"path": name, "fields": list(dict.fromkeys(fed.get(name, ()))), "value": _shown(value)}
        for name, value in record.values.items()
        if not is_blank(value)
    ]


def _shown(value: Value) -> str:
    """A value as a short text; of a list, its members."""
    return ", ".join(_texts(value))[:_LONGEST]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)
