"""WooCommerce: topics, customers and guests, pings, and the secret as WordPress keeps it."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from connector.sources import Inbound, detect, read, registry

from .contract import sample, sent, translated

WOOCOMMERCE: Any = registry()["woocommerce"]
AT = {"date_created_gmt": "2026-03-02T09:15:00", "date_modified_gmt": None}


def by(topic: str) -> dict[str, str]:
    """The headers of a delivery."""
    return {"x-wc-webhook-topic": topic}


def customer(**fields: Any) -> dict[str, Any]:
    return {
        "id": 26,
        "email": "lena@example.com",
        "billing": {},
        "shipping": {},
        "is_paying_customer": True,
        **AT,
        **fields,
    }


def order(**fields: Any) -> dict[str, Any]:
    return {"id": 727, "order_key": "wc_order_58d2d042d1d", "customer_id": 0, **AT, **fields}


def fields_of(payload: Any) -> dict[str, Any]:
    """The contact's fields of the only record."""
    [found] = translated(read(payload))
    return dict(found.contact.fields)


class TestTopics:
    """What the header says counts before the shape."""

    @pytest.mark.parametrize(
        ("topic", "variant", "ids"),
        [
            ("customer.created", "customer", ["26"]),
            ("customer.updated", "customer", ["26"]),
            ("customer.deleted", "deleted", ["26"]),
            ("order.created", "order", ["order:26"]),
            ("order.restored", "order", ["order:26"]),
            ("order.deleted", "deleted", []),
            ("product.updated", "other", []),
            ("coupon.deleted", "other", []),
            ("action.woocommerce_add_to_cart", "action", []),
        ],
    )
    def test_its_variant_and_its_records(self, topic: str, variant: str, ids: list[str]) -> None:
        found = read({"id": 26}, None, by(topic))
        assert (found.source, found.variant) == ("woocommerce", variant)
        assert [(each.id, each.deleted) for each in translated(found)] == [
            (each, topic == "customer.deleted") for each in ids
        ]

    def test_an_id_alone_is_nobodys(self) -> None:
        assert detect({"id": 26}).source == "generic"
        [found] = translated(read({"id": 26}, "woocommerce"))
        assert [note.code for note in found.notes] == ["record_invalid"]

    @pytest.mark.parametrize("body", [None, [], "text", 7, [{"id": 26}]])
    def test_a_body_that_is_none_is_no_record(self, body: Any) -> None:
        assert read(body, "woocommerce", by("customer.updated")).records == []

    def test_a_customer_of_the_legacy_api(self) -> None:
        billing = {"company": "Vogt Keramik", "address_1": "Am Markt 7", "city": "Leipzig", "postcode": "04109"}
        legacy = {"id": 26, "email": "lena@example.com", "username": "lena", "billing_address": billing}
        found = read(
            {"customer": {**legacy, "created_at": "2026-03-02T09:15:00Z", "orders_count": 3, "total_spent": "88.50"}}
        )
        assert (found.source, found.variant) == ("woocommerce", "legacy")
        [record] = translated(found)
        assert record.contact.flat() == {
            "email": "lena@example.com",
            "company_name": "Vogt Keramik",
            "address": "Am Markt 7, 04109 Leipzig",
            "city": "Leipzig",
            "created_at": "2026-03-02T09:15:00Z",
            "segments": [],
            "data": {"orders_count": 3, "total_spent": 88.5},
        }


class TestPeople:
    """Customers, and guests of whom only an order tells."""

    def test_each_phone_is_read_in_its_own_country(self) -> None:
        billing = {"country": "FR", "phone": "on request"}
        shipping = {"country": "DE", "phone": "030 23125 777"}
        assert fields_of(customer(billing=billing, shipping=shipping))["phone"] == "+493023125777"
        assert (
            fields_of(order(billing={**billing, "email": "x@example.com"}, shipping=shipping))["phone"]
            == "+493023125777"
        )

    def test_the_first_address_with_a_street_is_taken(self) -> None:
        billing = {"address_1": "", "city": "Halifax", "postcode": "B3H 0A1"}
        shipping = {"address_1": "12 Harbour Road", "city": "Truro", "postcode": "B2N 1A1"}
        found = fields_of(customer(billing=billing, shipping=shipping))
        assert (found["address"], found["city"]) == ("12 Harbour Road, B2N 1A1 Truro", "Halifax")

    def test_who_has_an_account_is_known_by_it(self) -> None:
        [found] = translated(read(order(customer_id=26, billing={"email": "lena@example.com"})))
        assert (found.id, found.updated_at) == ("26", "2026-03-02T09:15:00Z")

    @pytest.mark.parametrize(
        ("meta", "noted"),
        [
            ({"key": "shoe_size", "value": "42"}, ["meta_data.shoe_size"]),
            ({"key": "_internal", "value": "42"}, []),
            ({"key": "empty", "value": ""}, []),
            ({"key": "listed", "value": ["a"]}, ["meta_data.listed"]),
            ({"key": "", "value": "x"}, []),
            ({"key": 7, "value": "x"}, []),
            (None, []),
        ],
    )
    def test_what_plug_ins_add_is_named(self, meta: Any, noted: list[str]) -> None:
        [found] = translated(read(customer(meta_data=[meta])))
        assert [note.field for note in found.notes] == noted
        order_meta = order(billing={"email": "x@example.com"}, meta_data=[meta])
        assert translated(read(order_meta))[0].notes == ()

    def test_a_note_with_html_and_many_line_items_go_nowhere(self) -> None:
        items = [{"id": number, "meta_data": [{"key": "x", "value": "y"}]} for number in range(250)]
        told = order(billing={"email": "x@example.com"}, customer_note="<b>Ring</b> twice", line_items=items)
        assert fields_of(told) == {"email": "x@example.com"}

    @pytest.mark.parametrize("spent", ["free", None, "", [], True])
    def test_a_sum_that_is_none_is_left_out(self, spent: Any) -> None:
        [found] = translated(read(customer(total_spent=spent)))
        assert "total_spent" not in found.contact.data or spent is True

    def test_without_an_email_there_is_nobody(self) -> None:
        [found] = translated(read(order(billing={"email": "", "phone": "030 23125 777"})))
        assert {note.code for note in found.notes} == {"email_missing", "phone_dropped"}


class TestProof:
    """Signatures, pings, and whose they are."""

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("wc_secret&1", "wc_secret&amp;1"),
            ('<"quoted">', "&lt;&quot;quoted&quot;&gt;"),
            ("it's", "it&#039;s"),
            ("it's", "it&#39;s"),
            ("&copy;", "&copy;"),
            ("&lt;", "&amp;lt;"),
        ],
    )
    def test_a_secret_is_used_as_it_was_typed(self, typed: str, kept: str) -> None:
        body = b'{"id":26}'
        signed = base64.b64encode(hmac.new(typed.encode(), body, hashlib.sha256).digest()).decode()
        inbound = Inbound({"x-wc-webhook-signature": signed}, {}, body)
        assert WOOCOMMERCE.verify(inbound, kept)

    @pytest.mark.parametrize(
        ("headers", "body", "greets"),
        [
            ({}, sent("woocommerce", "ping").body, True),
            ({}, b"webhook_id=7\n", False),
            ({}, b"webhook_id=7&id=26", False),
            ({}, b"webhook_id=x", False),
            ({}, b"", False),
            ({}, b'{"id":26}', False),
            (by("customer.updated"), b"webhook_id=7", False),
        ],
    )
    def test_a_ping_says_nothing(self, headers: dict[str, str], body: bytes, greets: bool) -> None:
        assert WOOCOMMERCE.greets(Inbound(headers, {}, body)) is greets

    def test_a_ping_that_is_read_is_no_record(self) -> None:
        found = read(sample("woocommerce", "ping"))
        assert (found.source, found.variant, found.records) == ("woocommerce", "ping", [])

    @pytest.mark.parametrize(
        ("written", "form"),
        [
            ("https://shop.example/", "shop.example"),
            ("shop.example", "shop.example"),
            ("http://Shop.example/de", "shop.example/de"),
            (None, None),
        ],
    )
    def test_a_shops_address(self, written: str | None, form: str | None) -> None:
        assert WOOCOMMERCE.sender_form(written) == form
        if written:
            named = WOOCOMMERCE.senders(Inbound({"x-wc-webhook-source": written}, {}, b""))
            assert named == {form}

    @pytest.mark.parametrize("written", ["", "ftp://shop.example", "two words"])
    def test_what_is_none(self, written: str) -> None:
        with pytest.raises(ValueError, match="shop"):
            WOOCOMMERCE.sender_form(written)
        assert WOOCOMMERCE.senders(Inbound({"x-wc-webhook-source": written}, {}, b"")) == set()
