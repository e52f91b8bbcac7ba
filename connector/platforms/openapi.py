"""OpenAPI 3.1 of the service, for whatever reads that: Postman, agents, GPT builders, generators of clients."""

import json
from collections.abc import Mapping
from typing import Any

from connector.platforms.base import EXAMPLE, Counts, Files, Told, written

KEY, LABEL = "openapi", "OpenAPI"
# The name of the schema of a plain contact.
CONTACT_FIELDS = "ContactFields"
# What an item of `paths` may have that is an operation.
METHODS = ("get", "post", "put", "patch", "delete")


def build(told: Told) -> Files:
    """`openapi.json`, with the address of the service."""
    return {"openapi.json": placed(written(signed(told.openapi)).decode(), told.address).encode()}


def count(package: Files) -> Counts:
    """Operations of the service; events that can be subscribed to; fields of a plain contact."""
    document = json.loads(package["openapi.json"])
    schemas = document["components"]["schemas"]
    operations = [each for path in document["paths"].values() for each in path.keys() & set(METHODS)]
    events = schemas["SubscriptionIn"]["properties"]["event"]["enum"]
    return Counts(len(operations), len(events), len(schemas[CONTACT_FIELDS]["properties"]))


def signed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with what whoever imports it has to know: where the service answers, and whose it is."""
    docs = f"{EXAMPLE}/docs"
    about = {
        "openapi": document["openapi"],
        "info": {**document["info"], "contact": {"name": "Whoever runs this service", "url": docs}},
        "servers": [{"url": EXAMPLE, "description": "This service."}],
        "externalDocs": {"url": docs, "description": "Every source, field, note and error."},
    }
    return {**about, **{key: value for key, value in document.items() if key not in about}}


def placed(text: str, address: str) -> str:
    """JSON with the address of a service in the place of the example."""
    return text.replace(EXAMPLE, json.dumps(address, ensure_ascii=False)[1:-1])
