"""Power Automate: the definition is valid, and everything in it works when only the definition is known."""

import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from jsonschema import Draft4Validator, Draft7Validator
from openapi_spec_validator import OpenAPIV2SpecValidator

from connector import packages
from connector.declared import Field
from connector.manifest import Manifest, manifests_root, shipped
from connector.platforms.power_automate import build
from tests.hooks.receiving import Receiver, receiving
from tests.platforms.schemas import read, schemas
from tests.platforms.swagger import Client
from tests.process.running import Crisp, Service, until
from tests.process.subscriber import in_crisp

SAMPLES = Path(str(manifests_root())) / "samples" / "dynamics"
WEIGHT = Field(
    "shoe_size", "Shoe Size", "number", "How long the feet are.", 42, "person.shoe_size", "plain", "text", None, (), ()
)


def built(address: str = "https://connector.example.com", manifest: Manifest | None = None) -> Mapping[str, bytes]:
    return build(packages.told(manifest or shipped(), {}, address))


def document(name: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(built(**more)[name])
    return found


DEFINITION = document("apiDefinition.swagger.json")
ACTIONS = sorted(set(shipped().actions) - {"create_contact"})


@pytest.fixture
def client(service: Service) -> Client:
    return Client(document("apiDefinition.swagger.json", address=service.url), service.url, service.key)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_the_definition_is_valid_swagger() -> None:
    assert list(OpenAPIV2SpecValidator(DEFINITION).iter_errors()) == []


def test_the_files_are_as_the_public_schemas_of_connectors_say() -> None:
    folder = schemas("power_automate") / "schemas"
    for name, schema, draft in (
        ("apiDefinition.swagger.json", "apiDefinition.swagger.schema.json", Draft4Validator),
        ("apiProperties.json", "paconn-apiProperties.schema.json", Draft7Validator),
    ):
        rules = draft(read(folder / schema))
        assert [error.message for error in rules.iter_errors(document(name))] == []
        assert list(rules.iter_errors({**document(name), "swagger": "3.0", "properties": 7})), "it finds nothing"


def test_operations_are_named_and_described_as_the_platform_wants() -> None:
    listed = [each for _, _, each in Client(DEFINITION, "", "").operations()]
    assert len({each["operationId"] for each in listed}) == len(listed)
    for each in listed:
        assert re.fullmatch(r"([A-Z][a-z0-9]*)+", each["operationId"])
        assert each["description"].endswith(".")
        assert each["description"].rstrip(".") != each["summary"]
        hidden = [one for one in each["parameters"] if one.get("x-ms-visibility") == "internal" and one["required"]]
        assert all("default" in one for one in hidden)


def shapes(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema of fields that the definition has."""
    if isinstance(node, dict):
        yield from node["properties"].values() if isinstance(node.get("properties"), dict) else ()
        yield from (inner for each in node.values() for inner in shapes(each))
    elif isinstance(node, list):
        yield from (inner for each in node for inner in shapes(each))


def test_every_field_has_one_type_and_is_described() -> None:
    """What has none makes "does not contain a valid OpenAPI schema object" of the whole."""
    found = [each for each in shapes(DEFINITION) if "$ref" not in each]
    assert len(found) > 200
    assert not [each for each in found if not (isinstance(each.get("type"), str) and each.get("description"))]
    assert not [each for each in found if each.get("additionalProperties") == {}]


def test_every_action_and_trigger_is_there() -> None:
    """Create Contact is Create or Update Contact with a mode that one chooses: Swagger has one of them."""
    upsert = DEFINITION["paths"]["/v1/contacts"]["post"]
    assert "create" in next(each for each in upsert["parameters"] if each["name"] == "mode")["enum"]
    names = {each["operationId"] for _, _, each in Client(DEFINITION, "", "").operations()}
    assert {key.title().replace("_", "") for key in ACTIONS} <= names
    watched = DEFINITION["paths"]["/v1/subscriptions"]["post"]["parameters"][0]["schema"]["properties"]["event"]
    assert watched["enum"] == list(shipped().triggers)
    assert {each["value"] for each in watched["x-ms-enum-values"]} == set(shipped().triggers)


def test_a_field_that_is_added_is_everywhere() -> None:
    more = replace(shipped(), fields={**shipped().fields, WEIGHT.key: WEIGHT})
    wider = document("apiDefinition.swagger.json", manifest=more)
    shown = {"type": "number", "format": "double", "x-ms-summary": WEIGHT.label, "description": WEIGHT.help}
    upsert = wider["paths"]["/v1/contacts"]["post"]["parameters"][-1]["schema"]["properties"]
    many = wider["paths"]["/v1/contacts/batch"]["post"]["parameters"][-1]["schema"]["properties"]["records"]["items"]
    told = wider["definitions"]["Person"]["properties"]
    assert [each[WEIGHT.key] for each in (upsert, many["properties"], told)] == [shown] * 3


def test_the_address_of_the_service_and_the_key_are_asked_for() -> None:
    asked = document("apiProperties.json", address="https://crisp.example.org")["properties"]
    assert [(name, each["type"]) for name, each in asked["connectionParameters"].items()] == [
        ("host_url", "string"),
        ("api_key", "securestring"),
    ]
    [policy] = asked["policyTemplateInstances"]
    assert "connectionParameters('host_url')" in json.dumps(policy)
    wanted = document("apiDefinition.swagger.json", address="https://crisp.example.org/hub")
    assert (wanted["host"], wanted["basePath"], wanted["schemes"]) == ("crisp.example.org", "/hub", ["https"])


def test_the_icon_is_a_picture() -> None:
    icon = built()["icon.png"]
    width, height, depth = struct.unpack(">IIB", icon[16:25])
    assert (icon[:8], width, height) == (b"\x89PNG\r\n\x1a\n", 128, 128)
    start = icon.index(b"IDAT")
    size = struct.unpack(">I", icon[start - 4 : start])[0]
    pixels = zlib.decompress(icon[start + 4 : start + 4 + size])
    assert len(pixels) == height * (1 + width * depth // 8)
    assert len(set(pixels)) > 5


def test_contacts_are_written_found_and_erased(client: Client, crisp: Crisp) -> None:
    made = client.call("UpsertContact", body={"email": "ada@example.com", "first_name": "Ada", "gender": "female"})
    assert made.json()["status"] == "created"
    again = client.call("UpsertContact", mode="create", body={"email": "ada@example.com"})
    assert (again.status_code, again.json()["code"]) == (409, "contact_exists")
    changed = client.call("UpdateContact", who="ada@example.com", body={"city": "Nantes", "segments": ["vip"]})
    assert changed.json()["changed"] == ["city", "segments"]
    data = client.call("UpdateData", who="ada@example.com", body={"data": {"plan": "pro", "seats": 3}})
    assert data.json()["status"] == "updated"
    found = client.call("FindContact", who="ada@example.com").json()
    assert (found["city"], found["segments"], found["data"]) == ("Nantes", ["vip"], {"plan": "pro", "seats": 3})
    assert client.call("DeleteContact", who="ada@example.com").json()["in_crisp"] is True
    assert crisp.people() == {}


def test_many_contacts_are_previewed_and_written(client: Client, crisp: Crisp, service: Service) -> None:
    records = {"records": [{"email": f"p{number}@example.com", "nickname": "P"} for number in range(3)]}
    assert client.call("PreviewContacts", body=records).json()["totals"]["created"] == 3
    assert crisp.people() == {}
    accepted = client.call("UpsertContacts", body=records)
    assert service.finished(accepted.json()["import_id"])["totals"]["created"] == 3


def test_what_was_done_was_all_actions(client: Client) -> None:
    """Every operation is called in this module; those that fill forms by what is said in the fields."""
    called = set(re.findall(r'(?:call|watch)\(\s*"(\w+)"', Path(__file__).read_text())) | {"ListChoices", "ListKeys"}
    assert {each["operationId"] for _, _, each in client.operations()} == called


def test_a_record_that_waits_is_not_asked_for_again(client: Client, crisp: Crisp) -> None:
    """A 202 with a Location would make the flow wait there until the record is through, be it hours."""
    waits = client.call("UpsertContact", wait=0, body={"email": "later@example.com"})
    assert (waits.status_code, waits.json()["status"]) == (202, "waiting")
    assert "Location" not in waits.headers


def test_what_is_wrong_is_told_in_a_sentence(client: Client) -> None:
    refused = client.call("UpsertContact", body={"email": "nobody"})
    assert (refused.status_code, refused.json()["code"]) == (422, "email_invalid")
    assert "valid email address" in refused.json()["message"]
    stranger = replace(client, key="ck_wrong")
    assert stranger.call("TestConnection").status_code == 401
    assert client.call("TestConnection").json()["website_id"]


def test_lists_and_forms_are_filled_by_the_service(client: Client, service: Service) -> None:
    """Keys of custom data are a form of their own, without a prefix; what it takes is what the contact gets."""
    properties = client.operation("UpsertContact")[2]["parameters"][-1]["schema"]["properties"]
    first = {"email": "ada@example.com", "segments": ["vip"], "data": {"plan": "pro"}}
    assert client.call("UpsertContact", body=first).ok
    assert service.post("/v1/contacts", json=first).ok
    choices = client.choices(properties["segments"]["items"])
    form = client.form(properties["data"])
    assert ("vip", "vip") in choices
    assert form["properties"]["plan"]["type"] == "string"
    told = client.call(
        "UpsertContact", body={"email": "ada@example.com", "data": dict.fromkeys(form["properties"], "x")}
    )
    assert told.json()["contact"]["data"]["plan"] == "x"


def test_the_trigger_subscribes_is_told_and_ends(client: Client, crisp: Crisp, receiver: Receiver) -> None:
    chosen = {"event": "contact_created", "filter": {"segment": "beta, vip"}, "include_own": True}
    made = client.watch("WhenSomethingHappens", f"{receiver.url}/flow", **chosen)
    assert made.status_code == 201
    in_crisp(crisp, "POST", "people/profile", email="eve@example.com", person={"nickname": "Eve"}, segments=["vip"])
    [told] = until(lambda: receiver.of("/flow"), what="the event")
    event = json.loads(told.body)
    item = client.definition["paths"]["/v1/subscriptions"]
    client.check(item["x-ms-notification-content"]["schema"], event)
    assert (event["event"], event["contact"]["email"]) == ("contact_created", "eve@example.com")
    ended = requests.delete(made.headers["Location"], timeout=10)
    assert (ended.status_code, ended.json()["deleted"]) == (200, True)
    gone = client.call("Unsubscribe", id=made.json()["id"])
    assert (gone.status_code, gone.json()["code"]) == (404, "subscription_missing")


def expressed(value: Any, facts: Mapping[str, Any]) -> Any:
    """A value of a flow with its expressions in their place: the few that ours use."""
    if isinstance(value, dict):
        return {name: expressed(each, facts) for name, each in value.items()}
    whole = re.fullmatch(r"@\{?([^{}]+?)\}?", value)
    return facts[whole[1]] if whole else value


@pytest.mark.parametrize(
    ("table", "sample"), [("contact", "power_automate_trigger"), ("lead", "web_api_lead")], ids=["contact", "lead"]
)
def test_a_row_of_dataverse_becomes_a_contact(service: Service, crisp: Crisp, table: str, sample: str) -> None:
    flow = document(f"flows/{table}_to_crisp.json", address=service.url)["properties"]["definition"]
    row, expected = (json.loads((SAMPLES / f"{sample}{end}.json").read_text()) for end in ("", ".contact"))
    [trigger], [action] = flow["triggers"].values(), flow["actions"].values()
    assert trigger["inputs"]["parameters"]["subscriptionRequest/entityname"] == table
    facts = {"triggerOutputs()?['body']": row, "parameters('api_key')": service.key, "workflow().run.name": table}
    sent = expressed(action["inputs"], facts)
    answer = requests.request(
        sent["method"], sent["uri"], params=sent["queries"], headers=sent["headers"], json=sent["body"], timeout=40
    )
    assert (answer.status_code, answer.json()["status"], answer.json()["source"]) == (200, "created", "dynamics")
    assert answer.json()["contact"]["email"] == expected["records"][0]["contact"]["email"]
    assert action["runtimeConfiguration"]["secureData"]["properties"] == ["inputs"]
