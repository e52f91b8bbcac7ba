"""Blueprints whose JSON bodies are read like every other body, before a schema checks them."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser

from connector.api.incoming import object_body
from connector.api.schemas import ProblemOut
from connector.errors import CODES, Problem

View = TypeVar("View", bound=Callable[..., Any])
_PROBLEM = "application/problem+json"


class _Parser(FlaskParser):
    """webargs' own reading has no limits and takes NaN and half characters. A parameter that does not exist is a
    typing mistake: passed over, it would do something else than was asked for."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - as webargs declares it
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_json(self, req: Request, schema: Schema) -> Any:  # noqa: ARG002
        """The body, which must be an object."""
        body, _ = object_body()
        if not isinstance(body, dict):
            raise Problem("body_not_records", message="The body must be a JSON object.")
        return body


class Blueprint(SmorestBlueprint):  # type: ignore[misc] # it has no types
    """A part of the API."""

    ARGUMENTS_PARSER = _Parser()

    def fails(self, *codes: str) -> Callable[[View], View]:
        """Documents the errors of a view that its callers tell apart, each under its status."""

        def document(view: View) -> View:
            for status in sorted({CODES[code][0] for code in codes}):
                told = ", ".join(f"`{code}`" for code in codes if CODES[code][0] == status)
                documented = self.alt_response(status, schema=ProblemOut, description=told, content_type=_PROBLEM)
                view = documented(view)
            return view

        return document
