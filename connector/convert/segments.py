"""Segments: one list from lists and from text with separators."""

import json
import re
from collections.abc import Iterable

from connector.convert.text import clean

_QUOTED = re.compile(r'"([^"]*)"|\'([^\']*)\'')
_LONGEST = 256


def segments(values: Iterable[object], *, separators: str = "|,") -> tuple[str, ...]:
    """All given lists and texts united, in order, each name once.

    A list is taken as it is. Text is split on `|` and `,`; on `;` when neither occurs; on white space when
    none of them occurs (the separators of Crisp's import, without breaking `Gold Member, VIP`). JSON list text and
    inner quotes keep everything.
    """
    named = (name for value in values for name in _names(value, separators))
    return tuple(dict.fromkeys(cut for name in named if (cut := clean(name)[:_LONGEST].rstrip())))


def _names(value: object, separators: str) -> list[str]:
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value if isinstance(item, str | int | float)]
    return _split(clean(_shown(value)), separators)


def _shown(item: object) -> str:
    return str(int(item)) if isinstance(item, float) and item.is_integer() else str(item)


def _split(written: str, separators: str) -> list[str]:
    if written.startswith("[") and (listed := _json_list(written)) is not None:
        return listed
    if len(quoted := _QUOTED.findall(written)) and not _QUOTED.sub("", written).strip("|,; "):
        return [double or single for double, single in quoted]
    for marks in (separators, ";"):
        if any(mark in written for mark in marks):
            return re.split(f"[{re.escape(marks)}]", written)
    return [written] if separators == "," else written.split()


def _json_list(written: str) -> list[str] | None:
    try:
        listed = json.loads(written)
    except (ValueError, RecursionError):
        return None
    return _names(listed, "|,") if isinstance(listed, list) else None
