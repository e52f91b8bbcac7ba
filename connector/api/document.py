"""The OpenAPI document: what the blueprints say of their operations, completed with examples and explanations."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

from marshmallow import Schema

from connector.api.examples import example_of, modern
from connector.platforms.openapi import METHODS

_PHRASES = [status.phrase for status in HTTPStatus]
_INFO = """Anything in becomes a contact in Crisp: send a record of any system as it is, one at a time, many at once or
as a file, and be told exactly what became of each. When something happens in Crisp, subscribers are told.

Every request but those for health and packages takes an API key. Errors are `application/problem+json` (RFC 9457) with
a stable `code`, one sentence that says what to do, and what is wrong field by field. Lists are bare; where there are
more, the next page stands in the `Link` header."""


def about() -> dict[str, Any]:
    """What is said of the service as a whole."""
    schemes = {
        "key": {"type": "http", "scheme": "bearer", "description": "Your API key: `Authorization: Bearer KEY`."},
        "key_header": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "Your API key, for whoever cannot set the header Authorization.",
        },
    }
    info = {"description": _INFO, "license": {"name": "MIT", "identifier": "MIT"}}
    security = [{"key": list[str]()}, {"key_header": list[str]()}]
    return {"info": info, "components": {"securitySchemes": schemes}, "security": security}


def completed(document: Mapping[str, Any], classes: Mapping[str, type[Schema]]) -> dict[str, Any]:
    """The document with an example of all that is sent and answered. `classes`: its schemas' names → their classes."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    schemas = found["components"]["schemas"]
    for name, schema in classes.items():
        schemas[name] |= _told_of(schema)
    for operation in _operations(found):
        try:
            _complete(operation, schemas)
        except LookupError as problem:
            raise LookupError(f"{operation['operationId']}: {problem}") from None
    found["components"]["schemas"] = {name: modern(schema) for name, schema in schemas.items()}
    return found


def _told_of(schema: type[Schema]) -> dict[str, Any]:
    """What a class says of itself: its docstring, and an example where the fields' own do not make a good one."""
    example = getattr(schema, "EXAMPLE", None)
    described = {} if schema.__doc__ == Schema.__doc__ else {"description": cleandoc(schema.__doc__ or "")}
    return {**described, **({"example": example} if example is not None else {})}


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from (item[method] for method in METHODS if method in item)


def _complete(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    answers = operation["responses"]
    operation["responses"] = {status: answers[status] for status in sorted(answers)}
    good = [each for status, each in answers.items() if status < "300"]
    for answer in good:
        _explain(answer, schemas)
    for told in (operation.get("requestBody", {}), *good):
        _exemplify(told, schemas)
    for parameter in operation.get("parameters", ()):
        if "schema" in parameter and "example" not in parameter:
            parameter["example"] = example_of(parameter["schema"], schemas)
            parameter["schema"].pop("example", None)


def _explain(answer: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """An answer that says nothing of itself says what its schema says."""
    contents: list[dict[str, Any]] = list(answer.get("content", {}).values())
    schema = contents[0].get("schema", {}) if contents else {}
    name = str(schema.get("items", schema).get("$ref", "")).rpartition("/")[2]
    if answer["description"] in _PHRASES and name:
        answer["description"] = f"{'A list. ' if 'items' in schema else ''}{schemas[name]['description']}"


def _exemplify(told: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Each content of a body or an answer has an example; what is no text has no schema."""
    for media in told.get("content", {}).values():
        if not {"example", "examples"} & media.keys():
            media["example"] = example_of(media["schema"], schemas)
        if "schema" in media:
            media["schema"] = modern(media["schema"])
