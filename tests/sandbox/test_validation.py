"""What Crisp does not take: 400 `invalid_data`, with a message that names the field."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

PEOPLE = "/v1/website/W/people"
ADA = {"email": "ada@example.com", "person": {"nickname": "Ada"}}


def person(**fields: Any) -> dict[str, Any]:
    return {"person": fields}


REFUSED_IN_A_PROFILE = {
    "email without @": ({"email": "ada"}, "email"),
    "email without domain": ({"email": "ada@"}, "email"),
    "email without dot": ({"email": "ada@localhost"}, "email"),
    "email with space": ({"email": "ada @example.com"}, "email"),
    "email with two @": ({"email": "ada@b@example.com"}, "email"),
    "email with two dots": ({"email": "ada..l@example.com"}, "email"),
    "email too long": ({"email": f"ada@{'x' * 250}.com"}, "email"),
    "email null": ({"email": None}, "email"),
    "email empty": ({"email": ""}, "email"),
    "unknown field": ({"nickname": "Ada"}, "nickname"),
    "custom data": ({"data": {"plan": "pro"}}, "data"),
    "creation date": ({"created_at": 1_694_070_416_000}, "created_at"),
    "person not an object": ({"person": "Ada"}, "person"),
    "unknown field of person": (person(first_name="Ada"), "person.first_name"),
    "nickname empty": (person(nickname=""), "person.nickname"),
    "nickname null": (person(nickname=None), "person.nickname"),
    "gender": (person(gender="f"), "person.gender"),
    "avatar": (person(avatar="avatar.png"), "person.avatar"),
    "avatar without host": (person(avatar="https://"), "person.avatar"),
    "avatar of another scheme": (person(avatar="javascript://x.io/%0aalert(1)"), "person.avatar"),
    "website with space": (person(website="https://x.io/a b"), "person.website"),
    "phone not a text": (person(phone=33123456789), "person.phone"),
    "timezone as text": (person(timezone="Europe/Paris"), "person.timezone"),
    "timezone out of range": (person(timezone=3600), "person.timezone"),
    "timezone true": (person(timezone=True), "person.timezone"),
    "locale": (person(locales=["French, maybe"]), "person.locales[0]"),
    "country name": (person(geolocation={"country": "France"}), "person.geolocation.country"),
    "country in lower case": (person(geolocation={"country": "fr"}), "person.geolocation.country"),
    "country that is not": (person(geolocation={"country": "XX"}), "person.geolocation.country"),
    "latitude": (person(geolocation={"coordinates": {"latitude": 91}}), "person.geolocation.coordinates.latitude"),
    "profile url": (person(profiles=[{"type": "twitter", "url": "@ada"}]), "person.profiles[0].url"),
    "profiles not a list": (person(profiles={"type": "twitter"}), "person.profiles"),
    "employment": (person(employment="CTO"), "person.employment"),
    "seniority": (person(employment={"seniority": 3}), "person.employment.seniority"),
    "company url": ({"company": {"url": "crisp.chat"}}, "company.url"),
    "company country": ({"company": {"geolocation": {"country": "UK"}}}, "company.geolocation.country"),
    "company email": ({"company": {"emails": ["info@example.com", "info"]}}, "company.emails[1]"),
    "company metrics": ({"company": {"metrics": {"employees": "20"}}}, "company.metrics.employees"),
    "segments as text": ({"segments": "vip,beta"}, "segments"),
    "segment empty": ({"segments": ["vip", ""]}, "segments[1]"),
    "segments null": ({"segments": None}, "segments"),
    "notepad": ({"notepad": 3}, "notepad"),
    "active as a date": ({"active": "2020-08-14T14:09:10Z"}, "active"),
    "active as read": ({"active": {"now": False}}, "active"),
}


@pytest.fixture(autouse=True)
def _ada(add: Callable[..., str]) -> None:
    add()


def refusal_of(answer: Any) -> str:
    assert answer.status_code == 400, answer.get_json()
    assert (answer.get_json()["error"], answer.get_json()["reason"]) == (True, "invalid_data")
    message: str = answer.get_json()["data"]["message"]
    return message


@pytest.mark.parametrize(("body", "field"), REFUSED_IN_A_PROFILE.values(), ids=REFUSED_IN_A_PROFILE)
def test_refused_in_a_profile(client: FlaskClient, body: dict[str, Any], field: str) -> None:
    assert refusal_of(client.patch(f"{PEOPLE}/profile/ada@example.com", json=body)).startswith(f"{field}: ")


@pytest.mark.parametrize(
    "body",
    [
        person(phone="call me maybe"),
        person(phone=""),
        person(timezone=-120, locales=["fr", "en-GB", "zh-Hans-CN"], gender="other"),
        person(geolocation={"country": "FR", "coordinates": {"latitude": 47.2, "longitude": -1.55}}),
        person(profiles=[{"type": "twitter", "handle": "ada", "url": "https://twitter.com/ada"}]),
        {"company": {"metrics": {"employees": 20, "arr": 1.5}, "tags": ["saas"], "phones": ["+33 1"]}},
        {"email": "zoë@bücher.example"},
        {"segments": []},
        {"active": 0, "notepad": ""},
    ],
    ids=str,
)
def test_taken_in_a_profile(client: FlaskClient, body: dict[str, Any]) -> None:
    assert client.patch(f"{PEOPLE}/profile/ada@example.com", json=body).status_code == 200


@pytest.mark.parametrize("method", ["post", "put"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"person": {"nickname": "Ada"}}, "email"),
        ({"email": "new@example.com"}, "person.nickname"),
        ({"email": "new@example.com", "person": {"phone": "1"}}, "person.nickname"),
        ({"email": "new@example.com", "person": "Ada"}, "person.nickname"),
    ],
)
def test_a_whole_profile_needs_email_and_nickname(
    client: FlaskClient, method: str, body: dict[str, Any], field: str
) -> None:
    path = f"{PEOPLE}/profile" + ("/ada@example.com" if method == "put" else "")
    assert f"{field}: required" in refusal_of(getattr(client, method)(path, json=body))


def test_every_wrong_field_is_named(client: FlaskClient) -> None:
    message = refusal_of(client.post(f"{PEOPLE}/profile", json={"email": "ada", "person": {"gender": "x"}}))
    assert all(f"{field}: " in message for field in ("person.nickname", "email", "person.gender"))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'"ada"', b"null", b"{", b"\xff", b'{"email": NaN}', b"[" * 100_000, b"9" * 5000],
    ids=["nothing", "empty", "list", "text", "null", "cut", "not UTF-8", "NaN", "deep", "long number"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "profile"), ("patch", "profile/ada@example.com"), ("patch", "data/ada@example.com")],
)
def test_a_body_that_is_no_json_object(client: FlaskClient, method: str, path: str, body: bytes) -> None:
    assert refusal_of(getattr(client, method)(f"{PEOPLE}/{path}", data=body)).startswith("body: ")


@pytest.mark.parametrize("key", ["Company Name", "$ltv", "is_subscribed?", "prénom", "a.b", ""])
@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_bad_custom_data_key(client: FlaskClient, method: str, key: str) -> None:
    answer = getattr(client, method)(f"{PEOPLE}/data/ada@example.com", json={"data": {"plan": "pro", key: 1}})
    assert refusal_of(answer).startswith(f"data.{key}: ")


@pytest.mark.parametrize("value", ["[1]", "{}", "[]", "1e999"])
def test_a_custom_data_value_that_is_no_scalar(client: FlaskClient, value: str) -> None:
    answer = client.patch(f"{PEOPLE}/data/ada@example.com", data=f'{{"data": {{"plan": {value}}}}}')
    assert refusal_of(answer).startswith("data.plan: ")


@pytest.mark.parametrize("body", [{"plan": "pro"}, {"data": "pro"}, {"data": {"plan": "pro"}, "plan": "pro"}])
def test_custom_data_must_be_wrapped(client: FlaskClient, body: dict[str, Any]) -> None:
    assert refusal_of(client.patch(f"{PEOPLE}/data/ada@example.com", json=body))


def test_a_body_that_is_too_large(client: FlaskClient) -> None:
    answer = client.post(f"{PEOPLE}/profile", data=b" " * 4_000_001)
    assert (answer.status_code, answer.get_json()["reason"]) == (413, "payload_too_large")
    assert client.get("/_sandbox/stats").get_json()["calls"]["by_route"] == {"POST people/profile": 2}


def test_what_is_refused_is_not_stored(client: FlaskClient) -> None:
    client.patch(f"{PEOPLE}/profile/ada@example.com", json={"notepad": "good", "email": "bad"})
    assert client.get(f"{PEOPLE}/profile/ada@example.com").get_json()["data"]["notepad"] == ""
