"""PrestaShop: the webservice's answers in both of its forms, modules, and what nobody may see."""

import json
from typing import Any

import pytest

from connector.markup import read_xml
from connector.sources import Inbound, detect, read, registry

from .contract import sent, translated

PRESTASHOP: Any = registry()["prestashop"]
SECRETS = ("passwd", "secure_key", "reset_password_token")


def customer(**fields: Any) -> dict[str, Any]:
    return {"id": 7, "id_gender": "1", "id_shop": "1", "firstname": "Hugo", "lastname": "Petit", **fields}


def document(*customers: str, around: str = "customers") -> Any:
    inside = "".join(f"<customer>{each}</customer>" for each in customers)
    inside = f"<{around}>{inside}</{around}>" if around else inside
    return read_xml(f"<prestashop>{inside}</prestashop>".encode())


def told_of(payload: Any, source: str | None = None) -> list[tuple[str | None, dict[str, Any]]]:
    """Id and contact's fields of each record."""
    return [(each.id, dict(each.contact.fields)) for each in translated(read(payload, source))]


class TestWebservice:
    """XML and JSON."""

    @pytest.mark.parametrize("around", ["", "customers"])
    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_one_and_many_are_read_alike(self, around: str, count: int) -> None:
        listed = [f"<id>{number}</id><email>c{number}@example.com</email>" for number in range(count)]
        found = told_of(document(*listed, around=around))
        assert found == [(str(number), {"email": f"c{number}@example.com"}) for number in range(count)]

    @pytest.mark.parametrize(
        "payload",
        [
            read_xml(b"<prestashop><customers/></prestashop>"),
            read_xml(b"<prestashop/>"),
            read_xml(b"<prestashop><errors><error><code>26</code></error></errors></prestashop>"),
            read_xml(b"<prestashop><orders><order><id>1</id></order></orders></prestashop>"),
        ],
    )
    def test_no_customers_are_no_records(self, payload: Any) -> None:
        found = read(payload)
        assert (found.source, found.variant, found.records) == ("prestashop", "webservice_xml", [])

    def test_an_empty_list_in_json_is_nobodys(self) -> None:
        assert read([], "prestashop").records == []

    @pytest.mark.parametrize("value", ["0000-00-00", "0000-00-00 00:00:00", "", None])
    def test_a_time_that_is_none_is_not_complained_about(self, value: Any) -> None:
        [found] = translated(read({"customer": customer(id_default_group="3", email="h@example.com", date_add=value)}))
        assert (dict(found.contact.fields).get("created_at"), found.notes) == (None, ())

    @pytest.mark.parametrize("name", SECRETS)
    def test_secrets_are_in_no_record_whatever_the_mapping(self, name: str) -> None:
        told = {"customer": customer(id_default_group="3", email="h@example.com", **{name: "b44a6d9e-secret"})}
        [record] = read(told).records
        assert "b44a6d9e-secret" not in repr(record)

    def test_nobody_for_the_orders_of_the_erased_is_no_record(self) -> None:
        assert read({"customer": customer(id_default_group="3", email="anonymous@psgdpr.com")}).records == []

    @pytest.mark.parametrize(("gender", "told"), [("1", "male"), (2, "female"), ("9", None), ("0", None), ("", None)])
    def test_genders_are_those_of_the_shop_that_nobody_changed(self, gender: Any, told: str | None) -> None:
        [(_, contact)] = told_of({"customer": customer(id_default_group="3", id_gender=gender)})
        assert contact.get("gender") == told

    @pytest.mark.parametrize(
        ("value", "told"), [("1", True), ("0", False), (1, True), (True, True), ("", None), ("x", None)]
    )
    def test_truth_in_each_form(self, value: Any, told: bool | None) -> None:
        [found] = translated(read({"customer": customer(id_default_group="3", newsletter=value)}))
        assert found.contact.data.get("newsletter") is told

    def test_the_old_prefix_and_doctype_are_another_systems(self) -> None:
        old = read_xml(b'<p:prestashop xmlns:p="urn:p"><p:customer><p:id>1</p:id></p:customer></p:prestashop>')
        assert detect(old).source == "generic"


class TestAddresses:
    """Addresses by themselves are of a customer whose email they do not say."""

    def test_of_a_customer(self) -> None:
        address = {"id": 8, "id_customer": "2", "postcode": "75002", "city": "Paris", "country_iso": "FR"}
        found = read({"addresses": [{**address, "phone": "01 99 00 77 01"}, {**address, "id_customer": "0"}]})
        assert (found.source, found.variant) == ("prestashop", "address")
        assert [(each.id, dict(each.contact.fields)) for each in translated(found)] == [
            ("customer:2", {"phone": "+33199007701", "country": "FR", "city": "Paris"})
        ]

    @pytest.mark.parametrize("deleted", ["1", 1, True])
    def test_one_that_was_changed_leaves_a_deleted_one(self, deleted: Any) -> None:
        address = {"id": 8, "id_customer": "2", "postcode": "75002", "deleted": deleted}
        assert read({"address": address}).records == []


class TestModules:
    """What modules send, with the names of the webservice."""

    @pytest.mark.parametrize(
        "around",
        [
            lambda told: {"event": "customer.updated", "data": {"customer": told}},
            lambda told: {"event": "customer.updated", "customer": told},
            lambda told: {"hook": "actionObjectCustomerUpdateAfter", "object": told},
            lambda told: {"payload": {"object": told}},
            lambda told: {"data": told},
            lambda told: told,
            lambda told: {"data": json.dumps({"customer": told})},
            lambda told: {"event": "customer.updated", "customer": json.dumps(told)},
        ],
    )
    def test_wherever_the_customer_is(self, around: Any) -> None:
        payload = around(customer(email="hugo@example.com"))
        found = read(payload)
        assert (found.source, found.variant) == ("prestashop", "module_webhook")
        assert [(each.id, each.contact.email) for each in translated(found)] == [("7", "hugo@example.com")]

    @pytest.mark.parametrize("text", ['{"firstname": "Hugo",', "{", '{"customer": "x"}', "[]", "{}" * 1000])
    def test_broken_json_in_a_form_is_no_customer(self, text: str) -> None:
        payload = {"event": "customer.updated", "customer": text}
        assert detect(payload).source == "generic"
        [found] = translated(read(payload, "prestashop"))
        assert found.error is not None
        assert found.error.code == "record_invalid"

    @pytest.mark.parametrize(
        "event",
        ["customer.deleted", "customer.delete", "actionObjectCustomerDeleteAfter", "actionDeleteGDPRCustomer"],
    )
    def test_a_delete_is_told(self, event: str) -> None:
        [found] = translated(read({"event": event, "customer": customer(email="hugo@example.com")}))
        assert (found.id, found.deleted, found.contact.email) == ("7", True, "hugo@example.com")

    def test_the_first_address_that_lives_is_taken(self) -> None:
        gone = {"deleted": "1", "city": "Lyon", "phone": "+33199000000"}
        lives = {
            "deleted": "0",
            "city": "Marseille",
            "country_iso": "FR",
            "phone_mobile": "",
            "phone": "01 99 00 65 43",
        }
        told = {"customer": customer(addresses=[gone, None, lives])}
        [(_, contact)] = told_of(told)
        assert (contact["city"], contact["phone"]) == ("Marseille", "+33199006543")

    def test_a_customer_of_another_system_is_another_systems(self) -> None:
        assert (
            detect({"customer": {"firstname": "Hugo", "lastname": "Petit", "email": "x@example.com"}}).source
            == "generic"
        )


class TestKept:
    """`kept`: what is stored before it is read has no secrets."""

    @pytest.mark.parametrize("name", SECRETS)
    @pytest.mark.parametrize(
        "body",
        [
            '{{"id": 7, "{name}": "$2y$10$se\\/cret", "email": "h@example.com"}}',
            '{{"id": 7,"{name}" :"$2y$10$se/cret","email": "h@example.com"}}',
            '{{"data": "{{\\"id\\": 7, \\"{name}\\": \\"$2y$10$se/cret\\"}}", "email": "h@example.com"}}',
            "<a><{name}><![CDATA[se/cret]]></{name}><email>h@example.com</email></a>",
            '<a><{name} notFilterable="true">se/cret</{name} ><email>h@example.com</email></a>',
            "id=7&{name}=se%2Fcret&email=h@example.com",
            "customer[{name}]=se%2Fcret&email=h@example.com",
            "customer%5B{name}%5D=se%2Fcret&email=h@example.com",
        ],
    )
    def test_no_secret_is_left_and_all_else_is(self, name: str, body: str) -> None:
        kept = PRESTASHOP.kept(body.format(name=name).encode())
        assert b"cret" not in kept
        assert b"h@example.com" in kept
        if kept[:1] == b"{":
            assert json.loads(kept)["email"] == "h@example.com"
        elif kept[:1] == b"<":
            assert read_xml(kept)["a"]["email"] == "h@example.com"

    @pytest.mark.parametrize(
        "name", ["customer", "customers_list", "address", "customer_json", "webhook_module_customer"]
    )
    def test_it_reads_as_before(self, name: str) -> None:
        found = sent("prestashop", name)
        read_before = translated(read(found.value), found.options)
        kept = PRESTASHOP.kept(found.body)
        value = json.loads(kept) if found.content_type == "application/json" else read_xml(kept)
        assert translated(read(value), found.options) == read_before


def test_the_secret_stands_in_the_address() -> None:
    assert PRESTASHOP.verify(Inbound({}, {"key": ["s3cret-s3cret"]}, b"{}"), "s3cret-s3cret")
    assert not PRESTASHOP.verify(Inbound({}, {"key": ["s3cret-s3cret"] * 2}, b"{}"), "s3cret-s3cret")
