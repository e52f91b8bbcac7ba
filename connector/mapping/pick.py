"""Picks one value for a contact field out of the places that may give it, and notes what became of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.convert import Converter, Given, Scalar
from connector.convert.email import addresses, email
from connector.convert.given import DateOrder
from connector.convert.segments import LONGEST, has_longer, segments
from connector.convert.text import clean, is_placeholder, said
from connector.manifest import Candidate, Field
from connector.mapping.layout import Single, Slot
from connector.notes import Note, note
from connector.record import Record, Unusable, Value

# Made once: a union that is written where it is used is made anew each time.
_OFFERED = (str, int, float, Unusable)

DateOrders = Mapping[str, DateOrder]


def is_blank(value: object) -> bool:
    """Whether nothing is said: None, blanks, `N/A` and the like, empty lists and objects, lists of blanks."""
    if isinstance(value, str):
        return not said(value)
    if isinstance(value, list):
        return all(is_blank(item) for item in value)
    return value is None or value == {}


def read(slot: Slot, record: Record) -> Value:
    """What stands in this place, through the row's table of values; an address is put together from its parts."""
    if slot.read is not None and slot.read.lines:
        return _address(slot.read, record)
    value = record.values[slot.name] if slot.name in record.values else record.envelope.get(slot.name)
    if slot.read is not None and slot.read.values is not None and not is_blank(value):
        return slot.read.values.get(str(value))
    return value


def _address(read: Candidate, record: Record) -> str:
    """`line1, line2, POSTCODE CITY`, or nothing without a line."""
    lines = _written(read.lines, record)
    if not lines:
        return ""
    place = " ".join((*_written(read.postcode, record)[:1], *_written(read.city, record)[:1]))
    return ", ".join((*lines, place) if place else lines)


def _written(names: tuple[str, ...], record: Record) -> list[str]:
    """What stands under these names as clean texts, without those that say nothing."""
    values = [record.values.get(name) for name in names]
    texts = [said(value) if isinstance(value, str) else _shown(value) for value in values]
    return [text for text in texts if text]


def _shown(value: Value) -> str:
    return "" if is_blank(value) else clean(str(value))


def _offers(slot: Slot, record: Record) -> Sequence[Scalar | Unusable]:
    """The single values in this place, blanks left out, in order."""
    if slot.read is None:  # nearly always: `read`, without the call
        value = record.values[slot.name] if slot.name in record.values else record.envelope.get(slot.name)
    else:
        value = read(slot, record)
    if isinstance(value, str):
        return (value,) if said(value) else ()
    if isinstance(value, list):
        return [item for item in value if isinstance(item, _OFFERED) and not is_blank(item)]
    return () if value is None or isinstance(value, dict) else (value,)


class Picker:
    """Picks values of one record; the notes gather, each once, in `notes`."""

    def __init__(self, record: Record, given: Given, orders: DateOrders) -> None:
        self.record, self.given, self.orders = record, given, orders
        self.notes: dict[Note, None] = dict.fromkeys(record.notes)

    def scalar(self, single: Single) -> Scalar | None:
        """The first value that converts. Another, different one is noted as unused; none at all, as dropped."""
        name = single.name
        if name is None:
            return self._first(single)
        offer = self.record.values.get(name)
        if offer is None and name in self.record.values:
            return None
        if type(offer) is str and not self.orders:  # nearly always: one place with one text
            written = said(offer)
            if written and single.table is not None:
                written = single.table.get(offer, "")
            if not written:
                return None
            if written[-1] != "}" or not is_placeholder(written):
                return self._taken(single, name, written)
        return self._first(single)

    def _first(self, single: Single) -> Scalar | None:
        """The first of all offers that converts."""
        field, converter = single.field, single.converter
        won: Scalar | None = None
        won_raw: object = None
        failed: list[tuple[str, str | None]] = []
        for slot in single.slots:
            if won is not None and slot.quiet:
                continue
            for offer in _offers(slot, self.record):
                if won is None:
                    won, code = self._convert(converter, slot, offer)
                    won_raw = offer
                    if won is None:
                        failed.append((slot.name, code))
                elif offer != won_raw:
                    self._leave(single, slot, offer, won)
        if won is None:
            self._note_failures(field, failed)
            return None
        return self._cut(field, won)

    def _taken(self, single: Single, name: str, written: str) -> Scalar | None:
        """What a converter makes of a clean text that nothing competes with."""
        field = single.field
        if single.is_text and (field.max_length is None or len(written) <= field.max_length):  # nearly always
            return written
        won = written if single.is_text else single.converter.convert(written, self.given)
        if won is None:
            self._note_failures(field, [(name, single.converter.dropped)])
            return None
        return self._cut(field, won)

    def _convert(self, converter: Converter, slot: Slot, offer: Scalar | Unusable) -> tuple[Scalar | None, str | None]:
        if isinstance(offer, Unusable):
            return None, offer.code
        if isinstance(offer, str) and is_placeholder(offer):
            return None, "value_dropped"
        return converter.convert(offer, self._given(slot)), converter.dropped

    def _given(self, slot: Slot) -> Given:
        order = self.orders.get(slot.name) if self.orders else None
        return replace(self.given, date_order=order) if order else self.given

    def _leave(self, single: Single, slot: Slot, offer: Scalar | Unusable, won: Scalar) -> None:
        if slot.fallback and slot.name in self.record.values:
            self.add("field_unmapped", slot.name)
        elif not slot.quiet and not slot.fallback and self._convert(single.converter, slot, offer)[0] != won:
            self.add("field_unused", slot.name)

    def _note_failures(self, field: Field, failed: list[tuple[str, str | None]]) -> None:
        for name, code in failed[:1]:
            if code is not None:
                self.add(code, field.key, path=name or None)

    def _cut(self, field: Field, won: Scalar) -> Scalar:
        if field.max_length is None or not isinstance(won, str) or len(won) <= field.max_length:
            return won
        self.add("value_truncated", field.key)
        return won[: field.max_length].rstrip()

    def email(self, slots: tuple[Slot, ...]) -> str | None:
        """The first valid address of all places; another distinct one is noted, as is none."""
        valid: dict[str, None] = {}
        offered = ""
        for slot in slots:
            for offer in _offers(slot, self.record):
                if isinstance(offer, str) and is_placeholder(offer):
                    self.add("value_dropped", "email", path=slot.name)
                elif not isinstance(offer, Unusable) and len(valid) < 2:
                    offered = offered or slot.name
                    valid |= {found: None for each in addresses(str(offer)) if (found := email(each))}
        if len(valid) > 1:
            self.add("several_emails", "email")
        if not valid:
            self.add("email_invalid" if offered else "email_missing", "email", path=offered or None)
        return next(iter(valid), None)

    def segments(self, slots: tuple[Slot, ...]) -> tuple[str, ...]:
        """All places united."""
        if not slots:
            return ()
        given: list[object] = []
        for slot in slots:
            value = read(slot, self.record)
            if isinstance(value, str) and is_placeholder(value):
                self.add("value_dropped", "segments", path=slot.name)
            elif not is_blank(value) and isinstance(value, str | int | float | list):
                given.append(value)
        if any(len(str(value)) > LONGEST for value in given) and has_longer(given):
            self.add("value_truncated", "segments")
        return segments(given)

    def add(self, code: str, field: str | None, *, path: str | None = None) -> None:
        """Notes a thing once."""
        self.notes[note(code, field, path=path)] = None

    def forget(self, code: str) -> None:
        """Takes back notes of this code that turn out to be none."""
        self.notes = {found: None for found in self.notes if found.code != code}
