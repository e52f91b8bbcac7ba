"""Records as shops and CRMs really send them now and then: long, double, without an address, or hostile."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.samples import sample
from tests.app.inbound import kept, made, outcomes_of, send, stored, took_in
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


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_no_document_that_arrives_brings_entities_along(api: FlaskClient, stack: Stack, body: bytes) -> None:
    """A message of Salesforce's has to say whose it is, which nobody reads out of such a document."""
    shop, crm = made(api, "prestashop"), made(api, "salesforce")
    assert stored(send(stack, shop, body, content_type=XML))
    problem(send(stack, crm, body, content_type=XML), 401, "arrival_refused")
    took_in(stack)
    assert (outcomes_of(api, shop), outcomes_of(api, crm)) == (["body_doctype"], [])
    assert "root:" not in kept(stack)


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


@dataclass(frozen=True)
class Odd:
    """Where a sample of a source has what may be odd, as paths: `email`, `second`: another address, and what is there
    when there is none; `phone`; `text`: prose, and the contact's field for it; `made` and `changed`: times; `id`."""

    name: str
    email: str
    phone: str
    second: str
    text: str
    field: str
    made: str
    changed: str
    id: str = "id"
    none: Any = None


ODD = {
    "hubspot": Odd(
        "contact_v3",
        *("properties.email", "properties.phone", "properties.hs_additional_emails"),
        *("properties.jobtitle", "job_title", "properties.createdate", "properties.lastmodifieddate"),
    ),
    "pipedrive": Odd(
        "webhook_v2_change",
        *("data.emails.0.value", "data.phones.0.value", "data.emails.1"),
        *("data.job_title", "job_title", "data.add_time", "data.update_time", "data.id", ""),
    ),
    "zoho": Odd(
        "lead_record",
        *("data.0.Email", "data.0.Phone", "data.0.Secondary_Email"),
        *("data.0.Description", "description", "data.0.Created_Time", "data.0.Modified_Time", "data.0.id"),
    ),
    "salesforce": Odd(
        "contact_sobject",
        *("Email", "Phone", "PersonEmail"),
        *("Description", "description", "CreatedDate", "SystemModstamp", "Id"),
    ),
    "shopify": Odd(
        "customers_create_2024",
        *("email", "phone", "email_address", "note", "description", "created_at", "updated_at"),
    ),
    "woocommerce": Odd(
        "customer_updated",
        *("email", "billing.phone", "billing.email"),
        *("billing.company", "company_name", "date_created_gmt", "date_modified_gmt"),
        none="",
    ),
    "prestashop": Odd(
        "webhook_module_customer",
        *("data.customer.email", "data.addresses.0.phone_mobile", ""),
        *("data.customer.note", "description", "data.customer.date_add", "data.customer.date_upd", "data.customer.id"),
        none="",
    ),
}
EACH = pytest.mark.parametrize("source", ODD)


def put(value: Any, path: str, told: Any) -> Any:
    """A copy with something else at a path."""
    name, _, rest = path.partition(".")
    if isinstance(value, list):
        place = int(name)
        return [*value[:place], put(value[place], rest, told) if rest else told, *value[place + 1 :]]
    return {**value, name: put(value.get(name) or {}, rest, told) if rest else told}


def odd(source: str, **said: Any) -> Any:
    """The sample of a source with these values at those of its places."""
    value = json.loads(sample(source, ODD[source].name).body)
    for name, told in said.items():
        value = put(value, getattr(ODD[source], name), told)
    return value


def two_addresses(source: str) -> Any:
    """Where a source has no second place for one, both are in the first."""
    if source == "prestashop":
        return odd(source, email="a@example.com, b@example.com")
    second: Any = "b@example.com"
    return odd(source, email="a@example.com", second={"value": second} if source == "pipedrive" else second)


@EACH
def test_of_two_addresses_the_first_is_taken_and_the_other_noted(api: FlaskClient, source: str) -> None:
    record = previewed(api, source, two_addresses(source))
    assert (record["contact"]["email"], "several_emails" in codes(record)) == ("a@example.com", True)


@EACH
def test_html_in_prose_is_kept_as_the_text_that_it_is(api: FlaskClient, source: str) -> None:
    text = "<b>Bold</b> <script>alert(1)</script> & more"
    assert previewed(api, source, odd(source, text=text))["contact"][ODD[source].field] == text


@EACH
def test_an_id_is_the_same_as_a_text_and_as_a_number(api: FlaskClient, source: str) -> None:
    (expected,) = sample(source, ODD[source].name).records
    if str(expected["id"]).isdecimal():
        kinds: list[Any] = [int(expected["id"]), str(expected["id"])]
        assert [previewed(api, source, odd(source, id=each))["id"] for each in kinds] == [expected["id"]] * 2


@pytest.mark.parametrize("source", ["shopify", "woocommerce"])
def test_numbers_as_text_are_numbers(api: FlaskClient, source: str) -> None:
    said = {**odd(source), "orders_count": "3", "total_spent": "9.90"}
    data = previewed(api, source, said)["contact"]["data"]
    assert (data["orders_count"], data["total_spent"]) == (3, 9.9)


@EACH
@pytest.mark.parametrize("never", ["0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00Z"])
def test_a_date_that_is_none_is_nothing(api: FlaskClient, source: str, never: str) -> None:
    """Where the source says the same time in another place, that one counts."""
    record = previewed(api, source, odd(source, made=never, changed=never))
    assert record["status"] == "created"
    for found in (record["contact"].get("created_at"), record["updated_at"]):
        assert found is None or found > "2025"


@pytest.mark.parametrize("never", ["0000-00-00", "0000-00-00 00:00:00"])
def test_prestashops_date_that_is_none_is_not_even_noted(api: FlaskClient, never: str) -> None:
    said = changed("prestashop", "customer_json")
    said["customer"] |= {"date_add": never, "date_upd": never, "birthday": never}
    record = previewed(api, "prestashop", said)
    assert "created_at" not in record["contact"]
    assert (record["updated_at"], "date_dropped" in codes(record)) == (None, False)


def tell(api: FlaskClient, value: Any) -> dict[str, Any]:
    """What became of it in the end."""
    return ended(api, api.post("/v1/contacts", json=value).get_json()["outcome_id"])


@EACH
def test_who_has_a_phone_alone_is_refused_or_is_the_contact_of_that_id(
    api: FlaskClient, stack: Stack, source: str
) -> None:
    phone = odd(source, email=ODD[source].none, phone="+16135550142", changed="2026-12-01T10:00:00Z")
    problem(api.post(f"/v1/contacts?source={source}", json=phone), 422, "email_missing")
    before = tell(api, odd(source))
    told = tell(api, phone)
    assert (told["status"], told["email"]) == ("updated", before["email"])
    assert stack.crisp.people()[before["email"]]["person"]["phone"] == "+16135550142"
