"""Which of several columns for one field comes first: the first cell that is filled wins."""

import re

from connector.declared import Export
from connector.files.looks import Seen
from connector.files.profiles import said_of
from connector.names import normalise

_SEVERAL_OF_A_PERSON = frozenset({"email", "phone", "website"})
_MOBILE = re.compile(r"mobil|mobiel|movil|cell|handy|portable|celular|cellulare|telemovel|gsm")
_PLACES = (
    re.compile(r"work|business|geschaftlich|geschaeftlich|profession"),
    re.compile(r"home|privat|personal"),
    re.compile("other"),
)
_DIGITS = re.compile(r"\d+")
# After everything that an export lists.
_UNLISTED = 1_000_000


def place_of(column: Seen, field: str, export: Export | None) -> tuple[int, ...]:
    """Sorts: as the export lists them; mobile phones first; the one without a place, work, home, other; the lowest
    number; as they stand in the file."""
    said = said_of(column, export) if export else None
    if said and said[1] == field:
        return (said[0], 0, 0, _number(column), column.position)
    if field not in _SEVERAL_OF_A_PERSON:
        return (_UNLISTED, 0, 0, 0, column.position)
    name = normalise(column.base)
    mobile = field == "phone" and _MOBILE.search(name) is not None
    where = next((place for place, words in enumerate(_PLACES, 1) if words.search(name)), 0)
    return (_UNLISTED, 0 if mobile else 1, where, _number(column), column.position)


def _number(column: Seen) -> int:
    found = _DIGITS.search(column.base)
    return int(found[0][:9]) if found else 0
