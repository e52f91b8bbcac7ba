"""Segments: one list from lists and from text with separators."""

import json
import re
from collections.abc import Iterable

from connector.convert.text import clean

_QUOTED = re.compile(r'"([^"]*)"|\'([^\']*)\'')
LONGEST = 256
_SEPARATOR = re.compile(r"[|,]")


def segments(values: Iterable[object]) -> tuple[str, ...]:
    """All given lists and texts united, in order, each name once.

    A list is taken as it is. Text is split on `|` and `,`; on `;` when neither occurs; on white space when
    none of them occurs (the separators of Crisp's import, without breaking `Gold Member, VIP`). JSON list text and
    inner quotes keep everything. A name longer than `LONGEST` is cut.
    """
    named = (name for value in values for name in _names(value))
    return tuple(dict.fromkeys(cut for name in named if (cut := clean(name)[:LONGEST].rstrip())))


def has_longer(values: Iterable[object]) -> bool:
    """Whether one of the names is longer than a segment may be."""
    return any(len(clean(name)) > LONGEST for value in values for name in _names(value))


def _names(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value if isinstance(item, str | int | float)]
    return _split(clean(_shown(value)))


def _shown(item: object) -> str:
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)


def _split(written: str) -> list[str]:
    if written.startswith("[") and (listed := _json_list(written)) is not None:
        return listed
    if ('"' in written or "'" in written) and not _QUOTED.sub("", written).strip("|,; "):
        return [double or single for double, single in _QUOTED.findall(written)]
    if _SEPARATOR.search(written):
        return _SEPARATOR.split(written)
    return written.split(";") if ";" in written else written.split()


def _json_list(written: str) -> list[str] | None:
    try:
        listed = json.loads(written)
    except (ValueError, RecursionError):
        return None
    return _names(listed) if isinstance(listed, list) else None
