"""The n8n package: everything in it comes out of the manifests, and nothing is sent that nobody typed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connector import packages
from connector.app import openapi
from connector.declared import Field
from connector.manifest import Manifest, shipped
from connector.platforms import EXAMPLE, registry
from connector.platforms.n8n.properties import of_parameter

NODE, TRIGGER = (f"dist/nodes/CrispConnector/{name}.json" for name in ("CrispConnector", "CrispConnectorTrigger"))
MORE = Field("shoe_size", "Shoe Size", "integer", "Continental.", 42, "person.shoe_size", "plain", "text", None, (), ())


def built(manifest: Manifest, address: str = EXAMPLE) -> dict[str, bytes]:
    return dict(registry()["n8n"].build(packages.told(manifest, openapi(), address)))


def described(manifest: Manifest, path: str = NODE) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(built(manifest)[path])
    return found


def fields_of(node: dict[str, Any], operation: str) -> dict[str, dict[str, Any]]:
    """What an operation asks for, by its name; what stands in its collections as well."""
    asked = [each for each in node["properties"] if operation in each.get("displayOptions", {})["show"]["operation"]]
    inside = [option for each in asked if each["type"] == "collection" for option in each["options"]]
    return {each["name"]: each for each in [*asked, *inside]}


@pytest.mark.parametrize("kind", ["string", "text", "datetime", "boolean", "integer", "number", "list", "url"])
def test_a_field_that_is_declared_is_in_the_node(kind: str) -> None:
    manifest = replace(shipped(), fields={**shipped().fields, MORE.key: replace(MORE, type=kind)})
    for operation in ("create_contact", "upsert_contact", "update_contact"):
        node = described(manifest)
        node["properties"] = [each for each in node["properties"] if each["name"] not in ("resource", "operation")]
        found = fields_of(node, operation)[MORE.key]
        assert (found["displayName"], found["description"]) == ("Shoe Size", "Continental")
        assert found["routing"] == {"send": {"type": "body", "property": MORE.key}}


def test_actions_and_triggers_are_all_there() -> None:
    node = described(shipped())
    event, filters, _ = described(shipped(), TRIGGER)["properties"]
    operations = [each for group in node["properties"] if group["name"] == "operation" for each in group["options"]]
    assert {each["value"] for each in operations} == set(shipped().actions)
    assert {each["value"] for each in event["options"]} == set(shipped().triggers)
    conditions = {each["name"]: each["displayOptions"]["show"]["/event"] for each in filters["options"]}
    for key, declared in shipped().triggers.items():
        assert {name for name, events in conditions.items() if key in events} == set(declared.filters)


def test_nothing_is_sent_that_nobody_typed() -> None:
    """What stands outside of a collection is sent even when it is empty; so it is asked for."""
    shown = [each for each in described(shipped())["properties"] if each["name"] not in ("resource", "operation")]
    assert [each["name"] for each in shown if each["type"] != "collection" and not each.get("required")] == []
    assert all(each["default"] == {} for each in shown if each["type"] == "collection")


def test_every_property_has_a_default_and_lists_are_in_order() -> None:
    for path in (NODE, TRIGGER):
        for each in properties(described(shipped(), path)["properties"]):
            assert "default" in each
            names = [option["name"] for option in each.get("options", []) if "displayName" not in option]
            assert len(names) < 5 or names == sorted(names)


def properties(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in listed:
        yield each
        yield from properties([option for option in each.get("options", []) if "type" in option])


def test_a_number_among_the_parameters_stays_a_number() -> None:
    wait = {"key": "wait", "label": "Wait", "in": "query", "type": "number", "help": "Seconds.", "default": 20}
    shown = of_parameter(wait)
    assert (shown["type"], shown["default"]) == ("number", 20)


def test_the_address_of_the_service_is_filled_in_and_nobody_s_credentials_are() -> None:
    package = built(shipped(), "https://crisp.acme.test/")
    default = json.loads(package["dist/credentials/CrispConnectorApi.json"])["properties"][0]["default"]
    assert default == "https://crisp.acme.test"
    recipes = {path: json.loads(content) for path, content in package.items() if path.startswith("recipes/")}
    assert len(recipes) == 6
    for recipe in recipes.values():
        urls = [each["parameters"]["url"] for each in recipe["nodes"] if "url" in each["parameters"]]
        assert any("https://crisp.acme.test/v1/" in url for url in urls)
        assert not any("credentials" in each for each in recipe["nodes"])
        assert not {"id", "pinData"} & recipe.keys()
