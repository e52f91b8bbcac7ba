"""What a caller says about a payload beside the payload: source, mode, country, zone, mapping."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.convert import Given
from connector.convert.countries import country
from connector.convert.keys import data_key
from connector.convert.zones import zone
from connector.crisp.calls import Mode
from connector.errors import Detail, Problem
from connector.manifest import Manifest
from connector.mapping import IGNORED, UserMapping
from connector.saying import say

_PLAIN = ("source", "mode", "country", "timezone", "on_delete")
# What a deletion in a source does here; a segment's name follows the last.
NOTE, IGNORE, ERASE, SEGMENT = "note", "ignore", "erase", "segment:"
_LONGEST_SEGMENT = 100
_ENVELOPE = frozenset({"mapping", "payload", "record", "records"})


@dataclass(frozen=True, slots=True)
class Options:
    """`source` None: recognise it. `country` ISO alpha-2 and `timezone` IANA read national phones and local times.
    `on_delete`: what a deletion over there does, of `ON_DELETE`; None where nothing proves who says it: it is noted."""

    source: str | None = None
    mode: Mode = "upsert"
    country: str | None = None
    timezone: str = "UTC"
    unmapped_as_data: bool = False
    mapping: UserMapping = ()
    saved_mapping: bool = False
    on_delete: str | None = None

    @classmethod
    def given(
        cls, said: Mapping[str, Any], manifest: Manifest, *, mapping: Any = None, saved_mapping: bool = False
    ) -> "Options":
        """What the parameters `source, mode, country, timezone, unmapped` say, checked before, and a mapping.

        Raises what `read_mapping` raises.
        """
        plain = {key: said[key] for key in _PLAIN if said.get(key) is not None}
        read = read_mapping(mapping, manifest) if mapping is not None else ()
        return cls(**plain, unmapped_as_data=said.get("unmapped") == "data", mapping=read, saved_mapping=saved_mapping)


def country_code(written: str) -> str:
    """A two-letter country code. Raises ValueError saying what it must look like."""
    if len(written) != 2 or country(written, Given()) != written.upper():
        raise ValueError(say("Must be a two-letter country code, such as FR."))
    return written.upper()


def zone_name(written: str) -> str:
    """The name of a time zone. Raises ValueError saying what it must look like."""
    if zone(written) is None:
        raise ValueError(say("Must be the name of a time zone, such as Europe/Paris."))
    return written


def deletion(written: str) -> str:
    """What a deletion over there does. Raises ValueError saying what it must look like."""
    name = written.removeprefix(SEGMENT) if written.startswith(SEGMENT) else None
    if written not in (NOTE, IGNORE, ERASE) and not (name and _is_segment(name)):
        raise ValueError(
            say("Must be note, ignore, erase, or segment: with the name of a segment, such as segment:deleted.")
        )
    return written


def _is_segment(name: str) -> bool:
    """Of the signs that keep segments apart it may have none."""
    return name == name.strip() and len(name) <= _LONGEST_SEGMENT and not set(name) & set(",|;\n\0")


def split_mapping(payload: Any) -> tuple[Any, Any]:
    """A body → payload and the mapping that came with it (None without).

    `{"mapping": …, "payload"|"record"|"records": …}` is an envelope; else `mapping` stands beside the fields.
    `{"records": […]}` is the list.
    """
    if not isinstance(payload, dict):
        return payload, None
    mapping = payload.get("mapping") if isinstance(payload.get("mapping"), dict) else None
    rest = payload if mapping is None else {key: value for key, value in payload.items() if key != "mapping"}
    inner = next(iter(rest)) if len(rest) == 1 else ""
    if inner == "records" and isinstance(rest[inner], list):
        return rest[inner], mapping
    return (rest[inner] if mapping is not None and inner in _ENVELOPE else rest), mapping


def read_mapping(rows: Any, manifest: Manifest) -> UserMapping:
    """A mapping as it is sent or saved: contact field, or `ignored`, → path or list of paths.

    Raises `mapping_invalid` for another shape, `mapping_field_unknown` for a field that no contact has.
    """
    if not isinstance(rows, dict):
        raise Problem("mapping_invalid")
    checked = []
    for field, paths in rows.items():
        listed = [paths] if isinstance(paths, str) else paths
        if not isinstance(listed, list) or not listed or not all(_is_path(path) for path in listed):
            detail = Detail(say("Give the name of a field, or a list of names."), "mapping_invalid", str(field))
            raise Problem("mapping_invalid", errors=[detail])
        if not _is_field(field, manifest):
            problem = Problem("mapping_field_unknown", field=field[:80])
            problem.errors = (Detail(problem.message, problem.code, field[:80]),)
            raise problem
        checked.append((field, tuple(listed)))
    return tuple(checked)


def shown_mapping(mapping: UserMapping) -> Mapping[str, list[str]]:
    """The mapping as it is saved and answered."""
    return {field: list(paths) for field, paths in mapping}


def _is_path(path: Any) -> bool:
    return isinstance(path, str) and bool(path.strip()) and len(path) <= 1000 and "\0" not in path


def _is_field(field: str, manifest: Manifest) -> bool:
    if field.startswith("data."):
        key = field.removeprefix("data.")
        return bool(key) and data_key(key) == key
    return field == IGNORED or (field in manifest.fields and field != "data")
