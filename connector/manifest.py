"""Loads `manifests/`, checks each file against its JSON Schema, and gives what they declare."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from connector.declared import Action, Authentication, Candidate, Deleted, Export, Field, Manifest, Source, Trigger
from connector.manifest_files import ManifestBroken, folder, read
from connector.names import AliasTable

__all__ = [
    "Action",
    "Authentication",
    "Candidate",
    "Deleted",
    "Export",
    "Field",
    "Manifest",
    "ManifestBroken",
    "Source",
    "Trigger",
    "load",
    "manifests_root",
    "shipped",
]


@cache
def manifests_root() -> Traversable:
    """Where the manifests are: beside the code in a wheel, at the top of the tree in a checkout."""
    shipped = files("connector").joinpath("_manifests")
    return shipped if shipped.is_dir() else Path(__file__).resolve().parent.parent / "manifests"


def load(root: Traversable | None = None) -> Manifest:
    """Reads and checks every manifest. Raises `ManifestBroken` naming the file, the place in it and the reason."""
    root = root or manifests_root()
    declared = read(root, "fields.json", "fields")
    fields = {row["key"]: _field(row) for row in declared["fields"]}
    try:
        names = AliasTable.build(_aliases(declared["fields"]), declared["never"])
        record_names = AliasTable.build(_aliases(declared["record"]), ())
    except ValueError as problem:
        raise ManifestBroken("fields.json", "aliases", str(problem)) from problem
    sources = {key: _source(told) for key, told in folder(root, "sources", "source").items()}
    actions = {key: _action(told) for key, told in folder(root, "actions", "action").items()}
    exports = {key: _export(told) for key, told in folder(root, "exports", "export").items()}
    file = _source(read(root, "csv.json", "source"))
    triggers = {key: _trigger(told) for key, told in folder(root, "triggers", "trigger").items()}
    outputs = {key: tuple(rows) for key, rows in read(root, "outputs.json", "outputs")["outputs"].items()}
    proof = _authentication(read(root, "authentication.json", "authentication"))
    manifest = Manifest(fields, names, record_names, sources, actions, triggers, outputs, proof, exports, file)
    _cross_check(manifest)
    return manifest


@cache
def shipped() -> Manifest:
    """The manifests that came with this installation, loaded once."""
    return load()


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
        choices=_choices(row),
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
        sample=read.get("sample", ""),
        variants={variant["key"]: variant["label"] for variant in read["variants"]},
        record_aliases=read.get("record_aliases", False),
        global_ids=read.get("global_ids", False),
        ids_of_account=read.get("ids_of_account", False),
        tables=tables,
        id=tuple(read["id"]),
        updated_at=tuple(read["updated_at"]),
        deleted=tuple(
            Deleted(rule["path"], rule.get("is"), tuple(rule.get("ends_with", ())), rule.get("erases", False))
            for rule in read["deleted"]
        ),
        silent=tuple(read["silent"]),
        custom=tuple(read["custom"]) if "custom" in read else None,
        silent_values=tuple(read.get("silent_values", ())),
        steps=tuple(read.get("steps", ())),
        about=read.get("about", {}),
    )


def _action(read: dict[str, Any]) -> Action:
    return Action(
        **{name: read[name] for name in ("key", "label", "noun", "help", "method", "path", "output", "sample")},
        query=read.get("query", {}),
        parameters=tuple(_parameter(each) for each in read.get("parameters", ())),
        input_fields=tuple(read["input"]["fields"]),
        required=tuple(read["input"]["required"]),
        helps=read["input"].get("help", {}),
        many=read["input"].get("many", False),
        or_create=read.get("or_create", {}),
    )


def _parameter(read: dict[str, Any]) -> dict[str, Any]:
    return {**read, **({"choices": _choices(read)} if "choices" in read else {})}


def _choices(read: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((choice["value"], choice["label"]) for choice in read.get("choices", ()))


def _trigger(read: dict[str, Any]) -> Trigger:
    told = {name: read[name] for name in ("key", "label", "noun", "help", "of_crisp", "output", "sample")}
    within: dict[str, str] = {name: read[name] for name in ("contact", "data") if name in read}
    return Trigger(**told, filters=tuple(read["filters"]), within=within)


def _authentication(read: dict[str, Any]) -> Authentication:
    return Authentication(tuple(read["fields"]), **{name: read[name] for name in ("header", "test", "label", "sample")})


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
    for file, place, output in _named_outputs(manifest):
        if output not in manifest.outputs:
            raise ManifestBroken(file, place, f"outputs.json has no {output}")
    for key, action in manifest.actions.items():
        if action.or_create and action.or_create["action"] not in manifest.actions:
            raise ManifestBroken(f"actions/{key}.json", "$.or_create", f"unknown action {action.or_create['action']}")


def _named_outputs(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """File, place in it and output, of each output that actions, triggers and outputs name."""
    yield from ((f"actions/{key}.json", "$.output", each.output) for key, each in manifest.actions.items())
    for key, trigger in manifest.triggers.items():
        yield f"triggers/{key}.json", "$.output", trigger.output
        yield from ((f"triggers/{key}.json", f"$.{name}", of) for name, of in trigger.within.items())
    for key, rows in manifest.outputs.items():
        yield from (("outputs.json", f"$.outputs.{key}.{row['key']}", row["of"]) for row in rows if "of" in row)


def _named_fields(manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """File, place in it and contact field, of each field that sources, actions and exports name."""
    for source in manifest.sources.values():
        for table, rows in source.tables.items():
            named = (field for field in rows if not field.startswith("data."))
            yield from ((f"sources/{source.key}.json", f"$.tables.{table}", field) for field in named)
    for action in manifest.actions.values():
        named = (field for field in (*action.input_fields, *action.required, *action.helps) if field != "*")
        yield from ((f"actions/{action.key}.json", "$.input", field) for field in named)
    for export in manifest.exports.values():
        yield from ((f"exports/{export.key}.json", "$.columns", field) for field in export.columns.values() if field)
