"""Names of columns, properties and keys: how two spellings are one name, and which contact field a name means."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_LETTERS = str.maketrans({"ß": "ss", "œ": "oe", "Œ": "oe", "ø": "o", "Ø": "o"})
_POWER_PLATFORM = re.compile(r"_x([0-9A-Fa-f]{4})_")


@lru_cache(maxsize=8192)
def normalise(name: str) -> str:
    """The comparable form of a name: letters and digits only, no case, no accents.

    `E-mail Address`, `emailAddress` and `E_x002d_mail address` are one name. The Power Platform writes
    special characters of a column name as `_xHHHH_`.
    """
    decoded = _POWER_PLATFORM.sub(lambda match: chr(int(match[1], 16)), name)
    plain = unicodedata.normalize("NFKD", decoded.translate(_LETTERS))
    return "".join(char for char in plain.casefold() if char.isalnum())


@lru_cache(maxsize=8192)
def without_accented_letters(name: str) -> str:
    """The name as n8n's snake case leaves it: every letter outside ASCII is gone (`Téléphone` → `tlphone`)."""
    return normalise("".join(char for char in unicodedata.normalize("NFC", name) if char.isascii()))


def _umlauts_dropped(name: str) -> str:
    """German umlauts written out, read as the alias table spells them (`geschaeftlich` → `geschaftlich`)."""
    return name.replace("ae", "a").replace("oe", "o").replace("ue", "u")


@dataclass(frozen=True, eq=False)
class AliasTable:
    """Normalised name → contact field, from the aliases of `manifests/fields.json`; one table for every way in."""

    exact: Mapping[str, str]
    ascii_only: Mapping[str, str]
    never: frozenset[str]

    @classmethod
    def build(cls, aliases: Mapping[str, Iterable[str]], never: Iterable[str]) -> "AliasTable":
        """Raises `ValueError` when one name stands for two fields, or stands in `never` as well."""
        exact: dict[str, str] = {}
        ascii_only: dict[str, str] = {}
        forbidden = frozenset(normalise(name) for name in never)
        for field, names in aliases.items():
            for name in (field, *names):
                key = normalise(name)
                if exact.setdefault(key, field) != field or key in forbidden:
                    other = exact[key] if exact[key] != field else "never"
                    raise ValueError(f"alias {name!r} of {field} is also an alias of {other}")
                ascii_only.setdefault(without_accented_letters(name), field)
        ascii_only.pop("", None)
        return cls(exact, ascii_only, forbidden)

    def field_of(self, name: str, *, accents_lost: bool = False) -> str | None:
        """The contact field that this name means, or None. Whole names only, never by likeness."""
        return _field_of(self, name, accents_lost)


@lru_cache(maxsize=8192)
def _field_of(table: AliasTable, name: str, accents_lost: bool) -> str | None:
    key = normalise(name)
    if not key or key in table.never:
        return None
    found = table.exact.get(key) or table.exact.get(_umlauts_dropped(key))
    if found is None and accents_lost:
        found = table.ascii_only.get(key)
    return found
