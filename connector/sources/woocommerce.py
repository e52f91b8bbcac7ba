"""WooCommerce: customers, from webhooks of customers and orders, and from the REST API.

Shapes: WooCommerce REST API docs (customers, orders, webhooks), `WC_Webhook` in WooCommerce's source.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from html import unescape
from typing import Any

from connector.record import Record, Value
from connector.saying import say
from connector.sources.base import Inbound, Rule, is_text, signed_base64
from connector.sources.values import dial_abroad, flat, number

KEY = "woocommerce"

_TOPIC = "X-WC-Webhook-Topic"
_PING = re.compile(rb"webhook_id=\d{1,20}")
_BARE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_HOST = re.compile(r"(?:https?://)?([a-z0-9][a-z0-9.-]*(?::\d{1,5})?(?:/[^\s?#]*)?)", re.IGNORECASE)
# A secret is kept with these characters escaped, and used without (WordPress, `wp_specialchars_decode`).
_ESCAPES = re.compile(r"&(?:lt|gt|amp|quot|#0*(?:34|38|39|60|62)|#[xX]0*(?:22|26|27));")
# Names of the API that WooCommerce took out with version 9 → those of today.
_OF_OLD = {
    "billing_address": "billing",
    "shipping_address": "shipping",
    "created_at": "date_created_gmt",
    "last_update": "date_modified_gmt",
}
_PLACES = (("billing.phone", "billing.country"), ("shipping.phone", "shipping.country"))

SENT_WITH = ("x-wc-webhook-topic", "x-wc-webhook-signature")
READ_WITH = ("x-wc-webhook-topic",)
# Made of the webhook and the second, so that it counts with the body alone.
EVENT_HEADERS = ("x-wc-webhook-delivery-id",)


def beside_headers(payload: Any, headers: Mapping[str, str]) -> Any:
    """`{X-WC-Webhook-Topic, body}`, where there is a topic."""
    topic = headers.get("x-wc-webhook-topic")
    return {_TOPIC: topic, "body": payload} if topic else payload


def _variant_of(topic: str) -> str:
    resource, _, event = topic.partition(".")
    if resource in ("customer", "order"):
        return "deleted" if event == "deleted" else resource
    return "action" if resource == "action" else "other"


def _is_topic(variant: str, payload: Any) -> bool:
    topic = payload.get(_TOPIC) if isinstance(payload, dict) else None
    return isinstance(topic, str) and "body" in payload and _variant_of(topic) == variant


def _is_customer(payload: Any) -> bool:
    return isinstance(payload, dict) and isinstance(payload.get("billing"), dict) and "is_paying_customer" in payload


def _is_order(payload: Any) -> bool:
    return isinstance(payload, dict) and str(payload.get("order_key")).startswith("wc_order_")


def _is_legacy(payload: Any) -> bool:
    customer = payload.get("customer") if isinstance(payload, dict) else None
    return isinstance(customer, dict) and isinstance(customer.get("billing_address"), dict) and "username" in customer


def _is_ping(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.keys() == {"webhook_id"} and str(payload["webhook_id"]).isdecimal()


RULES = (
    *(
        Rule(2 + place / 10, variant, partial(_is_topic, variant), frozenset({_TOPIC}))
        for place, variant in enumerate(("customer", "order", "deleted", "action", "other"))
    ),
    Rule(98.1, "customer", _is_customer, frozenset({"is_paying_customer"})),
    Rule(98.2, "order", _is_order, frozenset({"order_key"})),
    Rule(98.3, "legacy", _is_legacy, frozenset({"customer"})),
    Rule(98.4, "ping", _is_ping, frozenset({"webhook_id"})),
)


def claim(payload: Any) -> str | None:
    """Whatever has the names of a customer or of an order, and an empty list."""
    named = payload if isinstance(payload, dict) else {}
    if "line_items" in named or "customer_note" in named:
        return "order"
    return "customer" if payload == [] or any(name in named for name in ("billing", "email", "username")) else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per customer, also one who orders without an account."""
    topic = payload.get(_TOPIC) if isinstance(payload, dict) else None
    body = payload["body"] if topic else payload
    if variant == "legacy":
        body, variant = {_OF_OLD.get(name, name): value for name, value in payload["customer"].items()}, "customer"
    if not isinstance(body, dict):
        return
    if variant == "customer":
        yield _customer(body)
    elif variant == "order":
        yield _order(body)
    elif variant == "deleted" and topic == "customer.deleted":
        yield Record({}, {"record_id": _text(body.get("id")), _TOPIC: topic})


def _in_utc(values: dict[str, Value]) -> None:
    """Says of the times that are in UTC that they are, which WooCommerce leaves to their names."""
    for name in ("date_created_gmt", "date_modified_gmt"):
        value = values.get(name)
        if isinstance(value, str) and _BARE.fullmatch(value):
            values[name] = f"{value}Z"


def _customer(customer: Mapping[str, Any]) -> Record:
    values = flat(customer, but=("meta_data", "_links", "last_order"))
    for name in ("orders_count", "total_spent"):
        if name in values:
            values[name] = number(values[name])
    listed = customer.get("meta_data")
    for meta in listed if isinstance(listed, list) else ():
        # A key that begins with _ is WordPress's own or a plug-in's, and not shown to anybody.
        if isinstance(meta, dict) and is_text(meta.get("key")) and not meta["key"].startswith("_"):
            values[f"meta_data.{meta['key']}"] = meta.get("value")
    _in_utc(values)
    dial_abroad(values, _PLACES)
    return Record(values, {"record_id": _text(customer.get("id"))})


def _order(order: Mapping[str, Any]) -> Record:
    """Addresses are all that an order says of its customer, who is known by 0 when a guest."""
    addresses: dict[str, Any] = {name: order.get(name) for name in ("billing", "shipping")}
    values = {name: value for name, value in order.items() if not isinstance(value, dict | list)}
    values.update(flat(addresses))
    _in_utc(values)
    dial_abroad(values, _PLACES)
    its_id, account = _text(order.get("id")), _text(order.get("customer_id"))
    named = {"record_id": account or (its_id and f"order:{its_id}")}
    return Record(values, named, "order", email_lent=bool(account))


def _text(its_id: Any) -> str | None:
    """An id as text; 0 is nobody's."""
    return str(its_id) if isinstance(its_id, int | str) and str(its_id) not in ("", "0", "False") else None


def greets(inbound: Inbound) -> bool:
    """The ping when a webhook is saved: a form, without signature and topic (`WC_Webhook::deliver_ping`)."""
    return bool(_PING.fullmatch(inbound.body)) and "x-wc-webhook-topic" not in inbound.headers


def verify(inbound: Inbound, secret: str) -> bool:
    """`X-WC-Webhook-Signature`: base64 of the HMAC-SHA256 of the raw body (`WC_Webhook::generate_signature`)."""
    plain = _ESCAPES.sub(lambda found: unescape(found[0]), secret)
    return signed_base64(inbound.body, inbound.headers.get("x-wc-webhook-signature"), plain)


def senders(inbound: Inbound) -> set[str]:
    """The shop's address, without https:// and the last slash."""
    found = _HOST.fullmatch(inbound.headers.get("x-wc-webhook-source", "").strip())
    return {found[1].rstrip("/").lower()} if found else set()


def sender_form(written: str | None) -> str | None:
    """A shop's address as `senders` writes it. Raises ValueError when it is none."""
    if written is None:
        return None
    found = _HOST.fullmatch(written.strip())
    if not found:
        raise ValueError(say("Give the shop's address, such as https://shop.example.com."))
    return found[1].rstrip("/").lower()
