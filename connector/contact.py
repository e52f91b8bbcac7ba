"""The canonical contact: what every payload becomes, and what is compared, merged and told to Crisp."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

Scalar = str | int | float | bool

# Four fields say one thing, the name shown in Crisp. They are one to whoever compares, merges or dates them.
NAMES = ("nickname", "full_name", "first_name", "last_name")


_NONE: Mapping[str, Scalar | None] = MappingProxyType({})


class Contact(NamedTuple):
    """A person as told by one record.

    A key that is not there is absent (nothing is said); None clears it; "" never occurs. `fields` has the flat keys
    of `manifests/fields.json` except segments and data. In `data`, None removes the key in Crisp.
    """

    fields: Mapping[str, Scalar | None] = _NONE
    segments: tuple[str, ...] = ()
    data: Mapping[str, Scalar | None] = _NONE

    @property
    def email(self) -> str | None:
        """The canonical address, the person's identity."""
        found = self.fields.get("email")
        return found if isinstance(found, str) else None

    def flat(self) -> dict[str, Any]:
        """The keys of the plain payload, `segments` a list and `data` an object, always there."""
        return {**self.fields, "segments": list(self.segments), "data": dict(self.data)}

    @classmethod
    def from_flat(cls, flat: Mapping[str, Any]) -> "Contact":
        """The inverse of `flat`."""
        fields = {key: value for key, value in flat.items() if key not in ("segments", "data")}
        return cls(fields, tuple(flat.get("segments", ())), dict(flat.get("data", {})))

    def said(self) -> Iterator[str]:
        """Flat keys of everything that is said, the email apart: `city`, `segments`, `data.plan`."""
        yield from (key for key in self.fields if key != "email")
        if self.segments:
            yield "segments"
        yield from (f"data.{key}" for key in self.data)

    def with_email(self, email: str) -> "Contact":
        """The same contact under this address."""
        return self._replace(fields={"email": email, **{k: v for k, v in self.fields.items() if k != "email"}})


def merge(older: Contact, newer: Contact) -> Contact:
    """Field by field, the newer wins; segments are united; of the four names the newer's replace the older's."""
    renamed = any(name in newer.fields for name in NAMES)
    kept = {key: value for key, value in older.fields.items() if not (renamed and key in NAMES)}
    return Contact(
        {**kept, **newer.fields},
        tuple(dict.fromkeys((*older.segments, *newer.segments))),
        {**older.data, **newer.data},
    )


def named(contact: Contact) -> Contact:
    """The contact with one name, `nickname`, in place of the four.

    A nickname wins; then first and last name when both are filled; then the full name; then what there is
    of first and last.
    """
    given = contact.fields
    first, last = given.get("first_name"), given.get("last_name")
    both = f"{first} {last}" if first and last else None
    name = given.get("nickname") or both or given.get("full_name") or first or last
    fields = {key: value for key, value in given.items() if key not in NAMES}
    return contact._replace(fields={**fields, "nickname": name} if name else fields)


def news(contact: Contact, known: Contact, *, complete: bool) -> Contact:
    """What `contact` says that is not known already: 0 keys means unchanged.

    `complete` means that fields which `known` does not hold are not in Crisp either, so that clearing them is no news.
    Custom data is written without being read: that a key is not there is known only once it was removed.
    """
    fields = {key: value for key, value in contact.fields.items() if _differs(known.fields, key, value, complete)}
    data = {key: value for key, value in contact.data.items() if _differs(known.data, key, value, complete=False)}
    segments = tuple(name for name in contact.segments if name not in known.segments)
    return Contact(fields, segments, data)


def _differs(known: Mapping[str, Scalar | None], key: str, value: Scalar | None, complete: bool) -> bool:
    if key not in known:
        return not (value is None and complete)
    before = known[key]
    return before != value or isinstance(before, bool) != isinstance(value, bool)


def dated(contact: Contact) -> Iterator[str]:
    """The keys under which the time of each part is kept: the flat keys, the four names as `nickname`.

    Segments have none: they are only ever added, so their order does not matter.
    """
    for key in contact.said():
        if key != "segments":
            yield "nickname" if key in NAMES else key


def fresh(contact: Contact, at: int | None, times: Mapping[str, int]) -> Contact:
    """The contact without what is older than known: `at` and `times` in UNIX milliseconds, None = no time given."""
    if at is None or not times:
        return contact
    fields = {
        key: value
        for key, value in contact.fields.items()
        if key == "email" or times.get("nickname" if key in NAMES else key, at) <= at
    }
    data = {key: value for key, value in contact.data.items() if times.get(f"data.{key}", at) <= at}
    return Contact(fields, contact.segments, data)


@dataclass(frozen=True, slots=True)
class Folded:
    """Several changes of one person as one. `told[i]`: whether change i added anything; `times`: the newest of each."""

    contact: Contact
    times: Mapping[str, int]
    told: tuple[bool, ...]


def fold(changes: Sequence[tuple[Contact, int | None]], times: Mapping[str, int], who: str | None = None) -> Folded:
    """Changes in the order they came, each with the source's time (UNIX milliseconds or None), over the known times.

    The newest wins field by field; a change without a time is taken as newer than what came before it. An email that
    is `who`, the person's name, only names the person: it does not take back another that an earlier change gave.
    """
    merged, newest, told = Contact(), dict(times), list[bool]()
    for contact, at in changes:
        kept = fresh(contact, at, newest)
        told.append(any(True for _ in kept.said()) or not any(True for _ in contact.said()))
        given = merged.email
        merged = merge(merged, kept)
        merged = merged.with_email(given) if given and kept.email == who else merged
        if at is not None:
            newest.update(dict.fromkeys(dated(kept), at))
            if who is not None and kept.email not in (None, who):
                newest["email"] = at
    return Folded(merged, newest, tuple(told))
