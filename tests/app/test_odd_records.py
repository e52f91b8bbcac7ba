"""Records as shops and CRMs really send them now and then: long, double, without an address, or hostile."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.samples import sample
from tests.app.stack import Stack, ended, problem

XML = "text/xml"
MESSAGE = sample("salesforce", "outbound_message").body
LAUGHS = b'<!DOCTYPE a [<!ENTITY b "ha">' + b"".join(
    b'<!ENTITY %c "%b">' % (letter + 1, b"&%c;" % letter * 10) for letter in b"bcdefghij"
)
HOSTILE = {
    "billion laughs": LAUGHS + b"]><prestashop><customer><id>&k;</id></customer></prestashop>",
    "an entity outside": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><prestashop>&b;</prestashop>',
    "a DTD outside": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><prestashop/>',
}


def changed(source: str, name: str, **more: Any) -> dict[str, Any]:
    """A sample with other values."""
    return {**json.loads(sample(source, name).body), **more}


def previewed(api: FlaskClient, source: str, value: Any) -> dict[str, Any]:
    """Its only record."""
    (record,) = api.post(f"/v1/preview?source={source}", json=value).get_json()["records"]
    return dict(record)


def codes(record: dict[str, Any]) -> list[str]:
    return [note["code"] for note in record["notes"]]


@pytest.mark.parametrize("source", ["salesforce", "prestashop"])
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("route", ["/v1/contacts", "/v1/contacts/batch", "/v1/preview"])
def test_no_document_brings_entities_along(api: FlaskClient, source: str, body: bytes, route: str) -> None:
    answer = api.post(f"{route}?source={source}", data=body, content_type=XML)
    problem(answer, 400, "body_doctype")
    assert "root:" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "body",
    [
        MESSAGE.replace(b"http://soap.sforce.com/2005/09/outbound", b"http://soap.example.com/2005/09/outbound"),
        MESSAGE.replace(b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"),
    ],
    ids=["another sender's", "another SOAP"],
)
def test_a_message_of_another_namespace_is_no_message(api: FlaskClient, body: bytes) -> None:
    answer = api.post("/v1/contacts?source=salesforce", data=body, content_type=XML)
    problem(answer, 422, "record_invalid")


@pytest.mark.parametrize(("source", "name"), [("shopify", "orders_create"), ("woocommerce", "order_created_guest")])
def test_an_order_of_250_items_is_one_customer(api: FlaskClient, source: str, name: str) -> None:
    (expected,) = sample(source, name).records
    items = [{"id": n, "name": "A thing", "quantity": 1, "meta_data": [{"key": "k", "value": "v"}]} for n in range(250)]
    record = previewed(api, source, changed(source, name, line_items=items))
    assert (record["id"], record["contact"]["email"]) == (expected["id"], expected["contact"]["email"])
    assert codes(record) == [note["code"] for note in expected["notes"]]


def test_of_two_addresses_the_first_is_taken_and_the_other_noted(api: FlaskClient) -> None:
    said = changed("woocommerce", "customer_updated", email="a@example.com")
    said["billing"]["email"] = "b@example.com"
    record = previewed(api, "woocommerce", said)
    assert (record["contact"]["email"], "several_emails" in codes(record)) == ("a@example.com", True)


def test_html_in_a_note_is_kept_as_the_text_that_it_is(api: FlaskClient) -> None:
    note = "<b>Bold</b> <script>alert(1)</script> & more"
    record = previewed(api, "shopify", changed("shopify", "customers_create_2024", note=note))
    assert record["contact"]["description"] == note


def test_numbers_as_text_are_numbers(api: FlaskClient) -> None:
    said = changed("shopify", "customers_create_2024", orders_count="3", total_spent="9.90")
    data = previewed(api, "shopify", said)["contact"]["data"]
    assert (data["orders_count"], data["total_spent"]) == (3, 9.9)


@pytest.mark.parametrize("never", ["0000-00-00", "0000-00-00 00:00:00"])
def test_a_date_that_is_none_is_nothing(api: FlaskClient, never: str) -> None:
    said = changed("prestashop", "customer_json")
    said["customer"] |= {"date_add": never, "date_upd": never, "birthday": never}
    record = previewed(api, "prestashop", said)
    assert "created_at" not in record["contact"]
    assert (record["updated_at"], "date_dropped" in codes(record)) == (None, False)


def tell(api: FlaskClient, value: Any) -> dict[str, Any]:
    """What became of it in the end."""
    return ended(api, api.post("/v1/contacts", json=value).get_json()["outcome_id"])


def test_who_has_a_phone_alone_is_refused_or_is_the_contact_of_that_id(api: FlaskClient, stack: Stack) -> None:
    phone = changed("shopify", "customers_create_2024", email=None, phone="+16135550142")
    problem(api.post("/v1/contacts", json=phone), 422, "email_missing")
    before = tell(api, changed("shopify", "customers_create_2024"))
    told = tell(api, {**phone, "updated_at": "2026-12-01T10:00:00Z"})
    assert (told["status"], told["email"]) == ("updated", before["email"])
    assert stack.crisp.people()[before["email"]]["person"]["phone"] == "+16135550142"
