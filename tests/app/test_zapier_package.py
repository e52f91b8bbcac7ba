"""What Zapier's server checks of an app and its schema package does not; and that an app is made of the manifests."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connector import packages
from connector.app import openapi
from connector.manifest import shipped
from connector.platforms.zapier import build
from connector.platforms.zapier.app import app

APP = app(packages.told(shipped(), openapi()))
KINDS = ("triggers", "creates", "searches")
PARTS = {f"{kind}.{key}": part for kind in KINDS for key, part in APP[kind].items()}
SHOWN = {name: part for name, part in PARTS.items() if not part["display"].get("hidden")}
every_part = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
every_shown = pytest.mark.parametrize("part", SHOWN.values(), ids=SHOWN)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, itself first."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(each)


def fields(part: dict[str, Any], name: str = "inputFields") -> list[dict[str, Any]]:
    """Fields that are no function."""
    return [each for each in part["operation"].get(name, []) if "key" in each]


def test_every_action_and_trigger_is_there() -> None:
    actions, triggers = shipped().actions, shipped().triggers
    assert {*APP["creates"], *APP["searches"]} == set(actions)
    told = {key for key, part in APP["triggers"].items() if part["operation"]["type"] == "hook"}
    polled = {key for key, part in APP["triggers"].items() if "(Polling)" in part["display"]["label"]}
    assert (told, polled) == (set(triggers), {f"{key}_poll" for key in triggers})
    assert {key for key in APP["triggers"] if key not in told | polled} == {"segment_list"}


@every_shown
def test_each_has_a_label_a_sentence_a_sample_and_outputs(part: dict[str, Any]) -> None:
    label, told = part["display"]["label"], part["display"]["description"]
    assert len(label) <= 64
    assert re.fullmatch(r"[A-Z].{0,998}\.", told)
    assert part["operation"]["sample"]
    assert fields(part, "outputFields")


@every_shown
def test_what_a_sample_shows_has_a_label(part: dict[str, Any]) -> None:
    """But lists of objects, the search's second name of the id, and counts of a deletion that nobody needs."""
    known = {each["key"] for each in fields(part, "outputFields")}
    unlabelled = {"notes", "records", "id", "people", "links"}
    for key, value in part["operation"]["sample"].items():
        inner = {f"{key}__{each}" for each in value} if isinstance(value, dict) and key not in known else {key}
        assert inner <= known | unlabelled


def test_no_two_have_one_label() -> None:
    for kind in KINDS:
        labels = [part["display"]["label"] for part in APP[kind].values()]
        assert len(labels) == len(set(labels))


@every_part
def test_triggers_say_so_and_their_samples_have_an_id(part: dict[str, Any]) -> None:
    if part["key"] not in APP["triggers"]:
        return
    assert part["display"]["description"].startswith("Triggers when ")
    assert part["operation"]["sample"]["id"]
    hook = {"performList", "performSubscribe", "performUnsubscribe"}
    assert (part["operation"]["type"] == "hook") == (hook <= set(part["operation"]))


@every_part
def test_keys_are_there_once_and_lead_somewhere(part: dict[str, Any]) -> None:
    for name in ("inputFields", "outputFields"):
        keys = [each["key"] for field in fields(part, name) for each in (field, *field.get("children", ()))]
        assert len(keys) == len(set(keys))
    groups = {each["key"] for each in part["operation"].get("inputFieldGroups", ())}
    assert groups == {each["group"] for each in fields(part) if "group" in each}
    for field in fields(part):
        trigger, _, names = field.get("dynamic", "segment_list.id.name").partition(".")
        assert names.split(".") == list(APP["triggers"][trigger]["operation"]["sample"])
        assert 1 <= len(field["helpText"]) <= 1_000
        assert isinstance(field.get("default", ""), str)


def test_a_pair_of_search_and_action_is_there() -> None:
    for key, pair in APP["searchOrCreates"].items():
        assert key == pair["key"] == pair["search"]
        assert pair["search"] in APP["searches"]
        assert pair["create"] in APP["creates"]
        assert pair["display"]["description"].endswith(".")


def test_a_function_is_one_and_nothing_else_is_taken_for_one() -> None:
    """Zapier makes a function of any small object with `source` or `require` in it."""
    functions = [each for each in objects(APP) if len(each) <= 2 and {"source", "require"} & set(each)]
    assert functions
    assert all(set(each) == {"source", "args"} and "return" in each["source"] for each in functions)


def test_the_key_goes_in_a_header_alone() -> None:
    text = json.dumps(APP)
    assert text.count("bundle.authData.api_key") == 1
    assert "api_key" not in json.dumps([each.get("url") for each in objects(APP)])


def test_a_field_that_is_declared_is_in_forms_and_outputs() -> None:
    manifest = shipped()
    shoe = replace(manifest.fields["city"], key="shoe_size", label="Shoe Size")
    told = packages.told(replace(manifest, fields={**manifest.fields, "shoe_size": shoe}), openapi())
    made = app(told)
    for key in ("upsert_contact", "create_contact", "update_contact"):
        assert "shoe_size" in [each["key"] for each in fields(made["creates"][key])]
        assert "contact__shoe_size" in [each["key"] for each in fields(made["creates"][key], "outputFields")]
    for part in made["triggers"].values():
        if part["key"] != "segment_list":
            assert "contact__shoe_size" in [each["key"] for each in fields(part, "outputFields")]
    assert "shoe_size" in [each["key"] for each in fields(made["searches"]["find_contact"], "outputFields")]


def test_the_address_of_a_service_is_filled_in() -> None:
    at = packages.told(shipped(), openapi(), "https://crisp.example.org/connector/")
    address = app(at)["authentication"]["fields"][0]
    assert address["default"] == address["placeholder"] == "https://crisp.example.org/connector"
    assert "https://crisp.example.org/connector" in build(at)["README.md"].decode()
    assert "default" not in APP["authentication"]["fields"][0], "an example is nobody's address"


def test_the_versions_are_those_that_are_tested() -> None:
    package = json.loads(build(packages.told(shipped(), openapi()))["package.json"])
    assert package["version"] == APP["version"]
    assert set({**package["dependencies"], **package["devDependencies"]}.values()) == {APP["platformVersion"]}
