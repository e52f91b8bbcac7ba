"""Which system's export a file is, and what that export says of a column."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from connector.declared import Export, Manifest
from connector.files.looks import Seen
from connector.names import normalise

_NUMBERED = re.compile(r"email|phone|website")
_SEVERAL = re.compile(r"(?<!\d)[2-9](?!\d)")


def recognised(columns: Iterable[Seen], manifest: Manifest) -> Export | None:
    """The export that these columns tell; of several, the one that knows most of them."""
    written = {name.strip() for column in columns for name in (column.base, column.written)}
    plain = {normalise(name) for name in written}
    told = [export for export in manifest.exports.values() if _is_told(export, plain, written)]
    return max(told, key=lambda export: len(plain & _known(export).keys()), default=None)


def said_of(column: Seen, export: Export) -> tuple[int, str | None] | None:
    """(precedence, contact field or None for no field) of a column that the export lists; None when it does not."""
    known = _known(export)
    for name in map(normalise, (column.written, column.base)):
        first = _SEVERAL.sub("1", name) if _NUMBERED.search(name) else name
        if found := known.get(name) or known.get(first):
            return found
    return None


def data_name(column: Seen, export: Export) -> str | None:
    """The written key of a column that the export marks as custom data."""
    ending = export.data_ending
    if ending is None or not column.written.rstrip().endswith(ending):
        return None
    return column.written.rstrip().removesuffix(ending).strip() or None


def _is_told(export: Export, plain: set[str], written: set[str]) -> bool:
    if export.as_written:
        return any(written.issuperset(names) for names in export.recognised_by)
    return any(plain.issuperset(map(normalise, names)) for names in export.recognised_by)


@lru_cache(maxsize=64)
def _known(export: Export) -> Mapping[str, tuple[int, str | None]]:
    """Normalised column name → (precedence, contact field)."""
    listed = [(normalise(name), field) for name, field in export.columns.items()]
    return {name: (place, field) for place, (name, field) in enumerate(listed)}
