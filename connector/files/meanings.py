"""What the name of a column means by itself, and what other columns stand beside it."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from connector.declared import Export, Manifest
from connector.files.looks import Seen
from connector.names import normalise
from connector.saying import say

# A word that may stand before a name without changing it; but `Contact owner` and `Customer name` are other things.
_LEADING = ("person", "contact", "customer", "client", "billing", "mailing", "primary", "default")
_OTHER_THINGS = frozenset({"name", "id", "owner", "type"})
# Of these a person has several, and their columns are numbered. `Address 2` is a second line.
_NUMBERED = frozenset({"email", "phone", "website"})
_DIGIT = re.compile(r"(?<!\d)[1-9](?!\d)")
# Which names of a person these are, and whether a title is one, the other columns and the values decide.
WHOLE_NAMES = frozenset({"name", "nom", "nombre", "nome", "naam"})
TITLES = frozenset({"title", "titel"})
_UNSURE = WHOLE_NAMES | TITLES


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a column: `field` (a contact field, `data.KEY` or None) with the reason; `suggestion`: a field
    that is only proposed."""

    field: str | None
    confidence: str
    reason: str
    suggestion: str | None = None


def certain(field: str, reason: str) -> Verdict:
    """The column feeds this field."""
    return Verdict(field, "certain", reason)


def ignored(reason: str) -> Verdict:
    """The column feeds no field."""
    return Verdict(None, "none", reason)


def suggested(field: str, reason: str) -> Verdict:
    """The column feeds nothing until somebody chooses this field for it."""
    return Verdict(None, "suggested", say("{reason}; choose it yourself", reason=reason), field)


@dataclass(frozen=True, eq=False)
class File:
    """The columns of a file together. `plain`: name of a column → the field that it means whatever the others are."""

    columns: tuple[Seen, ...]
    manifest: Manifest
    export: Export | None
    plain: Mapping[str, str]

    def others(self, column: Seen, *fields: str) -> list[Seen]:
        """The columns beside this one that mean one of these fields."""
        return [other for other in self.columns if other is not column and self.plain.get(other.name) in fields]

    def named(self, names: Collection[str]) -> bool:
        """Whether a column is named like one of these (normalised)."""
        return any(normalise(column.base) in names for column in self.columns)


def forms(name: str) -> Iterator[tuple[str, bool]]:
    """The normalised name and what it may be read as, the nearest first, and whether a number was changed for that."""
    key = normalise(name)
    for form in (key, *_without_leading(key)):
        yield form, False
        if _DIGIT.search(form):
            yield _DIGIT.sub("1", form), True
            yield _DIGIT.sub("", form), True


def field_of(form: str, numbered: bool, manifest: Manifest) -> str | None:
    """The contact field that a form of a name is an alias of."""
    field = manifest.names.field_of(form)
    return None if numbered and field not in _NUMBERED else field


def plain_meaning(name: str, manifest: Manifest) -> str | None:
    """The field that a name means in every file; None as well where it depends on the file."""
    if path := card_paths(manifest).get(normalise(name)) if "." in name else None:
        return path
    for form, numbered in forms(name):
        if form in manifest.names.never or form in _UNSURE:
            return None
        if field := field_of(form, numbered, manifest):
            return field
    return None


@lru_cache(maxsize=8)
def card_paths(manifest: Manifest) -> Mapping[str, str]:
    """Normalised path in Crisp's profile card (`person.nickname`) → contact field; the path has a dot in it."""
    paths = ((field.crisp_path or "", key) for key, field in manifest.fields.items())
    return {normalise(path): key for path, key in paths if "." in path}


def _without_leading(key: str) -> Iterator[str]:
    for word in _LEADING:
        if key.startswith(word) and key != word and key.removeprefix(word) not in _OTHER_THINGS:
            yield key.removeprefix(word)
