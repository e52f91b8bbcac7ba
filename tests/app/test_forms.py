"""HTML forms, XML, and what no-code platforms send as forms."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.app.stack import Crisp

FORM = "application/x-www-form-urlencoded"
ADA = "ada@example.com"


def multipart(*fields: tuple[str, str]) -> tuple[bytes, str]:
    """A multipart body of these fields, and its content type."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    return ("".join(parts) + "--b--\r\n").encode(), "multipart/form-data; boundary=b"


URLENCODED: list[tuple[str, str, dict[str, Any]]] = [
    ("plain", "email=ada%40example.com&first_name=Ada", {"first_name": "Ada"}),
    ("plus for a space", "email=ada@example.com&full_name=Ada+Lovelace", {"full_name": "Ada Lovelace"}),
    ("brackets", "email=ada@example.com&data[plan]=pro", {"data": {"plan": "pro"}}),
    ("double underscores", "email=ada@example.com&data__plan=pro", {"data": {"plan": "pro"}}),
    ("nested as in Crisp", "email=ada@example.com&person[nickname]=Ada", {"nickname": "Ada"}),
    ("deeper as in Crisp", "email=ada@example.com&person[geolocation][city]=Rome", {"city": "Rome"}),
    ("tags that repeat", "email=ada@example.com&tags=vip&tags=beta", {"segments": ["vip", "beta"]}),
    ("a list by brackets", "email=ada@example.com&segments[]=vip&segments[]=beta", {"segments": ["vip", "beta"]}),
    ("segments in one", "email=ada@example.com&segments=vip%2Cbeta", {"segments": ["vip", "beta"]}),
    ("the last of two", "email=bob@example.com&email=ada@example.com", {}),
    ("a blank", "email=ada@example.com&city=&first_name=Ada", {"first_name": "Ada"}),
    ("a form's own hidden field", "email=ada@example.com&__token=1", {}),
    ("JSON under a form's type", '{"email": "ada@example.com", "first_name": "Ada"}', {"first_name": "Ada"}),
]


@pytest.mark.parametrize(("sent", "said"), [row[1:] for row in URLENCODED], ids=[row[0] for row in URLENCODED])
def test_urlencoded(api: FlaskClient, crisp: Crisp, sent: str, said: dict[str, Any]) -> None:
    answer = api.post("/v1/contacts", data=sent, content_type=FORM)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.get_json()["contact"] == {"email": ADA, "segments": [], "data": {}, **said}
    assert set(crisp.people()) == {ADA}


XML = "<?xml version='1.0'?><contact><email>ada@example.com</email><first_name>Inès</first_name></contact>"


@pytest.mark.parametrize("content_type", ["application/xml", "text/xml; charset=utf-8", FORM, ""])
def test_xml_of_plain_fields(api: FlaskClient, crisp: Crisp, content_type: str) -> None:
    answer = api.post("/v1/contacts", data=XML.encode(), content_type=content_type)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.get_json()["contact"] == {"email": ADA, "first_name": "Inès", "segments": [], "data": {}}


@pytest.mark.parametrize("method_and_path", [("PATCH", "/v1/contacts/ada@example.com"), ("POST", "/v1/keys")])
def test_xml_is_for_records_alone(api: FlaskClient, method_and_path: tuple[str, str]) -> None:
    method, path = method_and_path
    answer = api.open(path, method=method, data=XML.encode(), content_type="application/xml")
    assert (answer.status_code, answer.get_json()["code"]) == (415, "content_type_unknown")


MULTIPART: list[tuple[str, list[tuple[str, str]], dict[str, Any]]] = [
    ("plain", [("email", ADA), ("first_name", "Inès")], {"first_name": "Inès"}),
    ("brackets", [("email", ADA), ("data[plan]", "pro")], {"data": {"plan": "pro"}}),
    ("tags that repeat", [("email", ADA), ("tag", "vip"), ("tag", "beta")], {"segments": ["vip", "beta"]}),
]


@pytest.mark.parametrize(("fields", "said"), [row[1:] for row in MULTIPART], ids=[row[0] for row in MULTIPART])
def test_multipart(api: FlaskClient, crisp: Crisp, fields: list[tuple[str, str]], said: dict[str, Any]) -> None:
    body, content_type = multipart(*fields)
    answer = api.post("/v1/contacts", data=body, content_type=content_type)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.get_json()["contact"] == {"email": ADA, "segments": [], "data": {}, **said}


def test_a_form_updates_and_clears_data(api: FlaskClient, crisp: Crisp) -> None:
    api.post("/v1/contacts", json={"email": ADA, "data": {"plan": "pro", "score": 7}})
    told = api.patch(f"/v1/contacts/{ADA}/data", data="plan=&score=8", content_type=FORM).get_json()
    assert told["status"] == "updated"
    assert crisp.people()[ADA]["data"] == {"score": "8"}


def test_a_form_is_read_by_preview_and_batch_too(api: FlaskClient) -> None:
    shown = api.post("/v1/preview", data="email=ada@example.com", content_type=FORM).get_json()
    assert shown["records"][0]["contact"]["email"] == ADA
    accepted = api.post("/v1/contacts/batch", data="email=ada@example.com", content_type=FORM)
    assert (accepted.status_code, accepted.get_json()["totals"]["records"]) == (202, 1)


def test_a_name_that_is_value_and_group_keeps_both(api: FlaskClient) -> None:
    answer = api.post("/v1/contacts", data="email=ada@example.com&data=x&data[plan]=pro", content_type=FORM)
    assert answer.status_code == 200
    assert answer.get_json()["email"] == ADA


def test_a_thousand_levels_are_no_more_than_fifty(api: FlaskClient) -> None:
    answer = api.post("/v1/contacts", data="email=ada@example.com&a" + "[b]" * 1000 + "=1", content_type=FORM)
    assert answer.status_code == 200
