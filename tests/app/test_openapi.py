"""The OpenAPI document: valid, complete, and true of real answers."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from connector.errors import CODES
from connector.manifest import shipped
from tests.app.openapi import compared, differences, document, path_of
from tests.app.stack import Stack

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


def test_every_operation_says_what_it_does_and_how_it_fails(spec: dict[str, Any]) -> None:
    for where, operation in operations(spec).items():
        assert operation["summary"], where
        error = operation["responses"]["default"]
        assert "application/problem+json" in str(error) or "$ref" in error, where
    ids = [operation.get("operationId") for operation in operations(spec).values() if "operationId" in operation]
    assert len(set(ids)) == len(ids)


def test_what_callers_tell_apart_is_said_by_its_status(spec: dict[str, Any]) -> None:
    """And under each its codes, which the table of errors has."""
    one, key = "/v1/connections/{connection_id}", {"401", "403", "503"}
    expected = {
        ("GET", "/readyz"): {"422", "503"},
        ("GET", "/v1/connections"): key,
        ("POST", "/v1/connections"): key | {"400", "409", "413", "415", "422", "502"},
        ("GET", one): key | {"404"},
        ("PATCH", one): key | {"400", "404", "413", "415", "422", "502"},
        ("DELETE", one): key | {"404", "409", "422"},
        ("POST", "/v1/imports"): {"400", "404", "409", "413", "422", "503"},
        ("POST", "/v1/imports/preview"): {"400", "404", "413", "422", "503"},
        ("GET", "/v1/imports/{import_id}/failures.csv"): {"404", "409"},
        ("GET", "/v1/imports/{import_id}/crisp.csv"): {"404"},
        ("POST", "/v1/imports/{import_id}/pause"): {"404", "409"},
    }
    for where, statuses in expected.items():
        told = operations(spec)[where]["responses"]
        assert {status for status in told if status >= "400" and status != "default"} == statuses, where
        for status in statuses - {"422"}:
            assert list(told[status]["content"]) == ["application/problem+json"], where
            named = told[status]["description"].strip("`").split("`, `")
            assert {CODES[code][0] for code in named} == {int(status)}, where


def test_changing_a_connection_is_not_told_as_adding_one(spec: dict[str, Any]) -> None:
    added, changed = (spec["components"]["schemas"][name]["properties"] for name in ("ConnectionIn", "ChangesIn"))
    for field in ("label", "daily_quota", "rate", "tier", "check"):
        assert added[field]["description"] != changed[field]["description"]
        assert "not said" not in changed[field]["description"]


def test_only_health_needs_no_key(spec: dict[str, Any]) -> None:
    assert spec["security"] == [{"key": []}, {"key_header": []}]
    free = {path for (_, path), operation in operations(spec).items() if operation.get("security") == []}
    # Crisp and other systems prove who they are in ways of their own.
    assert free == {"/healthz", "/readyz", "/crisp/{connection_id}", "/in/{source}/{inbound_id}"}


def test_every_field_is_a_property_of_a_contact(spec: dict[str, Any]) -> None:
    body = operations(spec)["POST", "/v1/contacts"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(shipped().fields) <= set(body["anyOf"][0]["properties"])


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
