"""Which contact field each column of a file feeds, what is only proposed, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from connector.convert.keys import data_key
from connector.declared import Export, Manifest
from connector.files.ambiguous import BY_FIELD, BY_NAME, NAMED, one_address
from connector.files.chosen import columns_named, fits, missing_columns, resolved
from connector.files.guesses import guess
from connector.files.looks import Seen, kind_of, seen_columns
from connector.files.meanings import File, Verdict, card_paths, certain, field_of, forms, ignored, plain_meaning
from connector.files.precedence import place_of
from connector.files.profiles import data_name, recognised, said_of
from connector.files.table import Row, Table
from connector.mapping import IGNORED, UserMapping
from connector.names import normalise
from connector.saying import say

__all__ = ["Column", "Match", "columns_named", "email_candidates", "fits", "match", "missing_columns"]

FAILURE_COLUMNS = ("error_code", "error_field", "error_message")
_OURS = say("Written by crisp-connector into failures files")
_LONGEST_KEY = 120
_SHOWN, _LONGEST_SHOWN = 20, 80


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what becomes of it.

    `samples`: up to 5 different values; `kind`: email, phone, url, date, number, boolean, list, text or empty;
    `field`: the contact field or `data.KEY` that it feeds, None: ignored; `confidence`: certain, suggested or none;
    `suggestion`: a field that is proposed and not applied; `suggested_key`: a custom data key for what feeds nothing.
    """

    name: str
    samples: tuple[str, ...]
    kind: str
    field: str | None
    confidence: str
    reason: str
    suggestion: str | None
    suggested_key: str | None


@dataclass(frozen=True)
class Match:
    """`export`: key of the recognised export; `mapping`: what will be applied, the columns of a field in the order in
    which the first filled cell wins."""

    export: str | None
    columns: tuple[Column, ...]
    mapping: UserMapping


def match(table: Table, manifest: Manifest, rows: Sequence[Row], *, given: UserMapping = ()) -> Match:
    """The columns of a table matched by name, by the export that they tell, and by the values of these first rows.

    What `given` (contact field → columns) names is taken as given, and no other column feeds its fields; what it names
    as `ignored` feeds nothing.
    """
    seen = seen_columns(table, rows)
    export = recognised(seen, manifest)
    chosen = resolved(given, table)
    file = File(seen, manifest, export, _plain_meanings(seen, export, manifest, chosen))
    matching = _Matching(file, chosen, frozenset(field for field, _ in given), table.header_line is not None)
    verdicts = matching.verdicts()
    return Match(export.key if export else None, _columns(file, verdicts), _mapping(file, verdicts, chosen))


class _Matching:
    """Asks one rule after the other about each column; the first that knows it decides."""

    def __init__(self, file: File, chosen: UserMapping, taken: frozenset[str], has_header: bool) -> None:
        self._file, self._taken = file, taken
        self._chosen = {name: field for field, names in (*reversed(chosen), *_ignored(chosen)) for name in names}
        self._failures = {column.base for column in file.columns}.issuperset(FAILURE_COLUMNS)
        self._email = None if has_header else _most_emails(file.columns)
        self._keys: set[str] = set()

    def verdicts(self) -> Mapping[str, Verdict]:
        """Name of a column → what becomes of it."""
        verdicts = {column.name: self._verdict(column) for column in self._file.columns}
        return one_address(self._file, verdicts, frozenset(self._chosen))

    def _verdict(self, column: Seen) -> Verdict:
        if (field := self._chosen.get(column.name)) is not None:
            return ignored(say("You left it out")) if field == IGNORED else certain(field, say("You chose it"))
        rules: tuple[Callable[[Seen], Verdict | None], ...] = (
            self._by_us, self._by_export, self._by_data_key, self._by_name, self._by_content,
        )  # fmt: skip
        found = next(filter(None, (rule(column) for rule in rules)), None) or guess(column, self._file)
        if found is None:
            return ignored(say("Nothing matches; ignored"))
        if found.field in self._taken or found.suggestion in self._taken:
            return ignored(say("You chose another column for this; ignored"))
        return found

    def _by_us(self, column: Seen) -> Verdict | None:
        ours = self._failures and column.base in FAILURE_COLUMNS
        return ignored(_OURS) if ours else None

    def _by_export(self, column: Seen) -> Verdict | None:
        export = self._file.export
        if export is None:
            return None
        if written := data_name(column, export):
            return self._data(written)
        said = said_of(column, export)
        if said is None:
            return None
        told = _of_export(export.label)
        none = say("{reason}, and it is no contact field; ignored", reason=told)
        return certain(said[1], told) if said[1] else ignored(none)

    def _by_data_key(self, column: Seen) -> Verdict | None:
        is_data = column.base[:5].casefold() == "data." and column.base[5:].strip()
        return self._data(column.base[5:].strip()) if is_data else None

    def _data(self, written: str) -> Verdict:
        key = data_key(written)
        if key is None:
            return ignored(say("Nothing of its name can be a custom data key; ignored"))
        if key in self._keys:
            return ignored(say("Another column gives the custom data {key}; ignored", key=key))
        self._keys.add(key)
        plain = say("Its name says that it is custom data")
        changed = say("{reason}, and Crisp takes the key as {key}", reason=plain, key=key)
        return certain(f"data.{key}", plain if key == written else changed)

    def _by_name(self, column: Seen) -> Verdict | None:
        file = self._file
        if "." in column.base and (field := card_paths(file.manifest).get(normalise(column.base))):
            return certain(field, say("Its name is a place in Crisp's profile"))
        for form, numbered in forms(column.base):
            if not numbered and form in BY_NAME:
                return BY_NAME[form](column, file)
            if form in file.manifest.names.never:
                return guess(column, file) or ignored(say("Its name looks like a contact field and is none; ignored"))
            if field := field_of(form, numbered, file.manifest):
                return BY_FIELD[field](column, file) if field in BY_FIELD else certain(field, NAMED)
        return None

    def _by_content(self, column: Seen) -> Verdict | None:
        is_email = column is self._email and "email" not in self._taken
        return certain("email", say("There is no header, and the values are email addresses")) if is_email else None


def _ignored(chosen: UserMapping) -> UserMapping:
    """What is left out, whatever else the mapping says of it."""
    return tuple(row for row in chosen if row[0] == IGNORED)


def _of_export(system: str) -> str:
    if system.endswith("s"):
        return say("{system}' export has it", system=system)
    return say("{system}'s export has it", system=system)


def _plain_meanings(
    columns: Sequence[Seen], export: Export | None, manifest: Manifest, chosen: UserMapping
) -> Mapping[str, str]:
    plain = {}
    for column in columns:
        said = said_of(column, export) if export else None
        field = said[1] if said else plain_meaning(column.base, manifest)
        if field:
            plain[column.name] = field
    return plain | {name: field for field, names in chosen for name in names}


def _most_emails(columns: Sequence[Seen]) -> Seen | None:
    """The column with the most email addresses, which are at least half of what it says."""
    counts = {column.name: sum(kind_of(value) == "email" for value in column.texts) for column in columns}
    likely = [column for column in columns if counts[column.name] * 2 >= max(1, len(column.texts))]
    return max(likely, key=lambda column: counts[column.name], default=None)


def _columns(file: File, verdicts: Mapping[str, Verdict]) -> tuple[Column, ...]:
    fed = (verdict.field or "" for verdict in verdicts.values())
    keys = {field.removeprefix("data.") for field in fed if field.startswith("data.")}
    columns = []
    for column in file.columns:
        said = verdicts[column.name]
        key = None if said.field or said.reason == _OURS else _free_key(column, keys)
        columns.append(
            Column(
                column.name, column.samples, column.kind, said.field, said.confidence, said.reason, said.suggestion, key
            )
        )
    return tuple(columns)


def _free_key(column: Seen, keys: set[str]) -> str | None:
    """A custom data key made of the name, that no other column has; it is added to `keys`."""
    name = f"column_{column.base}" if column.base.isdigit() else column.base
    key = data_key(name)
    if key is None:
        return None
    numbered = (f"{key[:_LONGEST_KEY]}_{number}" for number in count(2))
    free = next(each for each in chain((key,), numbered) if each not in keys)
    keys.add(free)
    return free


def _mapping(file: File, verdicts: Mapping[str, Verdict], chosen: UserMapping) -> UserMapping:
    """Field → columns in order of precedence; what the user chose stays as it was given."""
    named = dict(chosen)
    feeding: dict[str, list[Seen]] = {}
    for column in file.columns:
        field = verdicts[column.name].field
        if field and field not in named:
            feeding.setdefault(field, []).append(column)
    for field, columns in feeding.items():
        ordered = sorted(columns, key=lambda column: place_of(column, field, file.export))
        named[field] = tuple(column.name for column in ordered)
    order = {key: place for place, key in enumerate(file.manifest.fields)}
    return tuple(sorted(named.items(), key=lambda row: order.get(row[0], len(order))))


def email_candidates(found: Match) -> str:
    """A sentence for a file without an email column: the columns that may be it, else the columns that there are."""
    likely = [column for column in found.columns if "email" in (column.suggestion, column.kind)]
    if not likely:
        return say(
            "Its columns are {columns}. Name in the mapping the one that holds email addresses.",
            columns=_listed(found.columns),
        )
    if len(likely) > 1:
        return say("Perhaps it is one of {columns}. Name it in the mapping.", columns=_listed(likely))
    why = say("its values look like email addresses") if likely[0].kind == "email" else say("its name is near")
    return say("Perhaps it is {column}: {why}. Name it in the mapping.", column=_listed(likely), why=why)


def _listed(columns: Sequence[Column]) -> str:
    names = [column.name[:_LONGEST_SHOWN] for column in columns[:_SHOWN]]
    told, more = ", ".join(names), len(columns) - _SHOWN
    return say("{names} and {count} more", names=told, count=more) if more > 0 else told
