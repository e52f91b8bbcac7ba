"""What automation tools put around a payload, taken off before anything is detected."""

import json
from collections.abc import Mapping
from typing import Any

_N8N_WEBHOOK = {"headers", "params", "query", "body"}
# Made once: a union that is written where it is used is made anew each time.
_WITH_MORE = (dict, list)


def unwrap(payload: Any) -> Any:
    """Without one layer of JSON in a string (Make, Zapier), n8n's items `{"json": …}` and n8n's webhook item."""
    if isinstance(payload, str) and payload.lstrip()[:1] in ("{", "["):
        payload = _parsed(payload)
    if isinstance(payload, list):
        return [_item(member) for member in payload]
    return _item(payload)


def wrapped_headers(payload: Any) -> dict[str, str]:
    """The headers that n8n's webhook item says its payload came with, names in lower case; of a list, the first's."""
    first = payload[0] if isinstance(payload, list) and payload else payload
    if isinstance(first, dict) and _is_n8n_item(first):
        first = first["json"]
    said = first["headers"] if isinstance(first, dict) and _is_n8n_webhook(first) else None
    return _lower(said) if isinstance(said, dict) else {}


def _lower(said: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in said.items() if isinstance(value, str)}


def _parsed(written: str) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return written


def _item(member: Any) -> Any:
    if not isinstance(member, dict):
        return member
    if _is_n8n_item(member):
        member = member["json"]
    if _is_n8n_webhook(member) and isinstance(member["body"], _WITH_MORE):
        return member["body"]
    return member


def _is_n8n_webhook(member: dict[str, Any]) -> bool:
    return "headers" in member and member.keys() >= _N8N_WEBHOOK  # nearly always it has none


def _is_n8n_item(member: dict[str, Any]) -> bool:
    return isinstance(member.get("json"), dict) and member.keys() <= {"json", "binary", "pairedItem"}
