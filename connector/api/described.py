"""Blueprints that tell the OpenAPI of each view what it is called, what it takes, and how it may fail."""

from collections.abc import Callable
from typing import Any, TypeVar

from apispec import APISpec
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema

from connector.api.failures import BODY, answers, is_known
from connector.api.parameters import header, places_of
from connector.api.shapes import ID
from connector.platforms import EXAMPLE

View = TypeVar("View", bound=Callable[..., Any])
_NEXT = {
    "description": "Where there are more: the address of the next page.",
    "schema": {"type": "string"},
    "example": f'<{EXAMPLE}/v1/imports?cursor={ID}>; rel="next"',
}


def told(view: View, **about: Any) -> View:
    """Writes down at a view how it may `fail` and which `headers` it reads, beside what is written there already."""
    known = getattr(view, "_apidoc", {})
    added = {name: [*known.get(name, ()), *more] for name, more in about.items()}
    noted: Any = view
    noted._apidoc = {**known, **added}
    return view


class Described(SmorestBlueprint):  # type: ignore[misc] # it has no types
    """A part of the API."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._prepare_doc_cbks.append(_complete)

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Registers a view. Its operation is called as it is itself; the parts of its address are explained."""
        register = super().route(rule, parameters=list(places_of(f"{self.url_prefix or ''}{rule}")), **options)

        def described(view: View) -> View:
            found: View = register(self.doc(operationId=view.__name__)(view))
            return found

        return described

    def arguments(self, schema: type[Schema], *, location: str = "json", **more: Any) -> Callable[[View], View]:
        """Parameters or a body that a schema checks, and how both may fail."""
        decorate = super().arguments(schema, location=location, **more)
        fail = ("parameter_invalid", *(BODY if location == "json" else ()))

        def checked(view: View) -> View:
            found: View = decorate(view)
            return told(found, fail=fail, checked=[schema])

        return checked

    @staticmethod
    def reads(*headers: str) -> Callable[[View], View]:
        """Says which headers a view reads."""
        return lambda view: told(view, headers=headers)

    @staticmethod
    def fails(*failures: str) -> Callable[[View], View]:
        """Says how a view may fail, beside what its key, its parameters and its Idempotency-Key may be refused for."""
        strange = [each for each in failures if not is_known(each)]
        if strange:
            raise LookupError(f"There are no such errors: {strange}")
        return lambda view: told(view, fail=failures)


def _complete(doc: dict[str, Any], doc_info: dict[str, Any], *, spec: APISpec, **_: Any) -> dict[str, Any]:
    """What smorest knows of an operation, with headers, pages and errors."""
    checked = [schema() for schema in doc_info.get("checked", ())]
    named = [header(spec, name) for name in doc_info.get("headers", ())]
    responses = {str(status): each for status, each in doc.get("responses", {}).items() if status != 422}
    if any("cursor" in schema.fields for schema in checked):
        responses["200"] = {**responses["200"], "headers": {"Link": _next(spec)}}
    failed = answers(spec, doc_info.get("fail", ()), checked[-1] if checked else None)
    said = doc_info.get("manual_doc", {}).pop("parameters", ())
    parameters = [*doc.get("parameters", ()), *said, *named]
    doc_info["docstring"]["summary"] = doc_info["docstring"]["summary"].rstrip(".")
    return {**doc, **({"parameters": parameters} if parameters else {}), "responses": {**responses, **failed}}


def _next(spec: APISpec) -> str:
    if "Link" not in spec.components.headers:
        spec.components.header("Link", _NEXT)
    return "Link"
