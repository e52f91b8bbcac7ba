"""Shopify: customers, from webhooks of customers, orders, consents and privacy requests, and from the Admin API.

Shapes: Shopify developer docs (webhook topics and deliveries, Admin GraphQL `Customer`, privacy law compliance).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from connector.convert import Given
from connector.convert.times import milliseconds, time
from connector.notes import Note, note
from connector.record import Record, Value
from connector.saying import say
from connector.sources.base import Inbound, Rule, signed_base64
from connector.sources.values import dial_abroad, flat, number

KEY = "shopify"

_TOPIC, _TRIGGERED, _TEST = "X-Shopify-Topic", "X-Shopify-Triggered-At", "X-Shopify-Test"
_GID, _CUSTOMER, _ORDER = "admin_graphql_api_id", "gid://shopify/Customer/", "gid://shopify/Order/"
_MERGED, _CONSENT = "admin_graphql_api_customer_deleted_id", "email_marketing_consent"
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+")
_FRACTION = re.compile(r"\.\d+")
_DELETED, _TAGGED = "customers/delete", "customer.tags_added"
_REDACT, _REDACT_ALL = "customers/redact", "shop/redact"
# Topics by what their bodies are, also as an app's configuration writes them. Those of orders are told by their
# beginning; whatever is not here is about no customer.
_TOPICS = {
    "customer_webhook": ("customers/create", "customers/update", "customers/enable", "customers/disable", _DELETED),
    "consent_webhook": (
        "customers_email_marketing_consent/update",
        "customers_marketing_consent/update",
        "customers/email_marketing_consent_update",
        "customers/marketing_consent_update",
    ),
    "thin": (_TAGGED, "customer.tags_removed", "customers/purchasing_summary"),
    "merge": ("customers/merge",),
    "compliance": ("customers/data_request", _REDACT, _REDACT_ALL),
}
_VARIANTS = {topic: variant for variant, topics in _TOPICS.items() for topic in topics}
# Privacy requests by what their bodies alone have.
_ASKED = (("orders_to_redact", _REDACT), ("customer", "customers/data_request"))
_NO_CUSTOMER = ("orders/delete", "orders/edited")
# The customer and the order of the samples that the admin's test button sends, the same in every shop.
_SAMPLES = ("706405506930370084", "820982911946154508")
# All that is left of a customer that was deleted.
_REMAINS = {"id", "tax_exemptions", _GID, "phone", "addresses"}
_ACCEPTS = {"subscribed": True, "unsubscribed": False, "not_subscribed": False}
# Names that are enough for whoever says that this is Shopify's.
_OF_CUSTOMERS = ("default_address", "email_marketing_consent", "verified_email", "email", "first_name")
_OF_ORDERS = ("line_items", "billing_address", "contact_email")
# Phone and country of each address that a customer or an order has.
_PLACES = tuple(
    (f"{address}.phone", f"{address}.country_code")
    for address in ("default_address", "customer.default_address", "billing_address", "shipping_address")
)

SENT_WITH = ("x-shopify-topic", "x-shopify-hmac-sha256")
READ_WITH = ("x-shopify-topic", "x-shopify-triggered-at", "x-shopify-test")
# A delivery that is tried again keeps its id, and its body.
EVENT_HEADERS = ("x-shopify-webhook-id",)


def beside_headers(payload: Any, headers: Mapping[str, str]) -> Any:
    """`{X-Shopify-Topic, X-Shopify-Triggered-At, X-Shopify-Test, body}`, where there is a topic."""
    said = {name: headers.get(name.lower()) for name in (_TOPIC, _TRIGGERED, _TEST)}
    return {**said, "body": payload} if said[_TOPIC] else payload


def _variant_of(topic: str) -> str:
    of_order = topic.startswith("orders/") and topic not in _NO_CUSTOMER
    return _VARIANTS.get(topic, "order_webhook" if of_order else "other")


def _is_topic(variant: str, payload: Any) -> bool:
    topic = payload.get(_TOPIC) if isinstance(payload, dict) else None
    return isinstance(topic, str) and "body" in payload and _variant_of(topic) == variant


def _is_of(name: str, prefix: str, payload: Any) -> bool:
    return isinstance(payload, dict) and str(payload.get(name)).startswith(prefix)


def _is_consent(payload: Any) -> bool:
    return isinstance(payload, dict) and "customer_id" in payload and isinstance(payload.get(_CONSENT), dict)


def _is_compliance(payload: Any) -> bool:
    told = isinstance(payload, dict) and payload.keys() >= {"shop_domain", "shop_id"}
    return told and (isinstance(payload.get("customer"), dict) or len(payload) == 2)


def _is_graphql(payload: Any) -> bool:
    nodes = _nodes(payload)
    return bool(nodes) and _is_of("id", _CUSTOMER, nodes[0])


RULES = (
    *(
        Rule(1 + place / 10, variant, partial(_is_topic, variant), frozenset({_TOPIC}))
        for place, variant in enumerate((*_TOPICS, "order_webhook", "other"))
    ),
    Rule(93.3, "customer_webhook", partial(_is_of, _GID, _CUSTOMER), frozenset({_GID})),
    Rule(93.4, "order_webhook", partial(_is_of, _GID, _ORDER), frozenset({_GID})),
    Rule(93.5, "graphql", _is_graphql, frozenset({"data", "id"}), {"data": frozenset({"customer", "customers"})}),
    Rule(93.6, "compliance", _is_compliance, frozenset({"shop_domain"})),
    Rule(93.7, "consent_webhook", _is_consent, frozenset({_CONSENT})),
    Rule(93.8, "thin", partial(_is_of, "customerId", _CUSTOMER), frozenset({"customerId"})),
    Rule(93.9, "merge", partial(_is_of, _MERGED, _CUSTOMER), frozenset({_MERGED})),
)


def claim(payload: Any) -> str | None:
    """Whatever has the names of a customer or of an order, and an empty list."""
    named = payload if isinstance(payload, dict) else {}
    if any(name in named for name in _OF_ORDERS):
        return "order_webhook"
    customer = any(name in named for name in _OF_CUSTOMERS)
    return "customer_webhook" if customer else "graphql" if payload == [] else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per customer, also one who orders without an account; none for topics of anything else."""
    if variant == "graphql":
        yield from (_record(node, {}) for node in _nodes(payload))
        return
    body, said = _opened(payload, variant)
    read = _READ.get(variant)
    if read is not None and isinstance(body, dict) and not _is_test(payload, body):
        yield from read(body, said)


def _is_test(payload: Any, body: Mapping[str, Any]) -> bool:
    """Whether somebody tries the address with the admin's button, whose sample is nobody. `X-Shopify-Test` says so
    (Shopify docs, webhook headers); who it is must say so too, for nobody may be lost by a header."""
    tried = isinstance(payload, dict) and str(payload.get(_TEST)).lower() == "true"
    return tried and any(str(body.get(name)) in _SAMPLES for name in ("id", "customer_id"))


def payload_notes(payload: Any, variant: str) -> list[Note]:
    """A privacy request, which nobody must miss; an answer of which there are more pages."""
    if variant == "compliance":
        return [note("privacy_requested", str(_opened(payload, variant)[1][_TOPIC]))]
    page = _inside(payload, "data", "customers", "pageInfo") if variant == "graphql" else None
    more = isinstance(page, dict) and page.get("hasNextPage") is True
    return [note("list_incomplete", "customers")] if more else []


def of_everybody(payload: Any, headers: Mapping[str, str]) -> Callable[[str], Any] | None:
    """A request to erase a whole shop, as one for each of its customers: a function of the customer's id."""
    told = beside_headers(payload, headers)
    variant = "compliance" if _is_topic("compliance", told) or _is_compliance(told) else ""
    if not variant or _opened(told, variant)[1][_TOPIC] != _REDACT_ALL:
        return None
    triggered = headers.get("x-shopify-triggered-at")
    return lambda its_id: {_TOPIC: _REDACT, _TRIGGERED: triggered, "body": {"customer": {"id": its_id}}}


def _opened(payload: Any, variant: str) -> tuple[Any, dict[str, Value]]:
    """The body, and its topic and time: as its headers say, else the topic as its shape says."""
    if isinstance(payload, dict) and _TOPIC in payload:
        triggered = payload.get(_TRIGGERED)
        # Nine digits of a second, of which Shopify fills none.
        at = _FRACTION.sub("", triggered) if isinstance(triggered, str) else None
        return payload["body"], {_TOPIC: payload[_TOPIC], _TRIGGERED: at}
    return payload, {_TOPIC: _topic_of(payload, variant)}


def _topic_of(payload: Any, variant: str) -> str | None:
    named = payload.keys() if isinstance(payload, dict) else set()
    if variant == "customer_webhook":
        return _DELETED if named <= _REMAINS and _GID in named else None
    if variant == "compliance":
        return next((topic for name, topic in _ASKED if name in named), _REDACT_ALL)
    return "customers/merge" if variant == "merge" else None


def _nodes(payload: Any) -> list[dict[str, Any]]:
    """The customers of a GraphQL answer, in each of the ways in which one can ask for them; one alone is its own."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, dict):
        return [payload] if isinstance(payload, dict) else []
    listed = [data.get("customer"), *_members(data, "nodes")]
    listed += [edge.get("node") for edge in _members(data, "edges") if isinstance(edge, dict)]
    return [node for node in listed if isinstance(node, dict)]


def _members(data: Mapping[str, Any], name: str) -> list[Any]:
    found = _inside(data, "customers", name)
    return found if isinstance(found, list) else []


def _inside(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _customer(body: Mapping[str, Any], said: Mapping[str, Value]) -> Iterator[Record]:
    yield _record(body, said)


def _record(customer: Mapping[str, Any], said: Mapping[str, Value]) -> Record:
    named = next((customer[name] for name in ("id", "customer_id", "customerId") if customer.get(name)), None)
    values = _values(customer)
    dial_abroad(values, _PLACES)
    return Record(values, {**said, "record_id": _number_of(named)})


def _number_of(named: Any) -> Value:
    """The number at the end of a gid, or the id as it is."""
    return named.rpartition("/")[2] if isinstance(named, str) else named if isinstance(named, int) else None


def _values(customer: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """A customer's values: tags as a list, numbers as numbers, whether advertising is accepted, and metafields."""
    values = flat(customer, but=("addresses", "metafields"), prefix=prefix)
    tags = customer.get("tags")
    if isinstance(tags, str):
        values[f"{prefix}tags"] = [tag.strip() for tag in tags.split(",")]
    for name in ("orders_count", "total_spent", "numberOfOrders", "amountSpent.amount"):
        if prefix + name in values:
            values[prefix + name] = number(values[prefix + name])
    states = (_inside(customer, _CONSENT, "state"), _inside(customer, "defaultEmailAddress", "marketingState"))
    said = (_ACCEPTS.get(str(state).lower()) for state in states)
    accepts = next((each for each in said if each is not None), customer.get("accepts_marketing"))
    metafields = customer.get("metafields")
    for field in metafields if isinstance(metafields, list) else ():
        if isinstance(field, dict):
            values[f"{prefix}metafields.{field.get('namespace')}.{field.get('key')}"] = field.get("value")
    return {**values, f"{prefix}accepts_marketing": accepts if isinstance(accepts, bool) else None}


def _order(order: dict[str, Any], said: Mapping[str, Value]) -> Iterator[Record]:
    """The customer of an order, who may have none: then the addresses are all that is known."""
    found = order.get("customer")
    customer: dict[str, Any] = found if isinstance(found, dict) else {}
    addresses: dict[str, Any] = {name: order[name] for name in ("billing_address", "shipping_address") if name in order}
    values = {name: value for name, value in order.items() if not isinstance(value, dict | list)}
    values.update(flat(addresses))
    values.update(_values(customer, "customer."))
    values["updated_at"] = _later(order.get("updated_at"), customer.get("updated_at"))
    dial_abroad(values, _PLACES)
    named = _number_of(customer.get("id")) or (f"order:{order['id']}" if order.get("id") else None)
    yield Record(values, {**said, "record_id": named}, "order")


def _later(*written: Any) -> str | None:
    """The latest of these times, of those that are one."""
    read = [time(each, Given()) for each in written if isinstance(each, str)]
    return max((each for each in read if each), key=milliseconds, default=None)


def _thin(body: dict[str, Any], said: Mapping[str, Value]) -> Iterator[Record]:
    """What has changed of somebody who is known by the id alone. Tags that are taken off stay segments."""
    if "tags" not in body or said[_TOPIC] == _TAGGED:
        yield _record(body, said)


def _merged(body: dict[str, Any], said: Mapping[str, Value]) -> Iterator[Record]:
    """The customer that a merge has removed, once it is done."""
    if str(body.get("status")).lower() == "completed":
        yield Record({}, {**said, "record_id": _number_of(body.get(_MERGED))})


def _asked(body: dict[str, Any], said: Mapping[str, Value]) -> Iterator[Record]:
    customer = body.get("customer")
    if said[_TOPIC] == _REDACT and isinstance(customer, dict):
        yield _record(customer, said)


_READ: Mapping[str, Callable[[dict[str, Any], Mapping[str, Value]], Iterator[Record]]] = {
    "customer_webhook": _customer,
    "order_webhook": _order,
    "consent_webhook": _customer,
    "thin": _thin,
    "merge": _merged,
    "compliance": _asked,
}


def verify(inbound: Inbound, secret: str) -> bool:
    """`X-Shopify-Hmac-SHA256`: base64 of the HMAC-SHA256 of the raw body, with the secret of the app, or of the admin's
    notification settings (Shopify docs, verify webhook deliveries)."""
    return signed_base64(inbound.body, inbound.headers.get("x-shopify-hmac-sha256"), secret)


def senders(inbound: Inbound) -> set[str]:
    """The shop. One app's secret signs for every shop that has the app."""
    shop = inbound.headers.get("x-shopify-shop-domain", "").strip().lower()
    return {shop} if shop else set()


def sender_form(written: str | None) -> str | None:
    """A shop's domain in lower case. Raises ValueError when it is none."""
    domain = written.strip().lower() if written is not None else None
    if domain is not None and not _DOMAIN.fullmatch(domain):
        raise ValueError(say("Give the shop's own domain, such as lumen-demo.myshopify.com."))
    return domain
