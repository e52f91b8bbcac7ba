"""Promise 6, all the way into Crisp and on both databases: absent, null and empty leave what is there; in custom data
an explicit blank removes the key."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.manifest import shipped
from tests.app.stack import DATABASES, Crisp

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

ADA = "ada@example.com"
# Every field that Crisp has a place for, with a value.
WHOLE: dict[str, Any] = {
    key: field.example for key, field in shipped().fields.items() if field.crisp_path is not None and key != "email"
}
BLANKS: list[Any] = ["", "   ", None, [], "N/A"]


def card(crisp: Crisp) -> dict[str, Any]:
    """The person as Crisp has it, but for the times that every write changes."""
    return {key: value for key, value in crisp.people()[ADA].items() if key != "updated_at"}


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_promise_6_a_blank_keeps_what_crisp_has(api: FlaskClient, crisp: Crisp, blank: object) -> None:
    api.post("/v1/contacts", json={"email": ADA, **WHOLE})
    before, calls = card(crisp), crisp.calls
    blanks = {key: blank for key in WHOLE if key != "data"}
    told = api.post("/v1/contacts", json={"email": ADA, **blanks}).get_json()
    assert (told["status"], card(crisp), crisp.calls) == ("unchanged", before, calls)


def test_promise_6_what_is_absent_is_kept_beside_what_is_told(api: FlaskClient, crisp: Crisp) -> None:
    api.post("/v1/contacts", json={"email": ADA, **WHOLE})
    before = card(crisp)
    assert api.post("/v1/contacts", json={"email": ADA, "city": "Lyon"}).get_json()["changed"] == ["city"]
    after = card(crisp)
    assert after["person"]["geolocation"].pop("city") == "Lyon"
    before["person"]["geolocation"].pop("city")
    assert after == before


@pytest.mark.parametrize("blank", ["", None], ids=repr)
def test_promise_6_an_explicit_blank_removes_a_custom_data_key_alone(
    api: FlaskClient, crisp: Crisp, blank: object
) -> None:
    api.post("/v1/contacts", json={"email": ADA, **WHOLE, "data": {"plan": "pro", "seats": 3}})
    before = card(crisp)
    told = api.post("/v1/contacts", json={"email": ADA, "data": {"plan": blank}}).get_json()
    assert (told["status"], told["changed"]) == ("updated", ["data.plan"])
    assert card(crisp) == {**before, "data": {"seats": 3}}
