"""A record: one row or object of a payload, flat, in the source's own names."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from connector.notes import Note, note


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value that is there but must not be taken, and the note that says why (a file address that expires)."""

    code: str


Scalar = str | int | float | bool
Value = Scalar | None | list[object] | dict[str, object] | Unusable


_NONE: Mapping[str, Value] = MappingProxyType({})


class Record(NamedTuple):
    """What a source's `records` yields.

    `values`: the source's own names, nested ones with dots, → scalars, lists of scalars, None or Unusable.
    `envelope`: ids, times and flags around them, never noted. `table`: which mapping rows of the manifest apply.
    `fallbacks`: (contact field, name) for fields that nothing else gives. `accents_lost`: the sender's tool
    dropped letters outside ASCII from the names. `prefix`: what the tool put before each name.
    `email_lent`: the address is an order's, say, and need not be that of whom the id names.
    """

    values: Mapping[str, Value] = _NONE
    envelope: Mapping[str, Value] = _NONE
    table: str = ""
    fallbacks: tuple[tuple[str, str], ...] = ()
    notes: tuple[Note, ...] = ()
    accents_lost: bool = False
    prefix: str = ""
    email_lent: bool = False


def broken(code: str) -> Record:
    """A record of which nothing can be read but that it was there."""

    return Record(notes=(note(code),))
