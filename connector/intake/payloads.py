"""Payloads: what was sent, as something that can be read more than once, and the mapping that came with it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from connector import sources
from connector.body import read_json
from connector.errors import Problem
from connector.intake.options import split_mapping
from connector.record import broken
from connector.sources import Payload

# The most bytes that are taken at once: one contact, and many.
CONTACT_LIMIT, BATCH_LIMIT = 1_000_000, 50_000_000


@dataclass(frozen=True)
class Payloads:
    """`read(source)` gives a function that yields the payloads, each time from the beginning."""

    read: Callable[[str | None], Callable[[], Iterable[Payload]]]
    mapping: Any = None


def of_value(value: Any, headers: Mapping[str, str] | None = None) -> Payloads:
    """One payload: an object, a list, or either of them as JSON in a text; `headers`: what it came with, names in lower
    case. Raises `body_not_records`."""
    payload, mapping = split_mapping(value)
    if isinstance(payload, str) and payload.lstrip()[:1] in ("{", "["):
        payload = read_json(payload.encode("utf-8", "surrogatepass"))
    if not isinstance(payload, dict | list):
        raise Problem("body_not_records")

    def read(source: str | None) -> Callable[[], Iterable[Payload]]:
        found = sources.read(payload, source, headers or {})
        return lambda: (found,)

    return Payloads(read, mapping)


def of_lines(file: IO[bytes]) -> Payloads:
    """A JSON text per line of a file that can be read again, so that many records need no memory."""

    def read(source: str | None) -> Callable[[], Iterator[Payload]]:
        def again() -> Iterator[Payload]:
            file.seek(0)
            return (_line(line, source) for line in file if line.strip())

        return again

    return Payloads(read)


def _line(line: bytes, source: str | None) -> Payload:
    """A line that cannot be read is a record that is rejected: its row is named and the others go on."""
    try:
        value = read_json(line)
    except Problem:
        return Payload(source or "generic", "", [broken("record_invalid")], [])
    return sources.read(value, source)
