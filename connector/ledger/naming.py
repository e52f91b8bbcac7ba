"""Naming: whether a text names a person, as whole names and in any way in which they can be written."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from unicodedata import normalize
from urllib.parse import unquote_plus

# A shorter people_id is no name that is known anywhere else: it may be a part of any text.
_SHORTEST = 12
# A line break and the like before a word: else its letter would be taken for the first of that word.
_SHORT_ESCAPE = re.compile(r'\\[bfnrt"/\\]')
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Called:
    """How a person is called: `names`: addresses and people_ids; `ids`: source → those of its record ids that lead to
    the person, which are short, and tell nobody apart but in the place where that source has them."""

    names: frozenset[str]
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)


def findable(names: Collection[str]) -> list[str]:
    """Those of these names by which a person can be found in a text."""
    return [name for name in names if "@" in name or len(name) >= _SHORTEST]


def whole_name(names: Collection[str]) -> re.Pattern[str]:
    """Finds a name that stands by itself: `ada@example.com`, but not in `canada@example.com` or `…example.com.au`."""
    either = "|".join(re.escape(name) for name in names)
    return re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_]|\.[^\W\d_])", re.IGNORECASE)


def says(body: bytes, names: Collection[str]) -> bool:
    """Whether a body has one of these names in it."""
    found = findable(names)
    return bool(found) and any(whole_name(found).search(text) for text in _texts(body))


def _texts(body: bytes) -> Iterator[str]:
    """What a body says: as it is, without the escapes of JSON, and without those of a form; in any encoding that an
    address can be written in."""
    for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
        text = normalize("NFC", body.decode(encoding, "replace"))
        yield text
        yield normalize("NFC", _ESCAPED.sub(lambda found: chr(int(found[1], 16)), _SHORT_ESCAPE.sub(" ", text)))
        yield normalize("NFC", unquote_plus(text))
