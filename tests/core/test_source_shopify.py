"""Shopify: topics, customers of every age of its API, orders, and what else it may send."""

from typing import Any

import pytest

from connector.sources import Inbound, detect, read, registry

from .contract import sent, translated

SHOPIFY: Any = registry()["shopify"]
GID = "gid://shopify/Customer/7001"
UPDATED = "2026-03-02T09:15:07Z"
SHOP: dict[str, Any] = {"shop_id": 954889, "shop_domain": "lumen-demo.myshopify.example"}
WHO: dict[str, Any] = {"id": 7030, "email": "gone@example.com", "phone": "+12025550123"}
AT = {"x-shopify-triggered-at": "2026-03-02T09:15:08.123456789Z"}


def by(topic: str, **more: str) -> dict[str, str]:
    """The headers of a delivery."""
    return {"x-shopify-topic": topic, **AT, **more}


def customer(**fields: Any) -> dict[str, Any]:
    return {"id": 7001, "admin_graphql_api_id": GID, "email": "maya@example.com", "updated_at": UPDATED, **fields}


def order(**fields: Any) -> dict[str, Any]:
    return {"id": 55010, "admin_graphql_api_id": "gid://shopify/Order/55010", "updated_at": UPDATED, **fields}


def contact_of(payload: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """The contact of the only record."""
    [found] = translated(read(payload, None, headers or {}))
    flat = found.contact.flat()
    return {key: value for key, value in flat.items() if value not in ([], {})}


class TestTopics:
    """What the header says counts before the shape."""

    @pytest.mark.parametrize(
        ("topic", "variant"),
        [
            ("customers/create", "customer_webhook"),
            ("customers/enable", "customer_webhook"),
            ("customers/delete", "customer_webhook"),
            ("orders/create", "order_webhook"),
            ("orders/paid", "order_webhook"),
            ("customers/merge", "merge"),
            ("customers/email_marketing_consent_update", "consent_webhook"),
            ("customers_marketing_consent/update", "consent_webhook"),
            ("customer.tags_removed", "thin"),
            ("shop/redact", "compliance"),
            ("orders/edited", "other"),
            ("orders/delete", "other"),
            ("products/update", "other"),
            ("checkouts/create", "other"),
            ("app/uninstalled", "other"),
            ("", "generic"),
        ],
    )
    def test_its_variant(self, topic: str, variant: str) -> None:
        found = read({"id": 1}, None, by(topic))
        assert variant in (found.variant, found.source)

    def test_a_topic_of_something_else_is_no_record(self) -> None:
        checkout = customer(billing_address={}, customer=customer())
        assert read(checkout, None, by("checkouts/update")).records == []
        assert read([customer()], None, by("customers/update")).records == []

    def test_a_header_of_another_case_is_the_same_in_n8n(self) -> None:
        item = {"headers": {"X-SHOPIFY-Topic": "customers/delete"}, "params": {}, "query": {}, "body": {"id": 7003}}
        [found] = translated(read(item, None, {"host": "connector.example"}))
        assert (found.id, found.deleted) == ("7003", True)

    def test_without_headers_a_delete_is_known_by_what_is_left(self) -> None:
        older: dict[str, Any] = {
            "id": 7003,
            "phone": None,
            "addresses": [],
            "tax_exemptions": [],
            "admin_graphql_api_id": GID,
        }
        [found] = translated(read(older))
        assert (found.id, found.deleted, found.updated_at) == ("7003", True, None)
        assert not translated(read({**older, "email": None}))[0].deleted


class TestCustomers:
    """Customers of webhooks and of both Admin APIs."""

    @pytest.mark.parametrize(
        ("tags", "segments"),
        [
            ("gros client", ["gros client"]),
            ("a, b c,, d|e", ["a", "b c", "d|e"]),
            (["wholesale", "north east"], ["wholesale", "north east"]),
            ("", None),
            (None, None),
        ],
    )
    def test_tags_keep_their_spaces(self, tags: Any, segments: list[str] | None) -> None:
        assert contact_of(customer(tags=tags)).get("segments") == segments

    @pytest.mark.parametrize(
        ("fields", "accepts"),
        [
            ({"email_marketing_consent": {"state": "subscribed"}}, True),
            ({"email_marketing_consent": {"state": "not_subscribed"}}, False),
            ({"email_marketing_consent": {"state": "unsubscribed"}, "accepts_marketing": True}, False),
            ({"email_marketing_consent": {"state": "pending"}}, None),
            ({"email_marketing_consent": {"state": "redacted"}}, None),
            ({"email_marketing_consent": None}, None),
            ({"email_marketing_consent": None, "accepts_marketing": True}, True),
            ({"defaultEmailAddress": {"emailAddress": "x@example.com", "marketingState": "UNSUBSCRIBED"}}, False),
            ({"sms_marketing_consent": {"state": "subscribed"}}, None),
            ({"accepts_marketing": "yes"}, None),
        ],
    )
    def test_whether_advertising_is_accepted(self, fields: dict[str, Any], accepts: bool | None) -> None:
        assert contact_of(customer(**fields)).get("data", {}).get("accepts_marketing") is accepts

    def test_numbers_as_text_are_numbers(self) -> None:
        data = contact_of(customer(orders_count="4", total_spent="405.90"))["data"]
        assert data == {"orders_count": 4, "total_spent": 405.9}
        assert type(data["orders_count"]) is int
        assert "data" not in contact_of(customer(orders_count=None, total_spent="a lot"))

    def test_metafields_are_what_its_users_made_up(self) -> None:
        listed = [{"namespace": "custom", "key": "shoe_size", "value": "42"}, {"namespace": "x", "key": "y"}, None]
        [found] = translated(read(customer(metafields=listed, last_order_name="#1042", currency="EUR")))
        assert [note.field for note in found.notes] == ["metafields.custom.shoe_size"]

    def test_a_note_with_html_is_text(self) -> None:
        note = "<b>Prefers</b> pick-up<script>alert(1)</script>"
        assert contact_of(customer(note=note))["description"] == note

    def test_a_customer_without_an_email_may_be_known_by_the_id(self) -> None:
        [found] = translated(read(customer(email=None, phone="+493023125042")))
        assert (found.id, [note.code for note in found.notes]) == ("7001", ["email_missing"])

    @pytest.mark.parametrize(
        "data",
        [
            {"customer": {"id": GID, "email": "kofi@example.com"}},
            {"customers": {"nodes": [{"id": GID, "email": "kofi@example.com"}]}},
            {"customers": {"edges": [{"node": {"id": GID, "email": "kofi@example.com"}}]}},
        ],
    )
    def test_graphql_in_each_way_to_ask(self, data: Any) -> None:
        found = read({"data": data})
        assert (found.source, found.variant) == ("shopify", "graphql")
        assert contact_of({"data": data}) == {"email": "kofi@example.com"}

    def test_a_line_of_a_bulk_operation(self) -> None:
        assert contact_of({"id": GID, "email": "kofi@example.com"}) == {"email": "kofi@example.com"}

    def test_more_pages_are_said(self) -> None:
        page = {"nodes": [{"id": GID}], "pageInfo": {"hasNextPage": True}}
        assert [note.code for note in read({"data": {"customers": page}}).notes] == ["list_incomplete"]

    @pytest.mark.parametrize(
        "data",
        [None, [], {"customer": None}, {"customer": {"id": "gid://shopify/Company/1"}}, {"products": {"nodes": []}}],
    )
    def test_other_answers_are_another_systems(self, data: Any) -> None:
        assert detect({"data": data}).source == "generic"


class TestOrders:
    """The customer of an order, also one without an account."""

    def test_a_guest_with_an_email(self) -> None:
        address = {"first_name": "Theo", "last_name": "Garnier", "country_code": "FR", "phone": "01 99 00 56 78"}
        guest = order(email="", contact_email="theo@example.com", customer=None, billing_address=address, note="Ring")
        [found] = translated(read(guest))
        assert found.id == "order:55010"
        assert dict(found.contact.fields) == {
            "email": "theo@example.com",
            "first_name": "Theo",
            "last_name": "Garnier",
            "phone": "+33199005678",
            "country": "FR",
        }

    def test_each_phone_is_read_in_its_own_country(self) -> None:
        billing = {"country_code": "FR", "phone": "by mail only"}
        shipping = {"country_code": "DE", "phone": "030 23125 042"}
        contact = contact_of(order(email="a@example.com", billing_address=billing, shipping_address=shipping))
        assert (contact["phone"], contact["country"]) == ("+493023125042", "FR")

    @pytest.mark.parametrize(
        ("of_order", "of_customer", "updated_at"),
        [
            ("2026-03-02T10:15:07+01:00", "2026-03-02T10:15:01+01:00", "2026-03-02T09:15:07Z"),
            ("2026-03-02T10:15:07+01:00", "2026-03-02T09:15:08Z", "2026-03-02T09:15:08Z"),
            ("2026-03-02T09:15:07Z", "2026-03-02T09:15:07.500Z", "2026-03-02T09:15:07.500Z"),
            ("2026-03-02T09:15:07Z", None, "2026-03-02T09:15:07Z"),
            (None, "2026-03-02T09:15:07Z", "2026-03-02T09:15:07Z"),
            ("soon", "later", None),
        ],
    )
    def test_the_later_time_counts(self, of_order: Any, of_customer: Any, updated_at: str | None) -> None:
        told = order(updated_at=of_order, customer={"id": 7010, "updated_at": of_customer}, email="a@example.com")
        [found] = translated(read(told))
        assert found.updated_at == updated_at

    def test_tags_and_note_of_the_order_are_not_the_customers(self) -> None:
        told = order(
            email="a@example.com", tags="gift", note="Leave it", customer={"id": 1, "tags": "vip", "note": "Kind"}
        )
        assert contact_of(told) == {"email": "a@example.com", "segments": ["vip"], "description": "Kind"}

    def test_two_emails_and_many_line_items(self) -> None:
        items = [{"id": number, "title": "Lampe", "properties": [{"name": "x", "value": "y"}]} for number in range(250)]
        told = order(email="Bob@example.com", customer={"id": 1, "email": "ada@example.com"}, line_items=items)
        [found] = translated(read(told))
        assert found.contact.email == "ada@example.com"
        assert [note.code for note in found.notes] == ["several_emails"]

    def test_without_the_gid_whoever_names_the_source_is_believed(self) -> None:
        [found] = translated(read({"id": 5, "line_items": [], "email": "a@example.com"}, "shopify"))
        assert (found.id, found.contact.email) == ("order:5", "a@example.com")


class TestThin:
    """Events of customers who are known by the id alone."""

    def test_tags_that_are_added(self) -> None:
        event = {"customerId": GID, "tags": ["vip", "gros client"], "occurredAt": UPDATED}
        [found] = translated(read(event, None, by("customer.tags_added")))
        assert (found.id, found.updated_at, found.contact.segments) == ("7001", UPDATED, ("vip", "gros client"))

    def test_tags_that_are_removed_stay(self) -> None:
        event = {"customerId": GID, "tags": ["vip"], "occurredAt": UPDATED}
        assert read(event, None, by("customer.tags_removed")).records == []
        assert read(event).records == [], "nothing says that they were added"

    def test_a_summary_of_purchases(self) -> None:
        amount = {"amount": "99.50", "currencyCode": "EUR"}
        event = {"customerId": GID, "numberOfOrders": 3, "amountSpent": amount, "occurredAt": UPDATED}
        [found] = translated(read(event))
        assert (found.id, found.contact.data) == ("7001", {"orders_count": 3, "total_spent": 99.5})

    def test_a_consent_by_telephone(self) -> None:
        event = {"id": 7001, "phone": "+493023125042", "sms_marketing_consent": {"consent_updated_at": UPDATED}}
        [found] = translated(read(event, None, by("customers_marketing_consent/update")))
        assert (found.id, found.updated_at, found.contact.data) == ("7001", UPDATED, {})

    @pytest.mark.parametrize(
        ("status", "told"), [("completed", 1), ("COMPLETED", 1), ("failed", 0), ("in_progress", 0), (None, 0)]
    )
    def test_a_merge_that_is_done_removes_one(self, status: Any, told: int) -> None:
        merge = {"admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1", "status": status}
        found = translated(read({**merge, "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2"}))
        assert [(each.id, each.deleted) for each in found] == [("2", True)] * told


class TestPrivacy:
    """Requests that the law demands are told, never done."""

    @pytest.mark.parametrize(
        ("topic", "more", "ids"),
        [
            ("customers/redact", {"customer": WHO, "orders_to_redact": []}, ["7030"]),
            ("customers/data_request", {"customer": WHO, "orders_requested": [], "data_request": {"id": 1}}, []),
            ("shop/redact", {}, []),
        ],
    )
    @pytest.mark.parametrize("with_headers", [True, False])
    def test_they_are_told(self, topic: str, more: dict[str, Any], ids: list[str], with_headers: bool) -> None:
        found = read({**SHOP, **more}, None, by(topic) if with_headers else {})
        assert (found.source, found.variant) == ("shopify", "compliance")
        assert [(note.code, note.field, note.level) for note in found.notes] == [
            ("privacy_requested", topic, "warning")
        ]
        assert [(each.id, each.deleted) for each in translated(found)] == [(each, True) for each in ids]


class TestWhose:
    """`senders` and `sender_form`"""

    def test_the_shop_of_a_delivery(self) -> None:
        headers = sent("shopify", "customers_create_2024").headers
        assert SHOPIFY.senders(Inbound(headers, {}, b"")) == {"lumen-demo.myshopify.example"}
        assert SHOPIFY.senders(Inbound({}, {}, b"")) == set()

    @pytest.mark.parametrize("written", ["lumen-demo.myshopify.com", " Lumen-Demo.myshopify.com "])
    def test_its_one_form(self, written: str) -> None:
        assert SHOPIFY.sender_form(written) == "lumen-demo.myshopify.com"
        assert SHOPIFY.sender_form(None) is None

    @pytest.mark.parametrize("written", ["", "lumen", "https://lumen.myshopify.com", "a b.com", "x" * 300, "-.com"])
    def test_what_is_none(self, written: str) -> None:
        with pytest.raises(ValueError, match="myshopify"):
            SHOPIFY.sender_form(written)
