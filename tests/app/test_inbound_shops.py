"""Webhooks of Salesforce, Shopify, WooCommerce and PrestaShop: each is proved in its own way, answered as it demands,
kept once, and becomes people."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.samples import Sample, of_source
from tests.app.inbound import (
    ONE_ID,
    Headers,
    arrivals_of,
    body_of,
    carried_out,
    count,
    kept,
    made,
    outcomes_of,
    post,
    refused,
    stored,
    took_in,
)
from tests.app.stack import DATABASES, Stack, ended, finished, problem

pytestmark = [pytest.mark.parametrize("database", DATABASES, indirect=True), pytest.mark.usefixtures("no_addresses")]
SOURCES = ("salesforce", "shopify", "woocommerce", "prestashop")
SAMPLES = {(each.source, each.name): each for source in SOURCES for each in of_source(source)}
ORGANISATION, SHOP = "00D5e0000012AbCEAU", "lumen-demo.myshopify.example"
SECRET = "shpss_demo_secret"
FORM = "application/x-www-form-urlencoded"


def sample(source: str, name: str) -> Sample:
    return SAMPLES[source, name]


def mac(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def shopify(body: bytes, topic: str, secret: str = SECRET, **more: str) -> Headers:
    """The headers of a delivery of Shopify's."""
    said = {"X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": SHOP, "X-Shopify-Hmac-SHA256": mac(body, secret)}
    return {**said, "X-Shopify-Triggered-At": "2026-03-02T09:15:08.123456789Z", **more}


def woocommerce(body: bytes, topic: str, secret: str, **more: str) -> Headers:
    """The headers of a delivery of WooCommerce's."""
    said = {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Source": "https://shop.example/"}
    return {**said, "X-WC-Webhook-Signature": mac(body, secret), **more}


def altered(body: bytes) -> list[bytes]:
    """The body with one byte of it another, at its beginning, in its midst and at its end."""
    places = (0, len(body) // 2, len(body) - 1)
    return [body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :] for place in places]


def emails(api: FlaskClient, one: dict[str, Any]) -> list[str | None]:
    """Of the single records that came, newest first."""
    return [ended(api, each["outcome_id"])["email"] for each in arrivals_of(api, one) if each["outcome_id"]]


class TestShopify:
    """Webhooks of the admin, or of an app."""

    @pytest.fixture
    def one(self, api: FlaskClient) -> dict[str, Any]:
        return made(api, "shopify", secret=SECRET, sender=SHOP)

    @pytest.mark.parametrize(
        "name", [name for source, name in SAMPLES if source == "shopify" and name != "graphql_customer"]
    )
    def test_each_sample_is_taken_and_becomes_what_it_must(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any], name: str
    ) -> None:
        told = sample("shopify", name)
        topic = told.headers["x-shopify-topic"]
        triggered = told.headers["x-shopify-triggered-at"]
        answer = post(stack, one, told.body, shopify(told.body, topic, **{"X-Shopify-Triggered-At": triggered}))
        assert stored(answer)
        assert took_in(stack) == 1
        [record] = told.records
        erased = carried_out(stack)
        became = ended(api, arrivals_of(api, one)[0]["outcome_id"])
        assert erased == (topic == "customers/redact")
        failed = any(note["level"] == "error" for note in record["notes"])
        assert became["status"] == ("rejected" if failed else "unchanged" if record["deleted"] else "created")
        assert became["email"] == (None if erased else record["contact"].get("email")) or record["deleted"]

    def test_what_is_forged_is_answered_alike(self, stack: Stack, one: dict[str, Any]) -> None:
        body, topic = sample("shopify", "customers_create_2024").body, "customers/create"
        true = shopify(body, topic)
        without = {name: value for name, value in true.items() if "Hmac" not in name}
        other_shop = {"X-Shopify-Shop-Domain": "other-demo.myshopify.example"}
        refused(
            stack,
            post(stack, one, body),
            post(stack, one, body, without),
            post(stack, one, body, {**true, "X-Shopify-Hmac-SHA256": ""}),
            post(stack, one, body, shopify(body, topic, "shpss_other_secret")),
            post(stack, one, body, {**true, **other_shop}),
            post(stack, one, body, {**true, "X-Shopify-Shop-Domain": ""}),
            *(post(stack, one, each, true) for each in altered(body)),
            post(stack, one, body, without, f"key={SECRET}"),
            stack.client(None).post("/in/woocommerce/" + one["id"], data=body, headers={**ONE_ID, **true}),
        )
        assert stored(post(stack, one, body, true))
        assert stored(post(stack, one, body, {**true, "X-Shopify-Shop-Domain": SHOP.upper()}))

    def test_both_secrets_are_taken_while_it_rotates(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        api.patch(f"/v1/inbound/{one['id']}", json={"secret": "shpss_newer_secret"})
        for secret in (SECRET, "shpss_newer_secret"):
            body = body_of(
                {"id": 7001, "admin_graphql_api_id": "gid://shopify/Customer/7001", "email": f"{secret}@example.com"}
            )
            assert stored(post(stack, one, body, shopify(body, "customers/update", secret)))
        assert took_in(stack) == 2

    def test_topics_of_other_things_are_answered_and_no_record(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        body = sample("shopify", "orders_create").body
        for topic in ("products/update", "app/uninstalled", "checkouts/create", "orders/edited"):
            assert stored(post(stack, one, body, shopify(body, topic)))
        assert took_in(stack) == 4
        assert outcomes_of(api, one) == ["no_records"] * 4

    @pytest.mark.parametrize("topic", ["customers/data_request", "shop/redact"])
    def test_what_the_law_asks_is_answered_and_stands_out(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any], topic: str
    ) -> None:
        body = body_of({"shop_id": 954889, "shop_domain": SHOP, "customer": {"id": 1, "email": "x@example.com"}})
        assert stored(post(stack, one, body, shopify(body, topic)))
        took_in(stack)
        assert outcomes_of(api, one) == ["privacy_requested"]

    def test_a_delivery_that_comes_again_is_taken_once(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        body = sample("shopify", "customers_update_2025").body
        ids = {"X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"}
        for _ in range(3):
            assert stored(post(stack, one, body, shopify(body, "customers/update", **ids)))
        assert (count(stack), took_in(stack)) == (1, 1)
        other = {"X-Shopify-Webhook-Id": "c54557e4-bdd9-4b37-8a5f-bf7d70bcd043"}
        assert stored(post(stack, one, body, shopify(body, "customers/update", **other)))
        assert count(stack) == 2

    @pytest.mark.parametrize(
        ("topic", "named"),
        [
            ("customers/update", {"id": 706405506930370084, "email": "bob@biller.example"}),
            ("orders/create", {"id": 820982911946154508, "email": "jon@example.com", "customer": {"id": 1}}),
            (
                "customers_email_marketing_consent/update",
                {"customer_id": 706405506930370084, "email_marketing_consent": {}},
            ),
        ],
    )
    def test_its_test_button_tells_nobody_and_nobody_is_lost_by_a_header(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any], topic: str, named: dict[str, Any]
    ) -> None:
        tried, theirs = (
            {"X-Shopify-Test": "true"},
            {**named, "id": 7003, "customer_id": 7003, "email": "ada@example.com"},
        )
        for body, more in (
            (body_of(named), tried),
            (body_of(theirs), tried),
            (body_of(named), {"X-Shopify-Test": "false"}),
        ):
            assert stored(post(stack, one, body, shopify(body, topic, **more)))
        took_in(stack)
        assert outcomes_of(api, one).count("no_records") == 1

    def test_who_is_known_by_the_id_is_updated_without_an_email(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        created = sample("shopify", "customers_update_2025").body
        tagged = body_of(
            {"customerId": "gid://shopify/Customer/7002", "tags": ["big spender"], "occurredAt": "2026-03-02T10:00:00Z"}
        )
        post(stack, one, created, shopify(created, "customers/update"))
        took_in(stack)
        assert emails(api, one) == ["silva@example.com"]
        assert stored(post(stack, one, tagged, shopify(tagged, "customer.tags_added")))
        took_in(stack)
        assert emails(api, one) == ["silva@example.com"] * 2
        assert stack.crisp.people()["silva@example.com"]["segments"] == ["big spender"]

    def test_a_customer_created_by_headers_that_n8n_passes_on(self, api: FlaskClient) -> None:
        item = {"headers": {"x-shopify-topic": "products/create"}, "params": {}, "query": {}, "body": {"id": 1}}
        assert api.post("/v1/contacts", json=item).get_json()["records"] == 0
        direct = api.post(
            "/v1/contacts", json={"id": 1, "email": "a@example.com"}, headers={"X-Shopify-Topic": "products/create"}
        )
        assert direct.get_json()["records"] == 0


class TestWooCommerce:
    """Webhooks with our secret or theirs, and the ping."""

    def test_each_sample_is_taken_and_becomes_what_it_must(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "woocommerce", sender="https://shop.example")
        told = [
            each
            for (source, _), each in SAMPLES.items()
            if source == "woocommerce" and "x-wc-webhook-topic" in each.headers
        ]
        for each in told:
            topic = each.headers["x-wc-webhook-topic"]
            assert stored(post(stack, one, each.body, woocommerce(each.body, topic, one["secret"])))
        assert took_in(stack) == len(told) == 5
        records = [record for each in told for record in each.records]
        assert outcomes_of(api, one).count("accepted") == len(records) == 4
        assert outcomes_of(api, one).count("no_records") == 1
        assert {email for email in emails(api, one) if email} == {
            "lena.vogt@example.com",
            "ruth.abbott@example.com",
            "dana.petrov@example.com",
        }

    @pytest.mark.parametrize("secret", ["wc_secret&1", "wc_secret&amp;1"])
    def test_a_secret_as_it_was_typed_or_as_it_is_kept(self, api: FlaskClient, stack: Stack, secret: str) -> None:
        one = made(api, "woocommerce", secret=secret)
        body = b'{"id":26,"email":"lena.vogt@example.com"}'
        headers = {"X-WC-Webhook-Topic": "customer.updated"}
        vector = {"X-WC-Webhook-Signature": "23i/L0xeohCzvHdcwXgBJz/BX0udnOCIJeViDoR2AvI="}
        assert stored(post(stack, one, body, {**headers, **vector}))

    def test_what_is_forged_is_answered_alike(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "woocommerce", sender="shop.example")
        body, topic = sample("woocommerce", "customer_created").body, "customer.created"
        true = woocommerce(body, topic, one["secret"])
        refused(
            stack,
            post(stack, one, body),
            post(stack, one, body, {**true, "X-WC-Webhook-Signature": ""}),
            post(stack, one, body, woocommerce(body, topic, "another secret")),
            post(stack, one, body, {**true, "X-WC-Webhook-Source": "https://other.example/"}),
            post(stack, one, body, {name: value for name, value in true.items() if "Source" not in name}),
            *(post(stack, one, each, true) for each in altered(body)),
            post(stack, one, b"webhook_id=7&email=a@example.com", {"Content-Type": FORM}),
        )
        assert stored(post(stack, one, body, true))

    def test_its_ping_is_answered_200_and_nothing_is_kept(self, api: FlaskClient, stack: Stack) -> None:
        one, ping = made(api, "woocommerce"), sample("woocommerce", "ping")
        headers = {"Content-Type": FORM, "User-Agent": "WooCommerce/10.1.0 Hookshot (WordPress/6.8)", **ONE_ID}
        answer = post(stack, one, ping.body, headers)
        assert answer.status_code == 200
        assert count(stack) == 0
        assert api.get(f"/v1/inbound/{one['id']}").get_json()["verified_at"] is None
        nowhere = stack.client(None).post("/in/woocommerce/nobody", data=ping.body, headers=headers)
        elsewhere = post(stack, made(api, "generic"), ping.body, headers)
        refused(stack, nowhere, elsewhere)

    def test_a_ping_to_the_api_is_no_record(self, api: FlaskClient) -> None:
        answer = api.post("/v1/contacts", data=b"webhook_id=7", content_type=FORM)
        assert (answer.status_code, answer.get_json()["records"]) == (200, 0)

    def test_two_deliveries_of_one_second_share_an_id(self, api: FlaskClient, stack: Stack) -> None:
        one, same = made(api, "woocommerce"), {"X-WC-Webhook-Delivery-ID": "4f9d1f2b7a1c4e0f8a6b3c2d1e0f9a8b"}
        for name in ("customer_created", "customer_updated", "customer_created"):
            body = sample("woocommerce", name).body
            assert stored(post(stack, one, body, woocommerce(body, "customer.updated", one["secret"], **same)))
        assert count(stack) == 2

    def test_another_algorithm_by_a_filter(self, api: FlaskClient, stack: Stack) -> None:
        way = {"header": "X-WC-Webhook-Signature", "algorithm": "sha512", "encoding": "base64"}
        one = made(api, "woocommerce", signature=way)
        body = sample("woocommerce", "customer_created").body
        told = base64.b64encode(hmac.new(one["secret"].encode(), body, hashlib.sha512).digest()).decode()
        headers = woocommerce(body, "customer.created", one["secret"])
        refused(stack, post(stack, one, body, headers))
        assert stored(post(stack, one, body, {**headers, "X-WC-Webhook-Signature": told}))


class TestSalesforce:
    """Outbound messages, and JSON with an API key."""

    @pytest.fixture
    def one(self, api: FlaskClient) -> dict[str, Any]:
        return made(api, "salesforce", sender=ORGANISATION[:15])

    def message(self, stack: Stack, one: dict[str, Any], body: bytes, key: str | None = None) -> TestResponse:
        query = f"key={one['secret'] if key is None else key}"
        return post(stack, one, body, {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}, query)

    @pytest.mark.parametrize("sender", [None, "", "00D", "0035e00000AbCdJAAV"])
    def test_an_address_is_for_one_organisation(self, api: FlaskClient, sender: str | None) -> None:
        said = {} if sender is None else {"sender": sender}
        told = problem(api.post("/v1/inbound", json={"source": "salesforce", **said}), 422, "parameter_invalid")
        assert told["errors"][0]["field"] == "sender"
        one = made(api, "salesforce", sender=ORGANISATION)
        assert one["sender"] == ORGANISATION
        problem(api.patch(f"/v1/inbound/{one['id']}", json={"sender": None}), 422, "parameter_invalid")
        assert api.patch(f"/v1/inbound/{one['id']}", json={"label": "CRM"}).get_json()["sender"] == ORGANISATION

    def test_a_message_is_acknowledged_and_becomes_people(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        answer = self.message(stack, one, sample("salesforce", "outbound_message").body)
        assert (answer.status_code, answer.mimetype) == (200, "text/xml")
        assert b"<Ack>true</Ack>" in answer.get_data()
        assert answer.get_data().startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
        assert took_in(stack) == 1
        totals = finished(api, arrivals_of(api, one)[0]["import_id"])["totals"]
        assert (totals["created"], totals["rejected"]) == (1, 1)
        assert set(stack.crisp.people()) == {"mia.tran@example.com"}

    def test_what_is_forged_is_answered_alike(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        body = sample("salesforce", "outbound_message").body
        other = body.replace(ORGANISATION.encode(), b"00D5e0000012AbDEAU")
        another_case = body.replace(ORGANISATION.encode(), b"00d5e0000012abc")
        refused(
            stack,
            self.message(stack, one, body, ""),
            self.message(stack, one, body, one["secret"][:-1]),
            self.message(stack, one, body, f"{one['secret']}&key={one['secret']}"),
            self.message(stack, one, other),
            self.message(stack, one, another_case),
            self.message(stack, one, body.replace(b"OrganizationId", b"Organization")),
            self.message(stack, one, b"<a>"),
            self.message(stack, one, b"<!DOCTYPE a><a/>"),
            self.message(stack, one, sample("salesforce", "contact_sobject").body),
            post(stack, one, body),
        )
        short = body.replace(ORGANISATION.encode(), ORGANISATION[:15].encode())
        assert self.message(stack, one, short).status_code == 200

    def test_a_message_that_comes_again_is_taken_once(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        body = sample("salesforce", "outbound_message").body
        later = body.replace(b"2026-03-02T09:15:07.000Z", b"2026-03-02T09:16:00.000Z")
        others = body.replace(b"04l5e00002nrC5B", b"04l5e00002nrC5X")
        for each in (body, body, later):
            assert self.message(stack, one, each).status_code == 200
        assert count(stack) == 1
        assert self.message(stack, one, others).status_code == 200
        assert count(stack) == 2

    def test_the_session_is_never_stored(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        body = sample("salesforce", "outbound_message").body
        whole = body.replace(b'<SessionId xsi:nil="true"/>', b"<SessionId>00D5e!AQ4AQ.live-session</SessionId>")
        assert self.message(stack, one, whole).status_code == 200
        assert "live-session" not in kept(stack)
        assert "04l5e00002nrC5BAAU" in kept(stack)
        assert took_in(stack) == 1
        assert outcomes_of(api, one) == ["accepted"]

    @pytest.mark.parametrize(
        "name", [name for source, name in SAMPLES if source == "salesforce" and name != "outbound_message"]
    )
    def test_json_comes_with_an_api_key(self, api: FlaskClient, stack: Stack, one: dict[str, Any], name: str) -> None:
        key = {"X-API-Key": stack.key("write")}
        answer = post(stack, one, sample("salesforce", name).body, key)
        assert stored(answer)
        assert took_in(stack) == 1
        rejected = name == "change_event_bare_update"
        assert outcomes_of(api, one) == ["email_missing" if rejected else "accepted"]

    def test_lost_changes_stand_out(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        header = {"entityName": "Contact", "recordIds": [], "changeType": "GAP_OVERFLOW"}
        post(stack, one, {"payload": {"ChangeEventHeader": header}}, {"X-API-Key": stack.key("write")})
        took_in(stack)
        assert outcomes_of(api, one) == ["changes_lost"]


class TestPrestaShop:
    """Modules."""

    def test_a_module_sends_with_the_secret_in_the_address(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "prestashop", timezone="Europe/Paris")
        body = sample("prestashop", "webhook_module_customer").body
        refused(
            stack,
            post(stack, one, body),
            post(stack, one, body, query="key=another"),
            post(stack, one, body, query="key="),
        )
        assert stored(post(stack, one, body, query=f"key={one['secret']}"))
        took_in(stack)
        assert emails(api, one) == ["hugo.petit@example.com"]

    def test_a_form_with_json_in_a_field(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "prestashop")
        told = json.dumps(
            {"customer": {"id": 7, "firstname": "Hugo", "lastname": "Petit", "id_shop": 1, "email": "h@example.com"}}
        )
        query = f"key={one['secret']}"
        for form in (
            b"event=customer.updated&data=" + told.encode(),
            b"event=customer.updated&data=" + told[:-3].encode(),
        ):
            assert stored(post(stack, one, form, {"Content-Type": FORM}, query))
        took_in(stack)
        assert outcomes_of(api, one) == ["record_invalid", "accepted"]

    @pytest.mark.parametrize(
        ("algorithm", "encoding", "mark"), [("sha256", "hex", "sha256="), ("sha256", "base64", ""), ("sha1", "hex", "")]
    )
    def test_a_module_that_signs(
        self, api: FlaskClient, stack: Stack, algorithm: str, encoding: str, mark: str
    ) -> None:
        way = {"header": "X-Shop-Hmac", "algorithm": algorithm, "encoding": encoding}
        one = made(api, "prestashop", secret="module-made-it", signature=way)
        body = sample("prestashop", "webhook_module_customer").body
        digest = hmac.new(b"module-made-it", body, algorithm).digest()
        told = mark + (digest.hex() if encoding == "hex" else base64.b64encode(digest).decode())
        refused(
            stack,
            post(stack, one, body, query="key=module-made-it"),
            post(stack, one, body, {"X-Shop-Hmac": told[:-1]}),
            *(post(stack, one, each, {"X-Shop-Hmac": told}) for each in altered(body)),
        )
        assert stored(post(stack, one, body, {"X-Shop-Hmac": told}))

    def test_what_comes_again_has_no_id_and_changes_nothing(self, api: FlaskClient, stack: Stack) -> None:
        one, body = made(api, "prestashop"), sample("prestashop", "webhook_module_customer").body
        for _ in range(2):
            assert stored(post(stack, one, body, query=f"key={one['secret']}"))
            took_in(stack)
            ended(api, arrivals_of(api, one)[0]["outcome_id"])
        assert [each["status"] for each in api.get("/v1/outcomes").get_json()] == ["unchanged", "created"]

    def test_passwords_and_keys_are_never_stored(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "prestashop")
        query = f"key={one['secret']}"
        told = json.loads(sample("prestashop", "customer_json").body)
        told["customer"] |= {"passwd": "$2y$10$hash/of-it", "reset_password_token": "token-7731"}
        assert stored(post(stack, one, told, query=query))
        assert stored(post(stack, one, sample("prestashop", "customer").body, {"Content-Type": "text/xml"}, query))
        assert stored(post(stack, one, json.dumps(told).encode() + b"{", query=query)), (
            "what cannot be read is kept longer"
        )
        took_in(stack)
        assert outcomes_of(api, one) == ["body_not_json", "accepted", "accepted"]
        for secret in ("hash/of-it", "token-7731", "b44a6d9efd7a0076a0fbce6b15eaf3b1"):
            assert secret not in kept(stack)

    def test_nothing_of_it_is_previewed(self, api: FlaskClient) -> None:
        found = sample("prestashop", "customer")
        answer = api.post("/v1/preview?unmapped=data", data=found.body, content_type=found.content_type)
        assert answer.status_code == 200
        assert "b44a6d9efd7a0076a0fbce6b15eaf3b1" not in answer.get_data(as_text=True)


BROKEN = [
    ("salesforce", b"<a>", "text/xml", 400, "body_not_xml"),
    ("salesforce", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "text/xml", 400, "body_doctype"),
    ("salesforce", b"<a/>", "text/xml", 422, "record_invalid"),
    (
        "prestashop",
        b'<!DOCTYPE prestashop PUBLIC "-//PRESTASHOP" "http://x.example/p.dtd"><p:a/>',
        "text/xml",
        400,
        "body_doctype",
    ),
    ("prestashop", b"<prestashop><customer><id>1</customer></prestashop>", "text/xml", 400, "body_not_xml"),
    ("prestashop", b"customer=%7B%22firstname", FORM, 422, "record_invalid"),
    (
        "prestashop",
        b'{"customer": {"id_default_group": "3", "date_add": "0000-00-00", "email": ""}}',
        "",
        422,
        "email_missing",
    ),
    ("shopify", b"[]", "application/json", 200, None),
    ("shopify", b'"text"', "application/json", 400, "body_not_records"),
    (
        "shopify",
        b'{"admin_graphql_api_id": "gid://shopify/Customer/1", "email": null, "note": "<b>x</b>"}',
        "",
        422,
        "email_missing",
    ),
    ("woocommerce", b"webhook_id=x", FORM, 422, "record_invalid"),
    ("woocommerce", b'{"order_key": "wc_order_1", "billing": {"email": "no"}}', "", 422, "email_invalid"),
]


@pytest.mark.parametrize(("source", "body", "kind", "status", "code"), BROKEN)
def test_what_cannot_be_read_is_told_in_words(
    api: FlaskClient, source: str, body: bytes, kind: str, status: int, code: str | None
) -> None:
    for route in ("/v1/contacts", "/v1/preview"):
        answer = api.post(f"{route}?source={source}", data=body, content_type=kind)
        told = answer.get_json()
        if route == "/v1/preview" and status in (200, 422):
            assert answer.status_code == 200
            assert [
                note["code"] for record in told["records"] for note in record["notes"] if note["level"] == "error"
            ] == ([code] if code else [])
        else:
            assert (answer.status_code, told.get("code")) == (status, code), told


def test_a_mark_before_the_declaration_is_passed_over(api: FlaskClient) -> None:
    for source, name in (("salesforce", "outbound_message"), ("prestashop", "customer")):
        found = sample(source, name)
        answer = api.post("/v1/preview", data=b"\xef\xbb\xbf\n" + found.body, content_type="text/xml")
        assert [record["id"] for record in answer.get_json()["records"]] == [record["id"] for record in found.records]
