"""Crisp's envelope: reading a JSON body, and the one shape in which every answer and every refusal leaves."""

import json
from typing import Any, NoReturn

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from .refusal import RefusalError, invalid


def refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(name)


# Made once: they cost more than a small body does.
DECODER = json.JSONDecoder(parse_constant=refuse_constant)
ENCODER = json.JSONEncoder(separators=(",", ":"))

# The words for what Flask itself refuses; Crisp's own are not documented.
REASONS = {404: "route_not_found", 405: "method_not_allowed", 413: "payload_too_large", 500: "server_error"}


def answer(reason: str, data: object = None, status: int = 200) -> Response:
    """`{"error": false, "reason": …, "data": …}`; `error` follows the status."""
    content = {"error": status >= 400, "reason": reason, "data": {} if data is None else data}
    return Response(ENCODER.encode(content), status, content_type="application/json")


def json_body() -> dict[str, Any]:
    """The JSON object in the body of this request; Crisp takes no empty one."""
    content = json_object()
    if not content:
        raise invalid(["body: must not be empty"])
    return content


def json_object() -> dict[str, Any]:
    """The JSON object in the body of this request; anything else is invalid data."""
    try:
        content = DECODER.decode(request.get_data().decode())
    except (ValueError, RecursionError):
        raise invalid(["body: must be JSON"]) from None
    if not isinstance(content, dict):
        raise invalid(["body: must be an object"])
    return content


def refused(refusal: RefusalError) -> Response:
    data = {"message": refusal.message} if refusal.message else None
    response = answer(refusal.reason, data, refusal.status)
    response.headers.extend(dict(refusal.headers))
    return response


def failed(error: HTTPException) -> Response:
    status = error.code or 500
    return answer(REASONS.get(status, "http_error"), status=status)


def register(app: Flask) -> None:
    """Make every error of the app leave in the envelope."""
    app.register_error_handler(RefusalError, refused)
    app.register_error_handler(HTTPException, failed)
