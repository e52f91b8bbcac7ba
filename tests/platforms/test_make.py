"""Make: every file is as Make's editor wants it, and every module, list and webhook does what it says."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pytest_httpserver import HTTPServer
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from connector import packages
from connector.declared import Field
from connector.manifest import Manifest, shipped
from connector.platforms.make import build
from tests.hooks.receiving import Receiver, receiving
from tests.platforms.iml import App, Failed, assert_fits
from tests.platforms.proxies import behind
from tests.platforms.schemas import schemas, without_anchors
from tests.process.running import Crisp, Service, until
from tests.process.subscriber import in_crisp

SIZE = Field(
    "shoe_size", "Shoe Size", "number", "How long the feet are.", 42, "person.shoe_size", "plain", "text", None, (), ()
)
# Part of a file's name → the schema that its content follows.
RULES = (
    ("static-params.", "parameters"),
    ("mappable-params.", "parameters"),
    (".params.", "parameters"),
    (".interface.", "parameters"),
    (".communication.", "api"),
    (".attach.", "api"),
    (".detach.", "api"),
    (".update.", "api"),
    (".samples.", "samples"),
    ("base.iml", "base"),
    ("groups.json", "groups"),
    ("required-scope", "scope"),
)


def built(address: str = "https://connector.example.com", manifest: Manifest | None = None) -> Mapping[str, bytes]:
    return build(packages.told(manifest or shipped(), {}, address))


FILES = {path: json.loads(content) for path, content in built().items() if path.endswith(".json")}
CODE = sorted(path for path in FILES if not path.startswith("blueprints/") and path != "makecomapp.json")
INDEX = FILES["makecomapp.json"]["components"]


@pytest.fixture
def app(service: Service) -> App:
    return App(built(service.url), {"base_url": service.url, "api_key": service.key})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def schema_of(path: str) -> str:
    return next(schema for part, schema in RULES if part in path)


@pytest.fixture(scope="module")
def syntaxes() -> Path:
    return schemas("make") / "syntaxes"


@pytest.fixture(scope="module")
def known(syntaxes: Path) -> Registry[Any]:
    read = {each.name: json.loads(each.read_text()) for each in (syntaxes / "imljson" / "schemas").glob("*.json")}
    told = {
        name: Resource.from_contents(without_anchors(each), default_specification=DRAFT7) for name, each in read.items()
    }
    return Registry[Any]().with_resources(told.items())


@pytest.mark.parametrize("path", CODE)
def test_a_file_is_as_the_editor_wants_it(known: Registry[Any], path: str) -> None:
    rules = Draft7Validator({"$ref": f"{schema_of(path)}.json"}, registry=known)
    assert [error.message for error in rules.iter_errors(FILES[path])] == []


def test_the_schemas_find_what_is_wrong(known: Registry[Any]) -> None:
    wrong = {"parameters": [{"name": "a", "type": "phone"}], "api": {"address": "/"}, "base": {"baseUrl": 7}}
    for schema, value in wrong.items():
        assert list(Draft7Validator({"$ref": f"{schema}.json"}, registry=known).iter_errors(value))


def test_the_index_is_as_the_editor_wants_it(syntaxes: Path) -> None:
    rules = json.loads((syntaxes / "local-development" / "schemas" / "makecomapp.schema.json").read_text())
    found = Draft7Validator(without_anchors(rules)).iter_errors(FILES["makecomapp.json"])
    assert [error.message for error in found] == []


def test_the_index_names_every_file_and_every_component_is_used() -> None:
    general = FILES["makecomapp.json"]["generalCodeFiles"].values()
    named = [path for kind in INDEX.values() for each in kind.values() for path in each["codeFiles"].values()]
    blueprints = [path for path in built() if path.startswith("blueprints/")]
    assert sorted({*filter(None, [*general, *named]), *blueprints, "makecomapp.json"}) == sorted(built())
    grouped = [key for group in FILES["modules/groups.json"] for key in group["modules"]]
    assert sorted(grouped) == sorted(INDEX["module"])
    text = json.dumps([FILES[path] for path in CODE])
    assert all(f'"rpc://{key}"' in text for key in INDEX["rpc"])
    assert {each["webhook"] for each in INDEX["module"].values() if each["moduleType"] == "instant_trigger"} == set(
        INDEX["webhook"]
    )


def test_every_action_and_every_trigger_is_a_module() -> None:
    assert len(INDEX["module"]) == len(shipped().actions) + len(shipped().triggers) + 1
    assert len(INDEX["webhook"]) == len(shipped().triggers)
    assert INDEX["module"]["findContact"]["moduleType"] == "search"
    assert INDEX["module"]["deleteContact"]["actionCrud"] == "delete"


def test_samples_fit_the_interfaces() -> None:
    app = App(built(), {})
    for key in INDEX["module"]:
        interface, sample = (app.code("module", key, name) for name in ("interface", "samples"))
        assert_fits(interface, sample)
        assert {each["name"] for each in interface} & set(sample), "nothing of the sample is in the interface"


def test_a_field_that_is_added_is_everywhere() -> None:
    more = replace(shipped(), fields={**shipped().fields, SIZE.key: SIZE})
    wider = App(built(manifest=more), {})
    contact = wider.code("module", "upsertContact", "mappableParams")
    [records] = (each for each in wider.code("module", "upsertContacts", "mappableParams") if each["name"] == "records")
    event = wider.code("module", "watchContactCreated", "interface")
    told = next(each for each in event if each["name"] == "contact")["spec"]
    shown = {"name": SIZE.key, "type": "number", "label": SIZE.label, "help": SIZE.help, "required": False}
    assert shown in contact
    assert shown in records["spec"]
    assert {"name": SIZE.key, "type": "number", "label": SIZE.label} in told


@pytest.mark.parametrize("prefix", ["", "/behind", "/behind/"])
def test_what_ends_the_address_does_no_harm(app: App, service: Service, httpserver: HTTPServer, prefix: str) -> None:
    """A slash, and a path that a proxy takes away."""
    address = behind(httpserver, prefix, service.url) if prefix else f"{service.url}/"
    there = replace(app, connection={**app.connection, "base_url": address})
    assert there.tested() == app.tested()
    assert there.run("upsertContact", email=f"end{len(prefix)}@example.com")["status"] == "created"


def test_the_key_is_kept_out_of_logs_and_addresses() -> None:
    for path in ("general/base.iml.json", "connections/connector/connector.communication.iml.json"):
        assert FILES[path]["log"] == {"sanitize": ["request.headers.authorization"]}
    asked = [each for path, each in FILES.items() if schema_of(f"{path}base.iml") == "api"]
    assert not [each for each in asked if "api_key" in json.dumps([each.get("url"), each.get("qs")])]


def test_the_connection_is_tried_and_named(app: App, service: Service) -> None:
    me = service.get("/v1/me").json()
    assert app.tested() == f"{me['label']} ({me['website_id']})"
    with pytest.raises(Failed, match=r"^\[401\] .*key"):
        replace(app, connection={**app.connection, "api_key": "ck_wrong"}).tested()


def test_contacts_are_written_found_and_erased(app: App, crisp: Crisp) -> None:
    """The country of a contact and the country of phone numbers are told apart."""
    pairs = [{"key": "plan", "value": "pro"}]
    made = app.run("upsertContact", email="ada+x@example.com", country="GB", data=pairs, options={"country": "FR"})
    assert (made["status"], made["contact"]["country"], made["contact"]["data"]) == ("created", "GB", {"plan": "pro"})
    changed = app.run("updateContact", who="ada+x@example.com", phone="06 39 98 12 34", options={"country": "FR"})
    assert changed["contact"]["phone"] == "+33639981234"
    form = app.run("updateData", who="ada+x@example.com", data_form="form", data={"plan": "max"})
    assert form["changed"] == ["data.plan"]
    assert app.run("findContact", who="ada+x@example.com")["data"] == {"plan": "max"}
    assert app.run("deleteContact", who=made["people_id"])["in_crisp"] is True
    assert crisp.people() == {}


def test_many_contacts_are_previewed_and_written(app: App, crisp: Crisp, service: Service) -> None:
    records = [{"email": f"p{each}@example.com", "data": [{"key": "row", "value": each}]} for each in range(3)]
    assert app.run("previewContacts", records=records)["totals"]["created"] == 3
    assert crisp.people() == {}
    accepted = app.run("upsertContacts", records=records)
    assert service.finished(accepted["import_id"])["totals"]["created"] == 3


def test_a_create_says_that_somebody_is_there(app: App, crisp: Crisp) -> None:
    assert app.run("createContact", email="eva@example.com")["status"] == "created"
    with pytest.raises(Failed, match=r"^\[409\] .*already") as found:
        app.run("createContact", email="eva@example.com")
    assert found.value.kind == "DataError"


def test_boxes_that_are_mapped_and_empty_say_nothing(app: App, crisp: Crisp) -> None:
    """Make sends a text of no length, or null."""
    declared = [key for key in shipped().fields if key not in ("email", "data", "gender", "city")]
    app.run("upsertContact", email="box@example.com", city="Nantes")
    empty = dict.fromkeys(declared, "") | {"gender": None, "city": ""}
    nothing = {"mode": "", "timezone": "", "country": "", "wait": ""}
    told = app.run("upsertContact", email="box@example.com", **empty, options=nothing)
    assert told["status"] == "unchanged"


@pytest.mark.parametrize(
    ("module", "given", "kind", "said"),
    [
        ("upsertContact", {"email": "nobody"}, "DataError", r"\[422\] .*valid email"),
        ("findContact", {"who": "nobody@example.com"}, "DataError", r"\[404\] "),
        ("updateContact", {"who": "?"}, "DataError", r"\[422\] "),
    ],
)
def test_an_error_is_the_sentence_of_the_service(
    app: App, crisp: Crisp, module: str, given: dict[str, Any], kind: str, said: str
) -> None:
    with pytest.raises(Failed, match=said) as found:
        app.run(module, **given)
    assert found.value.kind == kind
    with pytest.raises(Failed, match=r"\[401\] ") as refused:
        replace(app, connection={**app.connection, "api_key": "ck_wrong"}).run(module, **given)
    assert refused.value.kind == "InvalidAccessTokenError"


def test_errors_that_pass_are_tried_again() -> None:
    """Make does that for these types when a scenario stores incomplete executions."""
    told = FILES["general/base.iml.json"]["response"]["error"]
    assert {told[status]["type"] for status in ("429", "502", "503")} == {"RateLimitError", "ConnectionError"}


def test_lists_and_forms_are_filled_by_the_service(app: App, service: Service) -> None:
    app.run("upsertContact", email="ada@example.com", segments=["vip"], data=[{"key": "plan", "value": "pro"}])
    assert {"label": "vip", "value": "vip"} in app.listed("segments")
    assert {"label": "plan", "value": "plan"} in app.listed("dataKeys")
    [plan] = [each for each in app.listed("dataFields") if each["name"] == "plan"]
    assert (plan["type"], plan["label"], plan["required"]) == ("text", "plan", False)


def test_any_request_can_be_made_with_the_key_of_the_connection(app: App, crisp: Crisp) -> None:
    assert app.run("makeApiCall", url="/v1/me")["statusCode"] == 200
    me = app.run("makeApiCall", url="v1/me")
    assert (me["statusCode"], me["headers"]["Content-Type"]) == (200, "application/json")
    asked = [{"key": "limit", "value": "1"}]
    assert len(app.run("makeApiCall", url="v1/outcomes", method="GET", qs=asked)["body"]) <= 1
    sent = app.run("makeApiCall", url="v1/contacts", method="POST", body='{"email": "any@example.com"}')
    assert sent["body"]["status"] == "created"


def test_the_key_goes_to_no_other_address(app: App, crisp: Crisp, httpserver: HTTPServer) -> None:
    with pytest.raises(Failed, match=r"^\[404\] "):
        app.run("makeApiCall", url=httpserver.url_for("/v1/me"))
    assert httpserver.log == []


@pytest.mark.parametrize("trigger", shipped().triggers)
def test_every_webhook_subscribes_and_ends(app: App, service: Service, receiver: Receiver, trigger: str) -> None:
    key = "".join(each.capitalize() for each in trigger.split("_"))
    key = key[0].lower() + key[1:]
    given = dict.fromkeys(shipped().triggers[trigger].filters, "beta, vip") | (
        {"changed": "city, segments"} if "changed" in shipped().triggers[trigger].filters else {}
    )
    kept = app.attach(key, f"{receiver.url}/{trigger}", **given, include_own=True)
    found = service.get(f"/v1/subscriptions/{kept['externalHookId']}").json()
    wanted = {name: value.split(", ") for name, value in given.items()}
    assert (found["event"], found["filter"], found["include_own"]) == (trigger, wanted, True)
    app.detach(key, kept)
    assert service.get(f"/v1/subscriptions/{kept['externalHookId']}").status_code == 404


def test_a_trigger_without_conditions_brings_events(app: App, crisp: Crisp, receiver: Receiver) -> None:
    kept = app.attach("contactCreated", f"{receiver.url}/make")
    in_crisp(crisp, "POST", "people/profile", email="eve@example.com", person={"nickname": "Eve"})
    [told] = until(lambda: receiver.of("/make"), what="the event")
    event = json.loads(told.body)
    assert_fits(app.code("module", "watchContactCreated", "interface"), event)
    assert event["contact"]["email"] == "eve@example.com"
    app.detach("contactCreated", kept)
