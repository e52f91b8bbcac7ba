"""Examples, made of what a JSON Schema says: what stands in it as `example`, else what follows from its kind. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
# Of texts whose form says what they look like.
_FORMS = {"date-time": "2026-01-15T09:30:00Z", "email": "ada@example.com", "uri": "https://www.example.com"}
_ONE_OF = ("anyOf", "oneOf", "allOf")


def example_of(schema: Schema, known: Mapping[str, Schema]) -> Any:
    """An example of a schema; `known`: the schemas that it refers to, by name.

    Of an object it has what must be there, and what has an example of its own. Raises LookupError for what nothing can
    be made of: give it metadata={"example": …}.
    """
    if "$ref" in schema:
        return example_of(known[schema["$ref"].rpartition("/")[2]], known)
    for key in ("example", "const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in _ONE_OF:
        if key in schema:
            return example_of(schema[key][0], known)
    return _of_kind(schema, known)


def _of_kind(schema: Schema, known: Mapping[str, Schema]) -> Any:
    kinds = schema.get("type")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind == "array":
        return [example_of(schema["items"], known)]
    if kind == "object" and "properties" in schema:
        return {name: _property(name, each, known) for name, each in _shown(schema)}
    if kind == "boolean":
        return True
    if kind == "string" and schema.get("format") in _FORMS:
        return _FORMS[schema["format"]]
    raise LookupError(f"There is no example of {dict(schema)}.")


def _shown(schema: Schema) -> Iterator[tuple[str, Schema]]:
    needed = schema.get("required", ())
    yield from ((name, each) for name, each in schema["properties"].items() if name in needed or "example" in each)


def _property(name: str, schema: Schema, known: Mapping[str, Schema]) -> Any:
    try:
        return example_of(schema, known)
    except LookupError as problem:
        raise LookupError(f"{name}: {problem}") from None


def modern(schema: Any) -> Any:
    """The schema with `examples` in the place of `example`, which JSON Schema does not have (OpenAPI 3.1)."""
    if isinstance(schema, list):
        return [modern(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    told = {key: _inside(key, value) for key, value in schema.items() if key != "example"}
    return {**told, "examples": [schema["example"]]} if "example" in schema else told


def _inside(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: modern(each) for name, each in value.items()}
    return modern(value) if key in (*_ONE_OF, "items", "additionalProperties") else value
