"""Manifests: the shipped ones hold together, and a broken one says which file, where in it, and why."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connector.contact import Contact
from connector.convert import CONVERTERS, Given
from connector.crisp.card import card_of, contact_of
from connector.manifest import Manifest, ManifestBroken, load, manifests_root, shipped
from connector.mapping import Rules, translate
from connector.record import Record

ROOT = Path(str(manifests_root()))
FILES = [
    ("fields.json", "fields"),
    *((f"sources/{path.name}", "source") for path in sorted((ROOT / "sources").iterdir())),
    *((f"actions/{path.name}", "action") for path in sorted((ROOT / "actions").iterdir())),
    *((f"triggers/{path.name}", "trigger") for path in sorted((ROOT / "triggers").iterdir())),
    ("outputs.json", "outputs"),
    ("authentication.json", "authentication"),
    ("errors.json", "errors"),
    *((f"exports/{path.name}", "export") for path in sorted((ROOT / "exports").iterdir())),
]


def read(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("file", "schema"), FILES)
def test_every_shipped_manifest_obeys_its_schema(file: str, schema: str) -> None:
    rules = read(f"schema/{schema}.schema.json")
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(read(file))


@pytest.mark.parametrize(("file", "schema"), FILES)
def test_every_manifest_names_its_schema_for_editors(file: str, schema: str) -> None:
    assert (ROOT / file).parent.joinpath(read(file)["$schema"]).resolve() == ROOT / "schema" / f"{schema}.schema.json"


PLAIN_KEYS = """
email first_name last_name full_name nickname phone avatar gender address description website timezone locale country
region city job_title role seniority company_name company_url company_domain company_description company_country
company_city segments notepad created_at last_active data
"""


def test_the_fields_are_exactly_the_keys_of_the_plain_payload() -> None:
    assert sorted(shipped().fields) == sorted(PLAIN_KEYS.split())


@pytest.mark.parametrize("key", shipped().fields)
def test_a_fields_example_is_what_its_own_converter_makes_of_it(key: str) -> None:
    manifest = shipped()
    record = Record({"email": "ada@example.com", key: manifest.fields[key].example})
    if key == "data":
        record = Record({f"data.{name}": value for name, value in manifest.fields[key].example.items()})
    found = translate(record, manifest.sources["generic"], manifest, Rules(Given())).contact.flat()
    assert found[key] == manifest.fields[key].example


# Custom data has a route of its own.
ON_THE_CARD = [key for key, field in shipped().fields.items() if field.crisp_path and key != "data"]


@pytest.mark.parametrize("key", ON_THE_CARD)
def test_what_is_written_to_a_card_is_read_back(key: str) -> None:
    fields = shipped().fields
    example = fields[key].example
    contact = Contact(segments=tuple(example)) if key == "segments" else Contact({key: example})
    assert contact_of(card_of(contact, fields), {}, fields) == contact


@pytest.mark.parametrize("field", shipped().fields.values(), ids=lambda field: str(field.key))
def test_every_field_has_a_converter_that_exists(field: Any) -> None:
    assert field.convert in CONVERTERS or field.convert in ("email", "segments", "data")


@pytest.mark.parametrize("key", shipped().actions)
def test_every_field_of_an_action_is_declared(key: str) -> None:
    action = shipped().actions[key]
    named = {*action.input_fields, *action.required} - {"*"}
    assert named <= shipped().fields.keys()
    assert set(action.required) <= set(action.input_fields) or "*" in action.input_fields


@pytest.mark.parametrize("key", shipped().actions)
def test_the_path_of_an_action_names_its_path_parameters(key: str) -> None:
    action = shipped().actions[key]
    in_path = {row["key"] for row in action.parameters if row["in"] == "path"}
    assert {part.strip("{}") for part in action.path.split("/") if part.startswith("{")} == in_path


Break = Callable[[Path], object]


def edited(file: str, change: Callable[[Any], object]) -> Break:
    """Reads a manifest, changes it, and writes it back."""

    def edit(root: Path) -> None:
        content = json.loads((root / file).read_text(encoding="utf-8"))
        change(content)
        (root / file).write_text(json.dumps(content), encoding="utf-8")

    return edit


def row(content: Any, key: str) -> Any:
    """The field of this key in fields.json."""
    return next(field for field in content["fields"] if field["key"] == key)


BROKEN = [
    pytest.param(lambda root: (root / "fields.json").unlink(), "fields.json", "", "No such file", id="gone"),
    pytest.param(lambda root: (root / "fields.json").write_text("{"), "fields.json", "", "Expecting", id="not-json"),
    pytest.param(lambda root: (root / "fields.json").write_bytes(b"\xff"), "fields.json", "", "utf-8", id="not-utf-8"),
    pytest.param(lambda root: shutil.rmtree(root / "sources"), "sources", "", "No such file", id="folder-gone"),
    pytest.param(
        edited("fields.json", lambda read: row(read, "phone").pop("help")),
        "fields.json", "$.fields[5]", '"help" is a required property', id="missing-property",
    ),
    pytest.param(
        edited("fields.json", lambda read: row(read, "phone").update(convert="fone")),
        "fields.json", "$.fields[5].convert", '"fone" is not one of "address", "country", ', id="unknown-converter",
    ),
    pytest.param(
        edited("fields.json", lambda read: row(read, "phone").pop("label")),
        "fields.json", "$.fields[5]", '"label" is a required property', id="missing-label",
    ),
    pytest.param(
        edited("fields.json", lambda read: read["fields"].append({**row(read, "phone"), "aliases": {}})),
        "fields.json", "$.fields", "there are two of the key phone", id="field-declared-twice",
    ),
    pytest.param(
        edited("outputs.json", lambda read: read["outputs"]["contact"].append(read["outputs"]["contact"][0])),
        "outputs.json", "$.outputs.contact", "there are two of the key", id="output-named-twice",
    ),
    pytest.param(
        lambda root: (root / "csv.json").write_text('{"key": "csv", "label": "A", "label": "B"}'),
        "csv.json", "", "the name label stands twice in one object", id="name-twice-in-an-object",
    ),
    pytest.param(
        edited("triggers/contact_created.json", lambda read: read.pop("label")),
        "triggers/contact_created.json", "$", '"label" is a required property', id="trigger-without-label",
    ),
    pytest.param(
        edited("fields.json", lambda read: row(read, "phone").update(colour="red")),
        "fields.json", "$.fields[5]", "'colour' was unexpected", id="unknown-property",
    ),
    pytest.param(
        edited("fields.json", lambda read: row(read, "phone")["aliases"]["en"].append("e-mail")),
        "fields.json", "aliases", "alias 'e-mail' of phone is also an alias of email", id="alias-of-two-fields",
    ),
    pytest.param(
        edited("fields.json", lambda read: read["never"].append("telephone")),
        "fields.json", "aliases", "of phone is also an alias of never", id="alias-that-is-forbidden",
    ),
    pytest.param(
        edited("sources/notion.json", lambda read: read.update(key="motion")),
        "sources/notion.json", "$.key", "the key must be the file's name", id="key-is-not-the-file",
    ),
    pytest.param(
        edited("sources/notion.json", lambda read: read["tables"].update({"": [{"field": "e", "first_of": ["x"]}]})),
        "sources/notion.json", "$.tables", "unknown field e", id="unknown-contact-field",
    ),
    pytest.param(
        edited("sources/shopify.json", lambda read: read["tables"][""][0].update(first_of=[])),
        "sources/shopify.json", "$.tables[''][0].first_of", "[]", id="row-of-a-table-without-a-name",
    ),
    pytest.param(
        edited("fields.json", lambda read: row(read, "phone")["aliases"].update({"5": [1]})),
        "fields.json", "$.fields[5].aliases.5[0]", "1 is not of type", id="below-a-name-of-digits",
    ),
    pytest.param(
        edited("fields.json", lambda read: row(read, "phone").update(convert="a\ud800b")),
        "fields.json", "", "surrogates not allowed", id="half-a-character",
    ),
    pytest.param(
        edited("sources/notion.json", lambda read: read.update(variants=[])),
        "sources/notion.json", "$.variants", "[]", id="source-without-variants",
    ),
    pytest.param(
        edited("actions/upsert_contact.json", lambda read: read["input"]["fields"].append("shoe_size")),
        "actions/upsert_contact.json", "$.input", "unknown field shoe_size", id="action-with-unknown-field",
    ),
    pytest.param(
        edited("actions/upsert_contact.json", lambda read: read.update(method="FETCH")),
        "actions/upsert_contact.json", "$.method", '"FETCH" is not one of "GET"', id="action-with-unknown-method",
    ),
    pytest.param(
        edited("exports/brevo.json", lambda read: read["columns"].update(SHOE="shoe_size")),
        "exports/brevo.json", "$.columns", "unknown field shoe_size", id="export-with-unknown-field",
    ),
    pytest.param(
        edited("exports/brevo.json", lambda read: read.update(recognised_by=[])),
        "exports/brevo.json", "$.recognised_by", "[]", id="export-that-nothing-recognises",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "file", "path", "reason"), BROKEN)
def test_a_broken_manifest_names_file_place_and_reason(
    spoil: Break, file: str, path: str, reason: str, tmp_path: Path
) -> None:
    root = tmp_path / "manifests"
    for part in [each.name for each in ROOT.iterdir() if each.name not in ("platforms", "samples")]:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        root.mkdir(exist_ok=True)
        copy(ROOT / part, root / part)
    spoil(root)
    with pytest.raises(ManifestBroken) as caught:
        load(root)
    assert (caught.value.file, reason in caught.value.reason) == (file, True), caught.value.reason
    assert caught.value.path.startswith(path)
    assert f"manifests/{file}" in str(caught.value)


def test_a_declared_field_is_all_that_a_new_field_needs(tmp_path: Path) -> None:
    """Declare once: a row added to fields.json is translated and written with no other edit."""
    root = tmp_path / "manifests"
    shutil.copytree(ROOT, root)
    shoe = {"key": "shoe_size", "label": "Shoe", "type": "string", "help": "EU.", "example": "38", "convert": "text"}
    crisp = {"crisp": {"path": "person.shoe", "form": "plain"}, "clears_on": [], "aliases": {"fr": ["pointure"]}}
    edited("fields.json", lambda read: read["fields"].append({**shoe, **crisp}))(root)
    manifest: Manifest = load(root)
    record = Record({"email": "ada@example.com", "Pointure": 38.0})
    contact = translate(record, manifest.sources["generic"], manifest, Rules(Given())).contact
    assert card_of(contact, manifest.fields) == {"email": "ada@example.com", "person": {"shoe": "38"}}
