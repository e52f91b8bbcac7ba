"""The connection, and what holds for every request: where it goes, its key, and how errors are told."""

import re
from collections.abc import Mapping
from typing import Any

from connector.errors import CODES
from connector.platforms.base import EXAMPLE, Told
from connector.platforms.make.components import Component

CONNECTION = "connector"
# Make tries again after the last two; a scenario stops at the first.
_TYPES = {401: "InvalidAccessTokenError", 429: "RateLimitError", 502: "ConnectionError", 503: "ConnectionError"}


def base(told: Told) -> dict[str, Any]:
    """What every module, list and webhook takes over."""
    statuses = sorted({status for status, _, _ in CODES.values()} | {429})
    told_apart = {str(status): _error(status) for status in statuses}
    anything = {"message": "[{{statusCode}}] {{ifempty(body.message, body.title)}}", "type": "RuntimeError"}
    return {
        "baseUrl": "{{connection.base_url}}",
        "headers": {**_proof(told, "connection"), "User-Agent": f"crisp-connector-make/{told.version}"},
        "response": {"error": {**anything, **told_apart}},
        "log": _log(told),
    }


def _error(status: int) -> dict[str, str]:
    kind = _TYPES.get(status, "DataError" if status < 500 else "RuntimeError")
    return {"message": f"[{status}] {{{{body.message}}}}", "type": kind}


def _proof(told: Told, of: str) -> dict[str, str]:
    header = told.manifest.authentication.header
    return {header["name"]: f"{header['prefix']}{{{{{of}.api_key}}}}"}


def _log(told: Told) -> dict[str, list[str]]:
    """The key is kept out of Make's logs."""
    return {"sanitize": [f"request.headers.{told.manifest.authentication.header['name'].lower()}"]}


def connection(told: Told) -> Component:
    """An address and a key. While they are tested nothing of the base holds."""
    proof = told.manifest.authentication
    label = re.sub(r"{(\w+)}", r"{{body.\1}}", proof.label)
    test = {
        "url": f"{{{{parameters.base_url}}}}{proof.test['path']}",
        "method": proof.test["method"],
        "headers": _proof(told, "parameters"),
        "response": {
            "metadata": {"type": "text", "value": label},
            "uid": "{{body.id}}",
            "error": {"message": "[{{statusCode}}] {{body.message}}"},
        },
        "log": _log(told),
    }
    asked = [_asked(told, field) for field in proof.fields]
    about = {"label": "crisp-connector", "connectionType": "basic"}
    return Component("connection", CONNECTION, about, {"communication": test, "params": asked, "common": None})


def _asked(told: Told, field: Mapping[str, Any]) -> dict[str, Any]:
    kind = "password" if field["secret"] else "url" if field["type"] == "url" else "text"
    known = {"default": told.address} if kind == "url" and told.address != EXAMPLE else {}
    about = {"label": field["label"], "help": told.said(field["help"]), "required": field["required"]}
    return {"name": field["key"], "type": kind, **about, **known}
