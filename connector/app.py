"""The web application: blueprints, one error shape, request ids, an access log without personal data."""

import json
import re
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, request
from flask_smorest import Api, Blueprint
from sqlalchemy.exc import DataError, SQLAlchemyError
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from connector import web
from connector.api import blueprints
from connector.api.actions import examples
from connector.api.answers import base_url
from connector.api.document import about, completed
from connector.api.failures import invalid
from connector.api.schemas import contact_schema
from connector.brake import Brake
from connector.errors import Problem
from connector.ids import new_id
from connector.ledger import DatabaseProblem
from connector.ledger.records import IdentityBroken
from connector.logs import places
from connector.overview import Kept
from connector.platforms.openapi import CONTACT_FIELDS, placed, signed
from connector.saying import say
from connector.services import Services, open_services
from connector.settings import SettingsProblem
from connector.version import __version__
from connector.web.pages import page_of, wants_page

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# HTTP errors that the framework raises → our codes.
_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "content_type_unknown"}
# The pages have a stricter policy of their own.
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
}


class ConnectorApi(Api):  # type: ignore[misc] # it has no types
    """flask-smorest, with our own errors and our own OpenAPI; errors are handled by `_register_errors` alone."""

    # Blueprints say how their operations fail.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def register_blueprint(self, blp: Blueprint, **options: Any) -> None:
        """The routes alone: what is said of them takes long, and `describe` is for whoever wants to read it."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp, **options)

    def describe(self, blp: Blueprint) -> None:
        """Writes down what is said of the operations of a blueprint, as `register_blueprint` of flask-smorest does."""
        blp.register_views_in_doc(self, self._app, self.spec, name=blp.name, parameters=None)
        self.spec.tag({"name": blp.name, "description": blp.description})

    def _openapi_json(self) -> Response:
        """With the address of this service."""
        return Response(placed(_written(), base_url()), mimetype="application/json")

    def _register_error_handlers(self) -> None:
        """Not flask-smorest's shape."""

    def _register_responses(self) -> None:
        """Not flask-smorest's errors."""

    def _register_etag_headers(self) -> None:
        """There are none."""

    def _register_pagination_header(self) -> None:
        """Pages are told by a Link header."""


def create_app(services: Services | None = None) -> Flask:
    """The application over these services, or over those that the environment describes."""
    services = services or open_services()
    app, _ = _routed()
    app.extensions["connector"] = services
    app.extensions["openapi"] = openapi
    app.extensions["overviews"] = Kept(services.ledger, services.courier.clock, services.settings.reserve)
    app.extensions["brake"] = Brake(time.monotonic)
    web.prepare(app)
    _register_errors(app)
    _register_log(app)
    return app


@cache
def openapi() -> Mapping[str, Any]:
    """The OpenAPI document, which is the same wherever the service runs; made when it is first asked for."""
    _, api = _routed()
    for name, example in examples().items():
        api.spec.components.example(name, example, lazy=True)
    api.spec.components.schema(CONTACT_FIELDS, contact_schema("Contact fields"))
    for blueprint in blueprints():
        api.describe(blueprint)
    classes = {name: key[0] for key, name in api.ma_plugin.converter.refs.items()}
    return completed(api.spec.to_dict(), classes)


@cache
def _written() -> str:
    return json.dumps(signed(openapi()), ensure_ascii=False)


def _routed() -> tuple[Flask, ConnectorApi]:
    """An application with its routes, before there is anything behind them."""
    app = Flask("connector", static_folder="web/static", template_folder="web/templates")
    app.json.sort_keys = False  # type: ignore[attr-defined] # of the default provider
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # else two slashes are answered by a redirect, which is no problem+json
    app.config.update(API_TITLE="crisp-connector", API_VERSION=__version__, OPENAPI_VERSION="3.1.0")
    app.config.update(OPENAPI_URL_PREFIX="/", OPENAPI_JSON_PATH="openapi.json")
    app.config["API_SPEC_OPTIONS"] = about()
    # An address with a slash at its end is the same address.
    app.url_map.strict_slashes = False
    api = ConnectorApi(app)
    for blueprint in blueprints():
        api.register_blueprint(blueprint)
    return app, api


def _register_errors(app: Flask) -> None:
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(HTTPException, lambda error: _answer(_of_http(error)))
    app.register_error_handler(
        DatabaseProblem, lambda error: _answer(Problem("database_unavailable", message=error.args[0]))
    )
    app.register_error_handler(SettingsProblem, lambda error: _answer(Problem("no_connection", message=error.args[0])))
    # PostgreSQL takes no NUL in a text, wherever in the request it stood.
    app.register_error_handler(DataError, lambda _: _answer(Problem("request_invalid")))
    app.register_error_handler(SQLAlchemyError, _database_failed)
    app.register_error_handler(Exception, _failed)


def _answer(problem: Problem) -> Response:
    """As JSON; to somebody with a browser as a page."""
    response = page_of(problem) if wants_page() else _json(problem)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    response.headers.extend(problem.headers)
    return response


def _json(problem: Problem) -> Response:
    response = jsonify(problem.as_json(g.request_id))
    response.status_code, response.mimetype = problem.status, "application/problem+json"
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _of_http(error: HTTPException) -> Problem:
    """An error of the framework, or of a schema, as one of ours."""
    told = getattr(error, "data", None) or {}
    if "messages" in told:
        return invalid(told["messages"])
    code = _BY_STATUS.get(error.code or 500, "request_invalid")
    problem = Problem(code, limit=say("allowed"), kind=say("of this request"))
    if error.code and error.code >= 500:
        problem = Problem("server_error")
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        problem = Problem(code, message=_other_method(allowed))
        problem.headers = {"Allow": ", ".join(sorted(error.valid_methods or ()))}
    return problem


def _other_method(allowed: str) -> str:
    """What is told of a wrong method. Clients make a GET of a POST that is redirected (RFC 9110, 15.4.2), as a proxy
    does that wants https."""
    if request.method == "GET" and "POST" in allowed:
        return say(
            "This address takes {allowed}, not GET. If you sent a POST, a redirect made a GET of it: use the address "
            "that it leads to, which begins with https://. Look at /docs.",
            allowed=allowed,
        )
    return say("This address takes {allowed}, not {method}. Look at /docs.", allowed=allowed, method=request.method)


def _database_failed(error: SQLAlchemyError) -> Response:
    log.error("database_unavailable", reason=type(error).__name__)
    return _answer(Problem("database_unavailable", retry_after=5))


def _failed(error: Exception) -> Response:
    """A mistake of ours."""
    kind = "identity_broken" if isinstance(error, IdentityBroken) else type(error).__name__
    log.error("request_failed", reason=kind, where=places(error.__traceback__))
    return _answer(Problem("server_error"))


def _check_address() -> None:
    """Characters that an address cannot have, before anything trips over them."""
    if "\0" in request.path:
        raise Problem("not_found")  # PostgreSQL takes no NUL, so nothing is called so
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        raise Problem("request_invalid") from None


def _register_log(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        g.began = time.perf_counter()
        # In every line of this request; the connection and the outcome come in where they are known.
        clear_contextvars()
        bind_contextvars(request_id=g.request_id)
        _check_address()

    @app.after_request
    def end(response: Response) -> Response:
        """One line per request: the route's pattern, never the address, for it may name a person."""
        response.headers["X-Request-Id"] = g.request_id
        for name, value in _SECURITY.items():
            response.headers.setdefault(name, value)
        route = request.url_rule.rule if request.url_rule else "-"
        took = round((time.perf_counter() - g.began) * 1000, 1)
        facts = {"method": request.method, "route": route, "status": response.status_code, "ms": took}
        log.info("request", **facts)
        return response

    @app.teardown_request
    def over(_: BaseException | None) -> None:
        clear_contextvars()
