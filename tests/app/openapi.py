"""Answers compared with what the OpenAPI document says of them."""

from functools import lru_cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

# What any route may answer before anybody knows which it is.
_ANYWHERE = ("not_found",)


@lru_cache(maxsize=8)
def document(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of an application."""
    found: dict[str, Any] = FlaskClient(app).get("/openapi.json").get_json()
    return found


def path_of(rule: str) -> str:
    """A route of Flask as the document writes it: `/v1/contacts/{who}`."""
    return rule.replace("<path:", "{").replace("<", "{").replace(">", "}")


def differences(app: Flask, answer: TestResponse) -> list[str]:
    """What is not as the document says, of an answer of a route that the document has."""
    method, path = answer.request.method, answer.request.path
    try:
        rule, _ = app.url_map.bind("localhost").match(path, method, return_rule=True)
    except HTTPException:
        return []
    if path_of(rule.rule) not in document(app)["paths"] or method in ("HEAD", "OPTIONS"):
        return []
    body = answer.get_json() if answer.is_json else answer.data.decode("utf-8", "replace")
    return compared(app, (method, path_of(rule.rule)), (answer.status_code, answer.mimetype, body))


def compared(app: Flask, where: tuple[str, str], what: tuple[int, str | None, Any]) -> list[str]:
    """The same for method and path of the document, and status, content type and body of an answer."""
    (method, path), (status, mimetype, body) = where, what
    said = document(app)["paths"][path][method.lower()]["responses"]
    if str(status) not in said and "default" not in said:
        return [f"status {status} is not in the document"]
    content = resolved(document(app), said.get(str(status), said.get("default"))).get("content", {})
    if mimetype not in content:
        return [f"{mimetype} is not in the document for {status}"]
    if status >= 400 and body["code"] not in {*content[mimetype]["examples"], *_ANYWHERE}:
        return [f"{body['code']} is not in the document for {status}"]
    return unfit(document(app), content[mimetype].get("schema", {}), body)


def resolved(document: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or what it refers to there."""
    if "$ref" not in told:
        return told
    _, section, kind, name = told["$ref"].split("/")
    found: dict[str, Any] = document[section][kind][name]
    return found


def unfit(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """Why a value does not fit a schema of the document."""
    validator = Draft202012Validator({**schema, "components": document["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


class CheckedClient(FlaskClient):
    """Every answer is compared with the document."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """One request; fails when the answer is not as the document says."""
        answer = super().open(*args, **kwargs)
        found = differences(self.application, answer)
        assert not found, f"{answer.request.method} {answer.request.path} → {answer.status_code}: {found}"
        return answer
