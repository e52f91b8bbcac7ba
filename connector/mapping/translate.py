"""The translation of one record: contact, notes, id, time, and whether it was deleted."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from connector.contact import Contact, Scalar
from connector.convert import Given
from connector.convert.given import DateOrder
from connector.convert.keys import data_value
from connector.convert.people import people_id as people_id_of
from connector.convert.text import is_placeholder, said
from connector.convert.times import ColumnOrder, time
from connector.manifest import Deleted, Manifest, Source
from connector.mapping.layout import DataSlot, Layout, Slot, UserMapping, data_slot, layout_of
from connector.mapping.pick import DateOrders, Picker, is_blank, read
from connector.notes import Note
from connector.record import Record, Value

_LONGEST_ID = 256
# Made once: a union that is written where it is used is made anew each time.
_IDS, _MOMENTS = (str, int), (str, int, float)


_NO_ORDERS: DateOrders = MappingProxyType({})


class Rules(NamedTuple):
    """How to read this payload: the user's `mapping`, whether `unmapped` names become custom data, what is `given`
    beside the values (country, zone, clock), and which columns write days or months first."""

    given: Given
    mapping: UserMapping = ()
    unmapped_as_data: bool = False
    saved_mapping: bool = False
    date_orders: DateOrders = _NO_ORDERS


class Translated(NamedTuple):
    """A record as a contact. `updated_at` is RFC 3339 in UTC; a note of level error makes it rejected.
    `email_lent` as of its record; `erasure`: the law wants the person erased."""

    id: str | None
    updated_at: str | None
    deleted: bool
    contact: Contact
    notes: tuple[Note, ...]
    people_id: str | None = None
    email_lent: bool = False
    erasure: bool = False

    @property
    def error(self) -> Note | None:
        """The first note that makes the record rejected."""
        return next((note for note in self.notes if note.level == "error"), None)


def translate(record: Record, source: Source, manifest: Manifest, rules: Rules) -> Translated:
    """One record × the source's table. What cannot be used is noted; what can be read is kept even when rejected."""
    layout = layout_of(record, source, manifest, rules.mapping)
    picker = Picker(record, rules.given, rules.date_orders)
    record_id = _first_text(layout.ids, record)
    updated_at = _updated_at(layout, record, picker)
    gone = [rule for rule in source.deleted if _says(rule, record)]
    if gone:
        alone, erasure = _email_alone(layout, record, rules), any(rule.erases for rule in gone)
        return Translated(record_id, updated_at, True, alone, (), erasure=erasure)
    if record.notes and any(found.level == "error" for found in record.notes):
        return Translated(record_id, updated_at, False, Contact(), tuple(picker.notes))
    return _read_whole(layout, picker, source, rules, (record_id, updated_at))


def _read_whole(
    layout: Layout, picker: Picker, source: Source, rules: Rules, known: tuple[str | None, str | None]
) -> Translated:
    record = picker.record
    if rules.mapping:
        picker.forget("header_missing")
    people_id = people_id_of(_first_text(layout.people_ids, record) or "") if layout.people_ids else None
    fields = _fields(layout, picker)
    email = picker.email(layout.slots.get("email", ()))
    if people_id and email is None:
        picker.forget("email_missing")
    segments = picker.segments(layout.slots.get("segments", ()))
    data = _data(layout.data, picker, layout.lasting)
    _note_unmapped(layout, picker, source, data, as_data=rules.unmapped_as_data)
    if rules.saved_mapping:
        for path in sorted(layout.absent):
            picker.add("mapping_path_missing", path)
    contact = Contact({"email": email, **fields} if email else fields, segments, data)
    return Translated(*known, False, contact, tuple(picker.notes), people_id, record.email_lent)


def _fields(layout: Layout, picker: Picker) -> dict[str, Scalar | None]:
    """Every single-valued field that is said, in the manifest's order; the country first, for it reads the phone."""
    country = None if layout.country is None else picker.scalar(layout.country)
    if country:
        given = picker.given
        picker.given = Given(str(country), given.timezone, given.date_order, given.now)
    fields: dict[str, Scalar | None] = {}
    for each in layout.singles:
        field_ = each.field
        value = country if each is layout.country else picker.scalar(each)
        if value is not None or (field_.clears_on and _clears(field_.clears_on, each.slots, picker)):
            fields[field_.key] = value
    return fields


def _clears(clears_on: tuple[str, ...], slots: tuple[Slot, ...], picker: Picker) -> bool:
    """Whether one of the places holds a blank that the field's manifest lets clear it."""
    given = [read(slot, picker.record) for slot in slots if slot.name in picker.record.values]
    return ("null" in clears_on and None in given) or ("empty" in clears_on and "" in given)


def _data(slots: Iterable[DataSlot], picker: Picker, lasting: Collection[str] = ()) -> dict[str, Scalar | None]:
    """Custom data: an explicit blank removes the key, but for the `lasting` names of a source; a key that Crisp refuses
    is made valid, with a note."""
    data: dict[str, Scalar | None] = {}
    for name, written, key, renamed in slots:
        value = _data_value(picker.record.values.get(name, picker.record.envelope.get(name)))
        if value is None and name in lasting:
            continue
        if key is None or value is _LEFT_OUT:
            picker.add("value_dropped", f"data.{written}", path=name)
        elif value is not _SAYS_NOTHING:
            if key in data and data[key] != value:
                picker.add("data_key_collision", f"data.{key}", path=name)
            if renamed:
                picker.add("data_key_renamed", f"data.{key}", path=name)
            data[key] = value  # type: ignore[assignment]
    return data


_LEFT_OUT, _SAYS_NOTHING = object(), object()


def _data_value(value: Value) -> object:
    if isinstance(value, str):
        if is_placeholder(value):
            return _LEFT_OUT
        return said(value) or (_SAYS_NOTHING if value.strip() else None)
    if is_blank(value):
        return None
    found = data_value(value)
    return _LEFT_OUT if found is None else found


def _note_unmapped(
    layout: Layout, picker: Picker, source: Source, data: dict[str, Scalar | None], *, as_data: bool
) -> None:
    left = [name for name in layout.unmapped if not _passed_over(picker.record.values[name], source)]
    if not left:
        return
    if as_data:
        prefix = picker.record.prefix
        kept = _data((data_slot(name, name.removeprefix(prefix)) for name in left), picker)
        data.update({key: value for key, value in kept.items() if key not in data})
        return
    for name in left:
        picker.add("field_unmapped", name)


def _passed_over(value: Value, source: Source) -> bool:
    return is_blank(value) or any(type(value) is type(each) and value == each for each in source.silent_values)


def _email_alone(layout: Layout, record: Record, rules: Rules) -> Contact:
    found = Picker(record, rules.given, {}).email(layout.slots.get("email", ()))
    return Contact({"email": found} if found else {})


def _first_text(names: tuple[str, ...], record: Record) -> str | None:
    for name in names:
        value = record.values.get(name, record.envelope.get(name))
        if isinstance(value, _IDS) and not isinstance(value, bool) and not is_blank(value):
            return str(value).replace("\0", "").strip()[:_LONGEST_ID]
    return None


def _updated_at(layout: Layout, record: Record, picker: Picker) -> str | None:
    offered = ""
    for name in layout.times:
        value = record.values.get(name, record.envelope.get(name))
        if isinstance(value, _MOMENTS):
            order = picker.orders.get(name) if picker.orders else None
            if found := time(value, replace(picker.given, date_order=order) if order else picker.given):
                return found
            offered = offered or ("" if is_blank(value) else name)
    if offered:
        picker.add("date_dropped", "updated_at", path=offered)
    return None


def _says(rule: Deleted, record: Record) -> bool:
    value = record.envelope.get(rule.path, record.values.get(rule.path))
    if rule.endings:
        return isinstance(value, str) and value.endswith(rule.endings)
    return value == rule.value and type(value) is type(rule.value)


class Columns:
    """Of records that come together: which columns write days first and which months first, judged once per column."""

    def __init__(self, source: Source, manifest: Manifest, mapping: UserMapping) -> None:
        self._source, self._manifest, self._mapping = source, manifest, mapping
        self._columns: dict[str, ColumnOrder] = {}

    def see(self, record: Record) -> None:
        """One record."""
        for name in layout_of(record, self._source, self._manifest, self._mapping).dated:
            value = record.values.get(name)
            # Nearly always it begins with the year, and shows nothing of days and months.
            if isinstance(value, str) and 6 <= len(value) <= 32 and not value[:4].isdecimal():
                self._columns.setdefault(name, ColumnOrder()).see(value)

    @property
    def date_orders(self) -> dict[str, DateOrder]:
        """Of the columns that show it."""
        return {name: column.order for name, column in self._columns.items() if column.order}


def date_orders(
    records: Iterable[Record], source: Source, manifest: Manifest, mapping: UserMapping
) -> dict[str, DateOrder]:
    """What `Columns` says of all these records."""
    columns = Columns(source, manifest, mapping)
    for record in records:
        columns.see(record)
    return columns.date_orders


def missing_paths(records: Iterable[Record], source: Source, manifest: Manifest, mapping: UserMapping) -> list[str]:
    """Fields of a user's mapping for which no record has any of the paths."""
    open_fields = dict(mapping)
    for record in records:
        absent = layout_of(record, source, manifest, mapping).absent
        open_fields = {key: paths for key, paths in open_fields.items() if absent.issuperset(paths)}
        if not open_fields:
            break
    return sorted(open_fields)
