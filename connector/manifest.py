"""Loads `manifests/`, checks each file against its JSON Schema, and gives what they declare."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import jsonschema

from connector.declared import Action, Candidate, Deleted, Export, Field, Manifest, Source
from connector.names import AliasTable

__all__ = [
    "Action",
    "Candidate",
    "Deleted",
    "Export",
    "Field",
    "Manifest",
    "ManifestBroken",
    "Source",
    "load",
    "manifests_root",
    "shipped",
]


class ManifestBroken(Exception):
    """A manifest cannot be used: which file, where in it, why."""

    def __init__(self, file: str, path: str, reason: str) -> None:
        super().__init__(f"manifests/{file}: {path or 'the file'}: {reason}")
        self.file, self.path, self.reason = file, path, reason


@cache
def manifests_root() -> Traversable:
    """Where the manifests are: beside the code in a wheel, at the top of the tree in a checkout."""
    shipped = files("connector").joinpath("_manifests")
    return shipped if shipped.is_dir() else Path(__file__).resolve().parent.parent / "manifests"


def load(root: Traversable | None = None) -> Manifest:
    """Reads and checks every manifest. Raises `ManifestBroken` naming the file, the place in it and the reason."""
    root = root or manifests_root()
    declared = _read(root, "fields.json", "fields")
    fields = {row["key"]: _field(row) for row in declared["fields"]}
    try:
        names = AliasTable.build(_aliases(declared["fields"]), declared["never"])
        record_names = AliasTable.build(_aliases(declared["record"]), ())
    except ValueError as problem:
        raise ManifestBroken("fields.json", "aliases", str(problem)) from problem
    sources = {key: _source(read) for key, read in _folder(root, "sources", "source").items()}
    actions = {key: _action(read) for key, read in _folder(root, "actions", "action").items()}
    exports = {key: _export(read) for key, read in _folder(root, "exports", "export").items()}
    file = _source(_read(root, "csv.json", "source"))
    manifest = Manifest(fields, names, record_names, sources, actions, exports, file)
    _cross_check(manifest)
    return manifest


@cache
def shipped() -> Manifest:
    """The manifests that came with this installation, loaded once."""
    return load()


def _read(root: Traversable, name: str, schema: str) -> Any:
    try:
        read = json.loads(root.joinpath(*name.split("/")).read_text(encoding="utf-8"))
        rules = json.loads(root.joinpath("schema", f"{schema}.schema.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ManifestBroken(name, "", str(problem)) from problem
    for error in jsonschema.Draft202012Validator(rules).iter_errors(read):
        raise ManifestBroken(name, error.json_path, error.message)
    return read


def _folder(root: Traversable, folder: str, schema: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        entries = sorted(root.joinpath(folder).iterdir(), key=lambda entry: entry.name)
    except OSError as problem:
        raise ManifestBroken(folder, "", str(problem)) from problem
    for entry in entries:
        name = f"{folder}/{entry.name}"
        read = _read(root, name, schema)
        if entry.name != f"{read['key']}.json":
            raise ManifestBroken(name, "$.key", "the key must be the file's name")
        found[read["key"]] = read
    return found


def _aliases(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Key → its names. `data` has none: a column of that name is not custom data, `data.KEY` is."""
    named = (row for row in rows if row.get("type") != "data")
    return {row["key"]: [name for listed in row["aliases"].values() for name in listed] for row in named}


def _field(row: dict[str, Any]) -> Field:
    crisp = row["crisp"] or {"path": None, "form": "plain"}
    return Field(
        **{name: row[name] for name in ("key", "label", "type", "help", "example", "convert")},
        crisp_path=crisp["path"],
        crisp_form=crisp["form"],
        max_length=row.get("max_length"),
        choices=tuple((choice["value"], choice["label"]) for choice in row.get("choices", ())),
        clears_on=tuple(row["clears_on"]),
    )


def _candidate(row: str | dict[str, Any]) -> Candidate:
    if isinstance(row, str):
        return Candidate(row)
    if "address" in row:
        parts = row["address"]
        return Candidate("", None, *(tuple(parts.get(key, ())) for key in ("lines", "postcode", "city")))
    return Candidate(row["path"], row.get("values"))


def _source(read: dict[str, Any]) -> Source:
    tables = {
        table: {row["field"]: tuple(_candidate(each) for each in row["first_of"]) for row in rows}
        for table, rows in read["tables"].items()
    }
    return Source(
        **{name: read[name] for name in ("key", "label", "help", "aliases")},
        variants={variant["key"]: variant["label"] for variant in read["variants"]},
        record_aliases=read.get("record_aliases", False),
        global_ids=read.get("global_ids", False),
        tables=tables,
        id=tuple(read["id"]),
        updated_at=tuple(read["updated_at"]),
        deleted=tuple(
            Deleted(rule["path"], rule.get("is"), tuple(rule.get("ends_with", ()))) for rule in read["deleted"]
        ),
        silent=tuple(read["silent"]),
        silent_values=tuple(read.get("silent_values", ())),
    )


def _action(read: dict[str, Any]) -> Action:
    return Action(
        **{name: read[name] for name in ("key", "label", "noun", "help", "method", "path", "output", "sample")},
        query=read.get("query", {}),
        parameters=tuple(read.get("parameters", ())),
        input_fields=tuple(read["input"]["fields"]),
        required=tuple(read["input"]["required"]),
    )


def _export(read: dict[str, Any]) -> Export:
    return Export(
        **{name: read[name] for name in ("key", "label", "columns")},
        recognised_by=tuple(tuple(names) for names in read["recognised_by"]),
        as_written=read.get("as_written", False),
        data_ending=read.get("data_ending"),
    )


def _cross_check(manifest: Manifest) -> None:
    """What one schema alone cannot see: every named contact field must be declared."""
    for file, place, field in _named_fields(manifest):
        if field not in manifest.fields:
            raise ManifestBroken(file, place, f"unknown field {field}")


def _named_fields(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """File, place in it and contact field, of each field that sources, actions and exports name."""
    for source in manifest.sources.values():
        for table, rows in source.tables.items():
            named = (field for field in rows if not field.startswith("data."))
            yield from ((f"sources/{source.key}.json", f"$.tables.{table}", field) for field in named)
    for action in manifest.actions.values():
        named = (field for field in (*action.input_fields, *action.required) if field != "*")
        yield from ((f"actions/{action.key}.json", "$.input", field) for field in named)
    for export in manifest.exports.values():
        yield from ((f"exports/{export.key}.json", "$.columns", field) for field in export.columns.values() if field)
