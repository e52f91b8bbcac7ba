"""The web application: blueprints, one error shape, request ids, an access log without personal data."""

import re
import time
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, request
from flask_smorest import Api
from sqlalchemy.exc import DataError, SQLAlchemyError
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from connector.api import blueprints
from connector.api.schemas import ProblemOut
from connector.errors import Detail, Problem
from connector.ids import new_id
from connector.ledger import DatabaseProblem
from connector.ledger.records import IdentityBroken
from connector.logs import places
from connector.overview import Kept
from connector.services import Services, open_services
from connector.settings import SettingsProblem
from connector.version import __version__
from connector.web import pages

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# HTTP errors that the framework raises → our codes.
_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "content_type_unknown"}
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
}


class ConnectorApi(Api):  # type: ignore[misc] # it has no types
    """flask-smorest, with our error shape in the OpenAPI; errors are handled by `_register_errors` alone."""

    ERROR_SCHEMA = ProblemOut

    def _register_error_handlers(self) -> None:
        """Not flask-smorest's shape."""

    def _register_responses(self) -> None:
        """Every error of every route is a problem."""
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        del self.DEFAULT_RESPONSE_CONTENT_TYPE


def create_app(services: Services | None = None) -> Flask:
    """The application over these services, or over those that the environment describes."""
    app = Flask("connector", static_folder="web/static", template_folder="web/templates")
    services = services or open_services()
    app.extensions["connector"] = services
    app.extensions["overviews"] = Kept(services.ledger, services.courier.clock, services.settings.reserve)
    app.json.sort_keys = False  # type: ignore[attr-defined] # of the default provider
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # else two slashes are answered by a redirect, which is no problem+json
    app.config.update(API_TITLE="crisp-connector", API_VERSION=__version__, OPENAPI_VERSION="3.1.0")
    app.config.update(OPENAPI_URL_PREFIX="/", OPENAPI_JSON_PATH="openapi.json")
    app.config["API_SPEC_OPTIONS"] = _about()
    # An address with a slash at its end is the same address.
    app.url_map.strict_slashes = False
    api = ConnectorApi(app)
    for blueprint in blueprints():
        api.register_blueprint(blueprint)
    app.register_blueprint(pages.blueprint)
    _register_errors(app)
    _register_log(app)
    return app


def _about() -> dict[str, Any]:
    schemes = {
        "key": {"type": "http", "scheme": "bearer", "description": "Your API key."},
        "key_header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    info = {"description": "Anything in becomes a contact in Crisp.", "license": {"name": "MIT", "identifier": "MIT"}}
    security = [{"key": list[str]()}, {"key_header": list[str]()}]
    return {"info": info, "components": {"securitySchemes": schemes}, "security": security}


def _register_errors(app: Flask) -> None:
    app.register_error_handler(Problem, _answer)
    app.register_error_handler(HTTPException, lambda error: _answer(_of_http(error)))
    app.register_error_handler(
        DatabaseProblem, lambda error: _answer(Problem("database_unavailable", message=str(error)))
    )
    app.register_error_handler(SettingsProblem, lambda error: _answer(Problem("no_connection", message=str(error))))
    # PostgreSQL takes no NUL in a text, wherever in the request it stood.
    app.register_error_handler(DataError, lambda _: _answer(Problem("request_invalid")))
    app.register_error_handler(SQLAlchemyError, _database_failed)
    app.register_error_handler(Exception, _failed)


def _answer(problem: Problem) -> Response:
    response = jsonify(problem.as_json(g.request_id))
    response.status_code, response.mimetype = problem.status, "application/problem+json"
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    response.headers.extend(problem.headers)
    return response


def _of_http(error: HTTPException) -> Problem:
    """An error of the framework, or of a schema, as one of ours."""
    told = getattr(error, "data", None) or {}
    if "messages" in told:
        errors = list(_details(told["messages"]))
        return Problem("parameter_invalid", errors=errors)
    code = _BY_STATUS.get(error.code or 500, "request_invalid")
    problem = Problem(code, limit="allowed", kind="of this request")
    if error.code and error.code >= 500:
        problem = Problem("server_error")
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        problem = Problem(code, message=f"This address takes {allowed}, not {request.method}. Look at /docs.")
        problem.headers = {"Allow": ", ".join(sorted(error.valid_methods or ()))}
    return problem


def _details(messages: Any, field: str | None = None) -> Any:
    """marshmallow's messages, however deep, as one list."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            named = key if field in (None, "query", "json") else f"{field}.{key}"
            yield from _details(inner, str(named))
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            told = "There is no such parameter here. Look at /docs." if message == "Unknown field." else str(message)
            yield Detail(told, "parameter_invalid", field)


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
