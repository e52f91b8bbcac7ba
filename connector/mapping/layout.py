"""A layout: which names of a record feed which contact field. Made once per set of names, then reused."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from connector.convert import CONVERTERS, Converter
from connector.convert.keys import data_key
from connector.manifest import Candidate, Field, Manifest, Source
from connector.names import normalise
from connector.record import Record

# Contact field → paths, as a user saved it; overrides the source's own rows for these fields.
UserMapping = tuple[tuple[str, tuple[str, ...]], ...]
# Beside contact fields a mapping may have this: paths that are not read at all, whatever they would feed.
IGNORED = "ignored"

# What may have more than one value is read apart.
_SEVERAL = ("email", "segments", "data")


@dataclass(frozen=True, slots=True)
class Slot:
    """One place for a field's value: a name of the record (`read` says how), or address parts."""

    name: str
    read: Candidate | None = None
    fallback: bool = False
    quiet: bool = False


class DataSlot(NamedTuple):
    """A name of the record that becomes custom data: the key as it was written, as Crisp takes it (None: not at all),
    and whether it had to be changed for that."""

    name: str
    written: str
    key: str | None
    renamed: bool


class Single(NamedTuple):
    """A field with one value: how it is converted, its places, the name where there is one place alone with one text,
    through which `table` of texts that is read, and whether a clean text is its value already."""

    field: Field
    converter: Converter
    slots: tuple[Slot, ...]
    name: str | None
    table: Mapping[str, str] | None
    is_text: bool


@dataclass(frozen=True)
class Layout:
    """`slots`: contact field → places in order; `singles`: of these, fields with one value, in the manifest's order,
    and `country` among them; `data`: names that become custom data; `lasting`: those of them that the source's
    rows name, of which a blank removes nothing; `unmapped`: names that go nowhere; `times`: of the record's own time;
    `dated`: of any time; `absent`: user paths that this record does not have."""

    slots: Mapping[str, tuple[Slot, ...]]
    singles: tuple[Single, ...]
    country: Single | None
    data: tuple[DataSlot, ...]
    lasting: frozenset[str]
    unmapped: tuple[str, ...]
    ids: tuple[str, ...]
    times: tuple[str, ...]
    dated: tuple[str, ...]
    people_ids: tuple[str, ...]
    absent: frozenset[str]


def layout_of(record: Record, source: Source, manifest: Manifest, mapping: UserMapping = ()) -> Layout:
    """The layout for this record's names; the same for every record with the same names."""
    shape = (record.table, record.fallbacks, record.accents_lost, record.prefix)
    return _layout(tuple(record.values), tuple(record.envelope), shape, source.key, manifest, mapping)


@lru_cache(maxsize=512)
def _layout(
    names: tuple[str, ...],
    envelope: tuple[str, ...],
    shape: tuple[str, tuple[tuple[str, str], ...], bool, str],
    source: str,
    manifest: Manifest,
    mapping: UserMapping,
) -> Layout:
    return _Builder(names, envelope, shape, manifest.source(source), manifest, dict(mapping)).build()


class _Builder:
    """Collects slots in the order of precedence: the user's mapping, aliases, the source's rows, fallbacks."""

    def __init__(
        self,
        names: tuple[str, ...],
        envelope: tuple[str, ...],
        shape: tuple[str, tuple[tuple[str, str], ...], bool, str],
        source: Source,
        manifest: Manifest,
        mapping: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.names, self.envelope, self.source, self.manifest, self.mapping = (
            names,
            envelope,
            source,
            manifest,
            mapping,
        )
        self.table, self.fallbacks, self.accents_lost, self.prefix = shape
        self.slots: dict[str, list[Slot]] = {}
        self.data: dict[str, str] = {}
        self.lasting: set[str] = set()
        self.used: set[str] = set()
        self.ignored: frozenset[str] = frozenset()
        self.absent: set[str] = set()
        self.index: dict[str, list[str]] = {}
        for name in names:
            self.index.setdefault(normalise(name), []).append(name)

    def build(self) -> Layout:
        self._read_user_mapping()
        record_names = {part: self._record_names(part) for part in ("id", "updated_at", "people_id")}
        self._read_data_names()
        if self.source.aliases:
            self._read_aliases()
        self._read_rows()
        fallback_names = self._read_fallbacks()
        unmapped = [name for name in self.names if name not in self.used | fallback_names and not self._silent(name)]
        ordered = {key: tuple(self.slots[key]) for key in self.manifest.fields if key in self.slots}
        singles = tuple(self._single(key, slots) for key, slots in ordered.items() if key not in _SEVERAL)
        return Layout(
            slots=ordered,
            singles=singles,
            country=next((each for each in singles if each.field.key == "country"), None),
            data=tuple(data_slot(name, written) for name, written in self.data.items()),
            lasting=frozenset(self.lasting),
            unmapped=tuple(unmapped),
            ids=tuple(record_names["id"]),
            times=tuple(record_names["updated_at"]),
            dated=(*record_names["updated_at"], *self._dated(singles)),
            people_ids=tuple(record_names["people_id"]),
            absent=frozenset(self.absent),
        )

    @staticmethod
    def _dated(singles: Iterable[Single]) -> Iterator[str]:
        return (slot.name for each in singles if each.field.convert == "time" for slot in each.slots)

    def _single(self, key: str, slots: tuple[Slot, ...]) -> Single:
        field, first = self.manifest.fields[key], slots[0]
        table = first.read.values if first.read else None
        texts = table is None or all(isinstance(value, str) for value in table.values())
        alone = len(slots) == 1 and texts and not (first.read and first.read.lines)
        name = first.name if alone else None
        return Single(field, CONVERTERS[field.convert], slots, name, table, field.convert == "text")

    def _read_user_mapping(self) -> None:
        # First what is ignored, for nothing after it finds that any more.
        self.ignored = frozenset(self._read_paths(self.mapping.get(IGNORED, ())))
        for field, paths in self.mapping.items():
            if field == IGNORED:
                continue
            for name in self._read_paths(paths):
                if field.startswith("data."):
                    self.data[name] = field.removeprefix("data.")
                else:
                    self._add(field, Slot(name))

    def _read_paths(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """The names that these paths of the user mean, which are used from now on."""
        found = self._find_all(paths)
        if not found:
            self.absent.update(paths)
        self.used.update(found)
        return found

    def _record_names(self, part: str) -> list[str]:
        """Names of the record's id or time: the source's own paths, and columns so named where it allows them."""
        paths = {"id": self.source.id, "updated_at": self.source.updated_at}.get(part, ())
        found = [name for path in paths for name in self._find(path)]
        if self.source.record_aliases:
            named = (name for name in self.names if name not in self.ignored)
            columns = [name for name in named if self.manifest.record_names.field_of(name) == part]
            found = columns + found
        self.used.update(name for name in found if name in self.names)
        return list(dict.fromkeys(found))

    def _read_data_names(self) -> None:
        for name in self.names:
            shown = name.removeprefix(self.prefix)
            # Tools that write snake case turn the dot of `data.plan` into `data_plan`.
            marks = ("data.", "data_") if self.accents_lost else ("data.",)
            if name not in self.used and shown[:5].casefold() in marks and (key := shown[5:].strip()):
                self.data[name] = key
                self.used.add(name)

    def _read_aliases(self) -> None:
        meant = {name: self._meaning(name) for name in self.names if name not in self.used}
        first_named = "first_name" in meant.values() or "first_name" in self.slots
        for name, field in meant.items():
            # French "Nom" is the last name beside a first name, and the whole name alone.
            if normalise(name.removeprefix(self.prefix)) == "nom":
                field = "last_name" if first_named else "full_name"
            if field and field not in self.mapping:
                self._add(field, Slot(name))
                self.used.add(name)

    def _meaning(self, name: str) -> str | None:
        shown = name.removeprefix(self.prefix)
        return self.manifest.names.field_of(shown, accents_lost=self.accents_lost)

    def _read_rows(self) -> None:
        rows = self.source.tables.get(self.table) or self.source.tables.get("", {})
        for field, candidates in rows.items():
            if field not in self.mapping:
                for candidate in candidates:
                    self._read_candidate(field, candidate)

    def _read_candidate(self, field: str, candidate: Candidate) -> None:
        if candidate.lines:
            parts = [self._find_all(paths) for paths in (candidate.lines, candidate.postcode, candidate.city)]
            if parts[0]:
                self._add(field, Slot("", Candidate("", None, *parts), quiet=True))
                self.used.update(*parts)
            return
        for name in self._find(candidate.path):
            if field.startswith("data."):
                if name not in self.data:
                    self.data[name] = field.removeprefix("data.")
                    self.lasting.add(name)
            else:
                self._add(field, Slot(name, candidate if candidate.values else None, quiet=self._silent(name)))
            self.used.add(name)

    def _read_fallbacks(self) -> set[str]:
        """Adds them last; those that turn out not to be needed are noted as unmapped when their values are read."""
        open_names = [(field, name) for field, name in self.fallbacks if name not in self.used]
        for field, name in open_names:
            if field not in self.mapping:
                self._add(field, Slot(name, fallback=True))
        return {name for field, name in open_names if field not in self.mapping}

    def _add(self, field: str, slot: Slot) -> None:
        listed = self.slots.setdefault(field, [])
        if not slot.name or all(known.name != slot.name for known in listed):
            listed.append(slot)

    def _find_all(self, paths: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for path in paths for name in self._find(path)))

    def _find(self, path: str) -> Iterator[str]:
        """Names of the record or its envelope that this path means: exactly, else as another spelling."""
        exactly = path in self.names or path in self.envelope
        found = (path,) if exactly else self.index.get(normalise(path), ())
        return (name for name in found if name not in self.ignored)

    def _silent(self, name: str) -> bool:
        custom = self.source.custom
        if custom is not None and not any(fnmatchcase(name, pattern) for pattern in custom):
            return True
        return any(fnmatchcase(name, pattern) for pattern in self.source.silent)


def data_slot(name: str, written: str) -> DataSlot:
    """Of a name of the record and the key that somebody wrote for it."""
    key = data_key(written)
    return DataSlot(name, written, key, key != written)
