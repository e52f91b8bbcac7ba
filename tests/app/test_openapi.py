"""The OpenAPI document: valid, complete, and true of real answers."""

import json
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from connector.api.fact_examples import FACTS
from connector.errors import CODES
from connector.manifest import shipped
from connector.notes import CODES as NOTES
from tests.app.openapi import compared, differences, document, path_of, resolved, unfit
from tests.app.stack import Stack

ROOT, PROBLEM = Path(__file__).parent, "application/problem+json"
# What a sentence says that nobody has filled in.
GAP = re.compile(r"\{[a-z_]+\}")
METHODS = {"get", "post", "put", "patch", "delete"}
# The contract's actions on one contact, many, history, mappings, keys and fields.
ACTIONS = {
    ("GET", "/v1/me"),
    ("POST", "/v1/contacts"),
    ("POST", "/v1/contacts/batch"),
    ("PATCH", "/v1/contacts/{who}"),
    ("PATCH", "/v1/contacts/{who}/data"),
    ("GET", "/v1/contacts/{who}"),
    ("DELETE", "/v1/contacts/{who}"),
    ("POST", "/v1/preview"),
    ("GET", "/v1/imports"),
    ("GET", "/v1/imports/{import_id}"),
    ("GET", "/v1/imports/{import_id}/records"),
    ("POST", "/v1/imports"),
    ("POST", "/v1/imports/preview"),
    ("GET", "/v1/imports/{import_id}/failures.csv"),
    ("GET", "/v1/imports/{import_id}/crisp.csv"),
    *(("POST", f"/v1/imports/{{import_id}}/{what}") for what in ("pause", "resume", "cancel", "replay")),
    ("GET", "/v1/outcomes"),
    ("GET", "/v1/outcomes/{outcome_id}"),
    ("POST", "/v1/outcomes/replay"),
    ("GET", "/v1/mappings"),
    ("POST", "/v1/mappings"),
    ("GET", "/v1/mappings/{name}"),
    ("PUT", "/v1/mappings/{name}"),
    ("DELETE", "/v1/mappings/{name}"),
    ("GET", "/v1/keys"),
    ("POST", "/v1/keys"),
    ("DELETE", "/v1/keys/{key_id}"),
    ("GET", "/v1/connections"),
    ("POST", "/v1/connections"),
    ("GET", "/v1/connections/{connection_id}"),
    ("PATCH", "/v1/connections/{connection_id}"),
    ("DELETE", "/v1/connections/{connection_id}"),
    ("GET", "/v1/fields"),
    ("GET", "/v1/fields/schema"),
}


@pytest.fixture
def spec(stack: Stack) -> dict[str, Any]:
    return document(stack.app)


def operations(spec: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, item in spec["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_is_valid(spec: dict[str, Any]) -> None:
    validate(spec)
    assert spec["openapi"].startswith("3.1")


def test_has_every_route_and_no_other(stack: Stack, spec: dict[str, Any]) -> None:
    routed = {
        (method, path_of(rule.rule))
        for rule in stack.app.url_map.iter_rules()
        if rule.rule.startswith("/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {each for each in operations(spec) if each[1].startswith("/v1/")} == routed
    assert routed >= ACTIONS


def test_has_every_action_of_the_manifests(spec: dict[str, Any]) -> None:
    found = operations(spec)
    for action in shipped().actions.values():
        operation = found[action.method, action.path]
        labels = {each.label for each in shipped().actions.values() if each.path == action.path}
        assert operation["summary"] in labels
        declared = {parameter["name"] for parameter in operation.get("parameters", ()) if "name" in parameter}
        assert declared >= {parameter["key"] for parameter in action.parameters if parameter["in"] == "query"}


def test_every_operation_says_what_it_does(spec: dict[str, Any]) -> None:
    """In a few words, and in a sentence or two: builders of agents take no longer ones."""
    for where, operation in operations(spec).items():
        assert 5 <= len(operation["summary"]) <= 60, where
        assert not operation["summary"].endswith("."), where
        assert 20 <= len(operation["description"]) <= 300, where
        told = [resolved(spec, each) for each in operation.get("parameters", ())]
        assert all(0 < len(each["description"]) <= 700 for each in told), where


def test_every_operation_keeps_its_name(spec: dict[str, Any]) -> None:
    """Programs are generated from them: a new operation is added here, and none is renamed."""
    named = {operation["operationId"]: " ".join(where) for where, operation in operations(spec).items()}
    assert len(named) == len(operations(spec)), "two are called the same"
    kept = (ROOT / "operations.json").read_text(encoding="utf-8")
    assert named == json.loads(kept)


def test_actions_are_called_as_in_the_manifests(spec: dict[str, Any]) -> None:
    for key, action in shipped().actions.items():
        operation = operations(spec)[action.method, action.path]
        assert operation["operationId"] == ("upsert_contact" if action.query else key)


def test_every_tag_is_explained(spec: dict[str, Any]) -> None:
    explained = {tag["name"]: tag["description"] for tag in spec["tags"]}
    used = {tag for operation in operations(spec).values() for tag in operation["tags"]}
    assert used == set(explained)
    assert all(len(text) >= 40 for text in explained.values()), explained


def test_it_says_whose_it_is_and_where(stack: Stack, spec: dict[str, Any]) -> None:
    assert spec["servers"] == [{"url": "http://localhost", "description": "This service."}]
    assert spec["info"]["contact"]["url"] == "http://localhost/docs"
    assert spec["info"]["license"]["identifier"] == "MIT"
    assert "connector.example.com" not in FlaskClient(stack.app).get("/openapi.json").get_data(as_text=True)


def test_nothing_is_kept_that_nobody_refers_to(spec: dict[str, Any]) -> None:
    told = json.dumps(spec)
    for section, found in spec["components"].items():
        for name in found if section != "securitySchemes" else ():
            assert f'"#/components/{section}/{name}"' in told, f"{section}: {name}"


def failures(spec: dict[str, Any], operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Status → code → example."""
    told = {status: resolved(spec, each) for status, each in operation["responses"].items() if status >= "400"}
    return {
        status: {code: resolved(spec, each)["value"] for code, each in answer["content"][PROBLEM]["examples"].items()}
        for status, answer in told.items()
    }


def test_every_error_is_shown_as_it_is(spec: dict[str, Any]) -> None:
    """Under its status, with the sentence of its code, and without a gap in it."""
    for where, operation in operations(spec).items():
        for status, found in failures(spec, operation).items():
            for code, example in found.items():
                assert example["code"] == code, where
                assert status in (str(example["status"]), "default"), (where, code)
                assert not unfit(spec, {"$ref": "#/components/schemas/ProblemOut"}, example), (where, code)
                # The beginning of the sentence, before what it is filled in with.
                said = CODES[code][2] if code in CODES else NOTES[code][1]
                assert code == "parameter_invalid" or example["message"].startswith(said.partition("{")[0]), (
                    where,
                    code,
                )
                assert not GAP.search(example["message"]), (where, code)


@pytest.mark.parametrize("code", CODES)
def test_the_facts_of_an_example_are_those_of_its_sentence(code: str) -> None:
    gaps = {name for _, name, _, _ in Formatter().parse(CODES[code][2]) if name}
    variants = [
        facts for failure, facts in FACTS.items() if failure.partition("/")[0] == code and "errors" not in facts
    ]
    assert all(set(facts) == gaps for facts in variants)
    assert bool(variants) == bool(gaps)


def test_what_callers_tell_apart_is_said_by_its_status(spec: dict[str, Any]) -> None:
    one, key = "/v1/connections/{connection_id}", {"401", "403", "503"}
    body, import_ = {"400", "413", "415", "422"}, "/v1/imports/{import_id}"
    expected = {
        ("GET", "/healthz"): set(),
        ("GET", "/readyz"): {"422", "503"},
        ("GET", "/v1/me"): {"401", "503"},
        ("POST", "/v1/contacts"): key | body | {"404", "409", "502"},
        ("GET", "/v1/connections"): key,
        ("POST", "/v1/connections"): key | body | {"409", "502"},
        ("GET", one): key | {"404"},
        ("PATCH", one): key | body | {"404", "502"},
        ("DELETE", one): key | {"404", "409", "422"},
        ("POST", "/v1/imports"): key | body | {"404", "409"},
        ("POST", "/v1/imports/preview"): (key | body | {"404"}) - {"403"},
        ("GET", f"{import_}/failures.csv"): {"401", "404", "409", "503"},
        ("GET", f"{import_}/crisp.csv"): {"401", "404", "503"},
        ("POST", f"{import_}/pause"): key | {"404", "409", "422"},
    }
    for where, statuses in expected.items():
        told = operations(spec)[where]["responses"]
        assert {status for status in told if status >= "400" and status != "default"} == statuses, where


def test_a_key_that_is_needed_is_said_to_be(spec: dict[str, Any]) -> None:
    """Whatever is open to nobody without a key tells how a key may be refused, and nothing else does."""
    for where, operation in operations(spec).items():
        is_open = operation.get("security") == []
        assert ("key_missing" in failures(spec, operation).get("401", {})) == (not is_open), where


def test_changing_a_connection_is_not_told_as_adding_one(spec: dict[str, Any]) -> None:
    added, changed = (spec["components"]["schemas"][name]["properties"] for name in ("ConnectionIn", "ChangesIn"))
    for field in ("label", "daily_quota", "rate", "tier", "check"):
        assert added[field]["description"] != changed[field]["description"]
        assert "not said" not in changed[field]["description"]


def test_only_health_needs_no_key(spec: dict[str, Any]) -> None:
    assert spec["security"] == [{"key": []}, {"key_header": []}]
    free = {path for (_, path), operation in operations(spec).items() if operation.get("security") == []}
    # Crisp and other systems prove who they are in ways of their own; packages say nothing of anybody.
    # The first start is opened by a one-time code.
    proved, public = {"/crisp/{connection_id}", "/in/{source}/{inbound_id}", "/v1/setup"}, {"/healthz", "/readyz"}
    assert free == proved | public | {"/manifests", "/manifests/{platform}", "/manifests/schema/{schema}"}


def test_every_field_is_a_property_of_a_contact(spec: dict[str, Any]) -> None:
    body = operations(spec)["POST", "/v1/contacts"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(shipped().fields) <= set(resolved(spec, body["anyOf"][0])["properties"])


def test_has_no_status_that_no_error_has(spec: dict[str, Any]) -> None:
    known = {str(status) for status, _, _ in CODES.values()} | {"200", "201", "202", "default"}
    for where, operation in operations(spec).items():
        assert set(operation["responses"]) <= known, where


class TestTheComparison:
    """That an answer which is not as the document says is found. Every other test's answers are compared so too."""

    def test_a_true_answer_passes(self, stack: Stack, api: FlaskClient) -> None:
        assert differences(stack.app, api.get("/v1/me")) == []

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"tier": 7}, "$.tier"),
            ({"scopes": "admin"}, "$.scopes"),
            ({"zebra": 1}, "zebra"),
        ],
    )
    def test_another_one_does_not(self, stack: Stack, api: FlaskClient, changed: dict[str, Any], said: str) -> None:
        body = {**api.get("/v1/me").get_json(), **changed}
        found = compared(stack.app, ("GET", "/v1/me"), (200, "application/json", body))
        assert any(said in each for each in found), found

    @pytest.mark.parametrize(("status", "mimetype"), [(200, "text/html"), (418, "application/json")])
    def test_nor_does_another_status_or_content_type(self, stack: Stack, status: int, mimetype: str) -> None:
        assert compared(stack.app, ("GET", "/v1/me"), (status, mimetype, {}))
