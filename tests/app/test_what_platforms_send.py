"""What no-code platforms send and how they read an answer: one test for each thing that they cannot do without code."""

from string import Formatter
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.errors import CODES, Problem
from tests.app.stack import Crisp

HOOK = {"event": "contact_created", "target_url": "https://93.184.215.14/hook"}


def something_for(sentence: str) -> dict[str, Any]:
    """Something for each gap of a sentence."""
    return {name: "Notion" for _, name, _, _ in Formatter().parse(sentence) if name}


def operations(api: FlaskClient) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation under /v1."""
    paths = api.get("/openapi.json").get_json()["paths"]
    methods = ("get", "post", "put", "patch", "delete")
    return [(m, path, item[m]) for path, item in paths.items() if path.startswith("/v1") for m in methods if m in item]


def test_every_removal_answers_200_with_an_object(api: FlaskClient) -> None:
    removals = [(path, told["responses"]) for method, path, told in operations(api) if method == "delete"]
    assert len(removals) >= 7
    for path, responses in removals:
        assert "application/json" in responses["200"]["content"], path
        assert "204" not in responses, path


@pytest.mark.parametrize(
    "path",
    [
        *("connections", "deliveries", "events/contact_created", "fields", "imports", "inbound", "keys", "mappings"),
        *("outcomes", "sinks", "subscriptions"),
    ],
)
def test_every_list_is_a_bare_array(api: FlaskClient, path: str) -> None:
    assert isinstance(api.get(f"/v1/{path}").get_json(), list)


@pytest.mark.parametrize(
    "data",
    [
        {"plan": "pro", "seats": 3},
        [{"key": "plan", "value": "pro"}, {"key": "seats", "value": 3}, {"key": "", "value": ""}],
        '{"plan": "pro", "seats": 3}',
        ' [{"key": "plan", "value": "pro"}, {"key": "seats", "value": 3}]',
    ],
    ids=["object", "pairs", "text of an object", "text of pairs"],
)
@pytest.mark.parametrize("segments", [["vip", "beta"], "vip, beta", "vip|beta", '["vip", "beta"]'])
def test_data_and_segments_in_each_form(api: FlaskClient, crisp: Crisp, data: object, segments: object) -> None:
    answer = api.post("/v1/contacts", json={"email": "ada@example.com", "data": data, "segments": segments})
    assert (answer.status_code, answer.get_json()["notes"]) == (200, [])
    ada = crisp.people()["ada@example.com"]
    assert (ada["data"], ada["segments"]) == ({"plan": "pro", "seats": 3}, ["vip", "beta"])


def test_text_that_only_begins_like_data_is_told(api: FlaskClient) -> None:
    answer = api.post("/v1/preview", json={"email": "ada@example.com", "data": "{plan: pro}"}).get_json()
    assert [note["code"] for note in answer["records"][0]["notes"]] == ["field_unmapped"]


@pytest.mark.parametrize("said", [True, "true", "1", "yes", "True", 1])
def test_yes_in_each_form(api: FlaskClient, said: object) -> None:
    assert api.post("/v1/subscriptions", json={**HOOK, "include_own": said}).get_json()["include_own"] is True


@pytest.mark.parametrize("said", [False, "false", "0", "no", "", None])
def test_no_in_each_form_and_an_empty_box(api: FlaskClient, said: object) -> None:
    assert api.post("/v1/subscriptions", json={**HOOK, "include_own": said}).get_json()["include_own"] is False


@pytest.mark.parametrize(
    "said",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T04:04:05+01:00",
        "2026-01-02 03:04:05",
        1767323045,
        "1767323045",
        1767323045e3,
    ],
)
def test_a_time_in_each_form(api: FlaskClient, said: object) -> None:
    shown = api.post("/v1/preview", json={"email": "ada@example.com", "created_at": said}).get_json()["records"][0]
    assert (shown["contact"]["created_at"], shown["notes"]) == ("2026-01-02T03:04:05Z", [])


@pytest.mark.parametrize("code", CODES)
def test_every_error_is_one_sentence_that_each_platform_finds(code: str) -> None:
    body = Problem(code, **something_for(CODES[code][2])).as_json("request")
    assert body["message"] == body["detail"]
    assert body["message"][0].isupper()
    assert "\n" not in body["message"]
    assert not {"error", "cause"} & set(body)


def test_a_subscription_is_answered_201_with_its_address_each_time(api: FlaskClient) -> None:
    answers = [api.post("/v1/subscriptions", json=HOOK) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert all(answer.headers["Location"].startswith("http") for answer in answers)


def test_ending_a_subscription_twice_is_no_harm(api: FlaskClient) -> None:
    made = api.post("/v1/subscriptions", json=HOOK)
    path = f"/v1/subscriptions/{made.get_json()['id']}"
    assert [api.delete(path).status_code for _ in range(2)] == [200, 404]


def test_a_waiting_record_is_answered_202_within_the_time_of_every_platform(api: FlaskClient) -> None:
    told = next(op for method, path, op in operations(api) if (method, path) == ("post", "/v1/contacts"))
    wait = next(each["schema"] for each in told["parameters"] if each["name"] == "wait")
    assert wait["default"] == 20
    assert wait["maximum"] <= 25


def test_the_same_again_without_an_idempotency_key_costs_no_call(api: FlaskClient, crisp: Crisp) -> None:
    answers = [api.post("/v1/contacts", json={"email": "ada@example.com", "first_name": "Ada"}) for _ in range(2)]
    assert [answer.get_json()["status"] for answer in answers] == ["created", "unchanged"]
    assert crisp.calls == 1


@pytest.mark.parametrize(
    "body",
    [
        {"anything": [{"email": "ada@example.com"}, {"email": "bo@example.com"}]},
        {"email": ["ada@example.com", "bo@example.com"], "first_name": ["Ada", "Bo"]},
        {"records": [{"email": "ada@example.com"}, {"email": "bo@example.com"}]},
    ],
    ids=["line items", "line items as columns", "records"],
)
def test_line_items_are_several_records(api: FlaskClient, body: dict[str, Any]) -> None:
    shown = api.post("/v1/preview", json=body).get_json()
    assert [each["contact"]["email"] for each in shown["records"]] == ["ada@example.com", "bo@example.com"]


def test_two_addresses_of_one_person_are_no_line_items(api: FlaskClient) -> None:
    body = {"email": ["ada@example.com", "countess@example.com"], "first_name": "Ada"}
    shown = api.post("/v1/preview", json=body).get_json()["records"]
    assert [each["contact"]["email"] for each in shown] == ["ada@example.com"]
    assert [note["code"] for note in shown[0]["notes"]] == ["several_emails"]
