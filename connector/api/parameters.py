"""Parameters that operations have in common, as the OpenAPI shows them: those of addresses, and headers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from apispec import APISpec

from connector.api.fact_examples import schema_names
from connector.api.shapes import ID, WEBSITE
from connector.events.meaning import EVENTS
from connector.manifest import shipped
from connector.platforms import registry as platforms
from connector.sources import registry as sources

_PART = re.compile(r"<(?:\w+:)?(\w+)>")
_WHO = shipped().actions["find_contact"].parameters[0]


def _place(description: str, example: str, **schema: Any) -> Mapping[str, Any]:
    return {"description": description, "example": example, "schema": {"type": "string", **schema}}


# Parts of addresses.
PLACES: Mapping[str, Mapping[str, Any]] = {
    "who": _place(_WHO["help"], _WHO["example"], minLength=1),
    "import_id": _place("The import, from the answer that accepted it or from GET /v1/imports.", ID, minLength=1),
    "outcome_id": _place("The record: outcome_id of the answer that it had.", ID, minLength=1),
    "name": _place("What the mapping is called.", "crm", minLength=1, maxLength=128),
    "key_id": _place("The API key's id from GET /v1/keys, not its secret.", ID, minLength=1),
    "connection_id": _place("The connection, which is the website's id in Crisp.", WEBSITE, minLength=1),
    "subscription_id": _place("The subscription, from GET /v1/subscriptions.", ID, minLength=1),
    "delivery_id": _place("The delivery, from GET /v1/deliveries.", ID, minLength=1),
    "inbound_id": _place("The inbound address, from GET /v1/inbound.", ID, minLength=1),
    "sink_id": _place("The sink, from GET /v1/sinks.", ID, minLength=1),
    "event": _place("The kind of event.", EVENTS[0], enum=list(EVENTS)),
    "source": _place("The kind of system that sends here.", "generic", enum=sorted(sources())),
    "platform": _place("The platform that the package is for.", "n8n", enum=list(platforms())),
    "schema": _place("The schema, with or without .schema.json.", schema_names()[0], minLength=1),
}
HEADERS: Mapping[str, Mapping[str, Any]] = {
    "Idempotency-Key": _place(
        "Makes a request that is sent again harmless: for a day, the same key with the same request is done once. "
        "The id of your automation's run will do.",
        "run-4711",
        minLength=1,
        maxLength=255,
        pattern="^[ -~]+$",
    ),
    "X-Connector-Mapping": _place("The name of a saved mapping, to read the body with.", "crm", minLength=1),
    "X-Crisp-Signature": _place("Of a plugin hook: the signature that Crisp made of its body.", "0" * 64),
    "X-Crisp-Request-Timestamp": _place("Of a plugin hook: when Crisp signed it.", "1768469400000"),
}


def places_of(rule: str) -> Iterator[dict[str, Any]]:
    """The parameters of an address, such as `/v1/keys/<key_id>`."""
    for name in _PART.findall(rule):
        yield {"in": "path", "name": name, **PLACES[name]}


def header(spec: APISpec, name: str) -> str:
    """The name of a header among the document's parameters."""
    if name not in spec.components.parameters:
        spec.components.parameter(name, "header", {"name": name, "required": False, **HEADERS[name]})
    return name
