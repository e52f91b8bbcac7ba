"""What manifests declare, as values: fields, sources, actions and the exports of other systems."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from connector.names import AliasTable


@dataclass(frozen=True, slots=True)
class Field:
    """One contact field: a row of `fields.json`. `crisp_path` is None when Crisp's profile has no place for it."""

    key: str
    label: str
    type: str
    help: str
    example: Any
    crisp_path: str | None
    crisp_form: str
    convert: str
    max_length: int | None
    choices: tuple[tuple[str, str], ...]
    clears_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place to look for a field's value: a path (read through a table of values, if any) or address parts."""

    path: str = ""
    values: Mapping[str, Any] | None = None
    lines: tuple[str, ...] = ()
    postcode: tuple[str, ...] = ()
    city: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deleted:
    """A rule that says a record was deleted: the value at `path` is, or ends with, one of these. `erases`: the law
    wants the person erased."""

    path: str
    value: Any
    endings: tuple[str, ...]
    erases: bool = False


@dataclass(frozen=True)
class Source:
    """A source's manifest; `sample`: the file that shows best what it sends, empty for none; `tables`: table → contact
    field → where to look; `custom`: the only names that are noted when they go nowhere, None where all are that are not
    `silent`; `steps`: what one does over there; `about`: what its page says besides (`proof`, `permissions`,
    `api`, `left_out`)."""

    key: str
    label: str
    help: str
    sample: str
    variants: Mapping[str, str]
    aliases: bool
    record_aliases: bool
    global_ids: bool
    ids_of_account: bool
    tables: Mapping[str, Mapping[str, tuple[Candidate, ...]]]
    id: tuple[str, ...]
    updated_at: tuple[str, ...]
    deleted: tuple[Deleted, ...]
    silent: tuple[str, ...]
    custom: tuple[str, ...] | None
    silent_values: tuple[Any, ...]
    steps: tuple[str, ...]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """Something a builder does with a contact; what platform packages and the OpenAPI say of it.

    `parameters`: of its path and query; `choices` of one are pairs of value and label. `helps`: contact field → its
    help, where this action does something of its own with it. `many`: it takes many contacts at once. `or_create`: of
    one that finds, the `action` that creates what was not found, and `label` and `help` of both together; else empty.
    """

    key: str
    label: str
    noun: str
    help: str
    method: str
    path: str
    query: Mapping[str, str]
    parameters: tuple[Mapping[str, Any], ...]
    input_fields: tuple[str, ...]
    required: tuple[str, ...]
    helps: Mapping[str, str]
    many: bool
    or_create: Mapping[str, str]
    output: str
    sample: Mapping[str, Any]


@dataclass(frozen=True)
class Trigger:
    """An event that others are told of. `filters`: conditions that make sense for it; `within`: of its `contact` and
    `data`, the output that says what is in it, where that is another than usual; `sample`: one with everything in it,
    for editors in which nothing has happened yet."""

    key: str
    label: str
    noun: str
    help: str
    of_crisp: bool
    filters: tuple[str, ...]
    output: str
    within: Mapping[str, str]
    sample: Mapping[str, Any]

    def sample_of(self, connection_id: str) -> dict[str, Any]:
        """The sample as if it had just happened there."""
        return {**self.sample, "connection_id": connection_id}


@dataclass(frozen=True)
class Authentication:
    """How a platform proves itself: `fields` that its user fills in, the `header` that is sent, what is asked to `test`
    them, and what a connection is called."""

    fields: tuple[Mapping[str, Any], ...]
    header: Mapping[str, str]
    test: Mapping[str, str]
    label: str
    sample: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Export:
    """What one system's exported files look like.

    `recognised_by`: any of these sets of column names, all there, tells it (in this very spelling, where `as_written`).
    `columns`: column name → contact field, None for no field; where several feed one field, they stand in order.
    `data_ending`: names that end so are custom data.
    """

    key: str
    label: str
    recognised_by: tuple[tuple[str, ...], ...]
    columns: Mapping[str, str | None]
    as_written: bool
    data_ending: str | None


@dataclass(frozen=True, eq=False)
class Manifest:
    """All manifests together. `names` reads contact fields, `record_names` the record's id and times. `sources`: those
    that payloads come from; `outputs`: fields of what actions answer and triggers bring; `file`: what rows of files
    are; `exports`: what files of other systems look like."""

    fields: Mapping[str, Field]
    names: AliasTable
    record_names: AliasTable
    sources: Mapping[str, Source]
    actions: Mapping[str, Action]
    triggers: Mapping[str, Trigger]
    outputs: Mapping[str, tuple[Mapping[str, Any], ...]]
    authentication: Authentication
    exports: Mapping[str, Export]
    file: Source

    @property
    def in_crisp(self) -> list[str]:
        """Keys of the contact fields that Crisp has a place for."""
        return [key for key, field in self.fields.items() if field.crisp_path]

    def fields_of(self, action: Action) -> list[Field]:
        """The contact fields that an action takes, in their order, each with its help there."""
        taken = (field for key, field in self.fields.items() if {key, "*"} & set(action.input_fields))
        return [replace(field, help=action.helps.get(field.key, field.help)) for field in taken]

    def source(self, key: str) -> Source:
        """A source of payloads, or that of files."""
        return self.file if key == self.file.key else self.sources[key]
