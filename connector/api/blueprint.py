"""Blueprints whose JSON bodies are read like every other body, before a schema checks them."""

from typing import Any

from flask import Request
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser

from connector.api.described import Described
from connector.api.incoming import object_body
from connector.errors import Problem
from connector.saying import say


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
            raise Problem("body_not_records", message=say("The body must be a JSON object."))
        return body


class Blueprint(Described):
    """A part of the API whose parameters and bodies are checked strictly."""

    ARGUMENTS_PARSER = _Parser()
