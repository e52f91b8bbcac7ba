"""Fields for the forms of no-code platforms, in the words of each."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.clock import now_ms
from connector.manifest import shipped
from tests.app.stack import Crisp, Stack, problem

FIELDS = shipped().fields
FORMATS = ("zapier", "n8n", "make", "jsonschema")


@pytest.fixture
def used(crisp: Crisp, api: FlaskClient) -> None:
    """A Crisp where segments and custom data are in use."""
    sent = {"email": "ada@example.com", "segments": ["vip", "beta"], "data": {"plan": "pro", "score": 7}}
    assert api.post("/v1/contacts", json=sent).status_code == 200


def by_key(listed: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    found = {each[key]: each for each in listed}
    assert len(found) == len(listed), "a key stands twice"
    return found


def test_zapier(api: FlaskClient, used: None) -> None:
    shown = by_key(api.get("/v1/fields?format=zapier").get_json(), "key")
    assert set(shown) == {*FIELDS, "data.plan", "data.score"}
    assert shown["email"]["required"] is True
    assert shown["first_name"] == {
        "key": "first_name",
        "label": FIELDS["first_name"].label,
        "type": "string",
        "required": False,
        "helpText": FIELDS["first_name"].help,
    }
    assert shown["segments"]["list"] is True
    assert shown["data"]["dict"] is True
    assert "type" not in shown["data"], "Zapier takes either a type or dict"
    assert shown["created_at"]["type"] == "datetime"
    assert shown["gender"]["choices"] == dict(FIELDS["gender"].choices)
    assert {each["type"] for each in shown.values() if "type" in each} <= {"string", "text", "datetime"}


def test_n8n(api: FlaskClient, used: None) -> None:
    shown = api.get("/v1/fields?format=n8n").get_json()
    assert all(set(each) == {"name", "value", "description"} for each in shown)
    assert set(by_key(shown, "value")) == {*FIELDS, "data.plan", "data.score"}


def test_make(api: FlaskClient, used: None) -> None:
    shown = by_key(api.get("/v1/fields?format=make").get_json(), "name")
    assert set(shown) == {*FIELDS, "data.plan", "data.score"}
    assert shown["email"]["type"] == "email"
    assert shown["email"]["required"] is True
    assert (shown["segments"]["type"], shown["segments"]["spec"]) == ("array", {"type": "text"})
    assert [part["name"] for part in shown["data"]["spec"]] == ["key", "value"]
    assert [option["value"] for option in shown["gender"]["options"]] == [
        value for value, _ in FIELDS["gender"].choices
    ]


def test_jsonschema(api: FlaskClient, used: None) -> None:
    schema = api.get("/v1/fields?format=jsonschema").get_json()["schema"]
    assert set(schema["properties"]) == {*FIELDS, "data.plan", "data.score"}
    assert schema["required"] == ["email"]
    assert all(each["title"] and each["x-ms-summary"] for each in schema["properties"].values())
    assert all(isinstance(each["type"], str) for each in schema["properties"].values()), "one type alone"


@pytest.mark.parametrize("format_", FORMATS)
def test_dynamic_has_only_what_a_package_cannot_know(api: FlaskClient, used: None, format_: str) -> None:
    shown = api.get(f"/v1/fields?format={format_}&dynamic=1").get_json()
    names = (
        shown["schema"]["properties"]
        if format_ == "jsonschema"
        else [each.get("key") or each.get("value") or each["name"] for each in shown]
    )
    assert set(names) == {"data.plan", "data.score"}


@pytest.mark.parametrize("format_", FORMATS)
def test_schema_is_another_name_of_the_route(api: FlaskClient, used: None, format_: str) -> None:
    query = f"?format={format_}&action=update_contact"
    assert api.get(f"/v1/fields/schema{query}").get_json() == api.get(f"/v1/fields{query}").get_json()


@pytest.mark.parametrize(("choices", "names"), [("segments", {"vip", "beta"}), ("data", {"plan", "score"})])
def test_choices(api: FlaskClient, used: None, choices: str, names: set[str]) -> None:
    shown = api.get(f"/v1/fields?choices={choices}").get_json()
    assert {each["key"] for each in shown} == {each["label"] for each in shown} == names
    shown = api.get(f"/v1/fields?choices={choices}&format=n8n").get_json()
    assert {each["name"] for each in shown} == {each["value"] for each in shown} == names


@pytest.mark.parametrize("action", sorted(shipped().actions))
def test_every_action_has_its_own_fields(api: FlaskClient, action: str) -> None:
    wanted = shipped().actions[action]
    shown = {each["key"]: each for each in api.get(f"/v1/fields?action={action}").get_json()}
    assert set(shown) == (set(FIELDS) if "*" in wanted.input_fields else set(wanted.input_fields) & set(FIELDS))
    assert {key for key, each in shown.items() if each["required"]} == set(wanted.required) & set(shown)


def test_crisp_is_asked_once_in_a_while(api: FlaskClient, crisp: Crisp) -> None:
    api.get("/v1/fields")
    before = crisp.calls
    assert before > 0
    for format_ in FORMATS:
        api.get(f"/v1/fields?format={format_}")
    assert crisp.calls == before


def test_a_crisp_that_cannot_be_asked_takes_nothing_away(
    api: FlaskClient, stack: Stack, used: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = api.get("/v1/fields?choices=segments").get_json()
    stack.save(halted="crisp_credential_refused")
    monkeypatch.setattr(stack.services.courier, "clock", lambda: now_ms() + 3_600_000)
    before = stack.crisp.calls
    assert api.get("/v1/fields?choices=segments").get_json() == known != []
    assert stack.crisp.calls == before


def test_a_crisp_that_fails_is_left_alone_for_a_minute(
    api: FlaskClient, stack: Stack, used: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form must not be slow at every load; what was known before stays."""
    known = api.get("/v1/fields?choices=segments").get_json()
    stack.crisp.switch(error_rate=1.0)
    for minutes, asked in ((60, True), (60, False), (62, True)):
        before, ahead = stack.crisp.calls, minutes * 60_000
        monkeypatch.setattr(stack.services.courier, "clock", lambda ahead=ahead: now_ms() + ahead)
        assert api.get("/v1/fields?choices=segments").get_json() == known != []
        assert (stack.crisp.calls > before) is asked


def test_a_halted_connection_still_has_its_own_fields(api: FlaskClient, stack: Stack) -> None:
    stack.save(halted="crisp_credential_refused")
    assert {each["key"] for each in api.get("/v1/fields").get_json()} == set(FIELDS)
    assert stack.crisp.calls == 0


@pytest.mark.parametrize("name", ["action", "format", "choices", "dynamic"])
def test_bad_parameters(api: FlaskClient, name: str) -> None:
    told = problem(api.get(f"/v1/fields?{name}=zebra-773100773100"), 422, "parameter_invalid")
    assert [each["field"] for each in told["errors"]] == [name]
    assert "zebra-773100773100" not in str(told)


def test_keys_of_custom_data_are_a_form_of_their_own(api: FlaskClient, used: None) -> None:
    form = api.get("/v1/fields/schema?format=jsonschema&choices=data").get_json()["schema"]
    assert form["type"] == "object"
    assert {key: each["type"] for key, each in form["properties"].items()} == {"plan": "string", "score": "string"}
    listed = by_key(api.get("/v1/fields?format=make&choices=data").get_json(), "name")
    assert {key: each["type"] for key, each in listed.items()} == {"plan": "text", "score": "text"}
