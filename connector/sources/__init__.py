"""Sources: the systems that payloads come from. A module in this folder is a source; nothing else lists them."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from connector.notes import Note
from connector.record import Record, broken
from connector.sources.base import Inbound, Rule, SourceModule
from connector.sources.wrapping import unwrap, wrapped_headers

_NO_HEADERS: Mapping[str, str] = {}


class Detected(NamedTuple):
    """Which source a payload comes from, in which of its variants."""

    source: str
    variant: str


@cache
def registry() -> dict[str, SourceModule]:
    """Every source by its key, found in this folder."""
    found = (importlib.import_module(f"connector.sources.{module.name}") for module in pkgutil.iter_modules(__path__))
    return {module.KEY: module for module in found if hasattr(module, "KEY")}


Owned = tuple[str, Rule]


@dataclass(frozen=True)
class _Rules:
    """All rules with the source that each is of, in order, and all their keys; `inner`: those of which it matters what
    an object under them has → its names that matter."""

    ordered: tuple[Owned, ...]
    keys: frozenset[str]
    inner: dict[str, frozenset[str]]


@cache
def _rules() -> _Rules:
    every = ((key, rule) for key, module in registry().items() for rule in module.RULES)
    ordered = tuple(sorted(every, key=lambda pair: pair[1].rank))
    inner: dict[str, frozenset[str]] = {}
    for _, rule in ordered:
        for key, names in rule.inside.items():
            inner[key] = inner.get(key, frozenset()) | names
    keys = frozenset(key for _, rule in ordered for key in rule.keys or ())
    return _Rules(ordered, keys, inner)


def candidates(member: Any) -> tuple[Owned, ...]:
    """The rules that this member could pass, in order, each with its source."""
    if not isinstance(member, dict):
        return _candidates((), ())
    rules = _rules()
    every, inner = rules.keys, rules.inner
    keys = [key for key in member if key in every]
    held = [
        (key, tuple([name for name in member[key] if name in inner[key]]))
        for key in keys
        if key in inner and isinstance(member[key], dict)
    ]
    return _candidates(tuple(keys), tuple(held))


@lru_cache(maxsize=1024)
def _candidates(keys: tuple[str, ...], held: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[Owned, ...]:
    """The same by an object's keys, and the names that objects under them have: few combinations come again."""
    inside = dict(held)
    return tuple(each for each in _rules().ordered if each[1].could_fit(keys, inside))


def detect(payload: Any, headers: Mapping[str, str] = _NO_HEADERS) -> Detected:
    """Whose headers came with the payload (names in lower case), else the first rule that it passes; in a list, every
    member must pass the same. Anything else is generic."""
    first = _first_rule_of_all(payload) if _is_list_of_objects(payload) else _first_rule(payload)
    by_shape = Detected("generic", "") if first is None else Detected(first[0], first[1].variant)
    sender = _sender(headers) if headers else None
    if sender not in (None, by_shape.source) and (variant := registry()[sender].claim(payload)) is not None:
        return Detected(sender, variant)
    return by_shape if by_shape.variant else Detected("generic", registry()["generic"].claim(payload) or "record")


def _sender(headers: Mapping[str, str]) -> str | None:
    """The source that alone puts one of these headers on a request. They choose how a payload is read, and prove
    nothing."""
    return next((key for name, key in _by_header().items() if name in headers), None)


@cache
def _by_header() -> dict[str, str]:
    return {name: key for key, module in registry().items() for name in getattr(module, "SENT_WITH", ())}


def _is_list_of_objects(payload: Any) -> bool:
    return isinstance(payload, list) and bool(payload) and all(isinstance(member, dict) for member in payload)


def _first_rule_of_all(members: list[Any]) -> Owned | None:
    first = _first_rule(members[0])
    return first if all(_first_rule(member) is first for member in members[1:]) else None  # of each there is one alone


def _first_rule(member: Any) -> Owned | None:
    for each in candidates(member):
        if each[1].test(member):
            return each
    return None


class Payload(NamedTuple):
    """A payload taken apart: where it comes from, its records, and notes about the payload as a whole."""

    source: str
    variant: str
    records: list[Record]
    notes: list[Note]


def read(payload: Any, source: str | None = None, headers: Mapping[str, str] = _NO_HEADERS) -> Payload:
    """The records of a payload, of the named source or of the one that is detected, by the headers that it came with
    (names in lower case) or by its shape.

    A payload that the named source cannot read is one record with the note `record_invalid`, never another source's.
    """
    if wrapped := wrapped_headers(payload):
        headers = {**headers, **wrapped}
    stripped = _beside_headers(unwrap(payload), headers, source or _sender(headers)) if headers else unwrap(payload)
    detected = detect(stripped, headers)
    if source is not None and detected.source != source:
        variant = registry()[source].claim(stripped)
        if variant is None:
            return Payload(source, "", [broken("record_invalid")], [])
        detected = Detected(source, variant)
    # Not by getattr: of a module that has no such thing it costs the words of its error each time.
    about = vars(registry()[detected.source]).get("payload_notes")
    notes = about(stripped, detected.variant) if about else []
    return Payload(detected.source, detected.variant, _records(stripped, detected), notes)


def _beside_headers(payload: Any, headers: Mapping[str, str], sender: str | None) -> Any:
    """The payload, with what its sender says in headers alone."""
    beside = getattr(registry()[sender], "beside_headers", None) if sender else None
    return beside(payload, headers) if beside else payload


def _records(payload: Any, detected: Detected) -> list[Record]:
    module, variant = registry()[detected.source], detected.variant
    if _is_list_of_objects(payload) and variant not in getattr(module, "WHOLE", ()):
        return [record for member in payload for record in module.records(member, variant)]
    return list(module.records(payload, variant))


__all__ = ["Detected", "Inbound", "Payload", "candidates", "detect", "read", "registry"]
