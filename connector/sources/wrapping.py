"""What automation tools put around a payload, taken off before anything is detected."""

import json
from typing import Any

_N8N_WEBHOOK = {"headers", "params", "query", "body"}


def unwrap(payload: Any) -> Any:
    """Without one layer of JSON in a string (Make, Zapier), n8n's items `{"json": …}` and n8n's webhook item."""
    if isinstance(payload, str) and payload.lstrip()[:1] in ("{", "["):
        payload = _parsed(payload)
    if isinstance(payload, list):
        return [_item(member) for member in payload]
    return _item(payload)


def _parsed(written: str) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return written


def _item(member: Any) -> Any:
    if isinstance(member, dict) and _is_n8n_item(member):
        member = member["json"]
    if isinstance(member, dict) and member.keys() >= _N8N_WEBHOOK and isinstance(member["body"], dict | list):
        return member["body"]
    return member


def _is_n8n_item(member: dict[str, Any]) -> bool:
    return isinstance(member.get("json"), dict) and member.keys() <= {"json", "binary", "pairedItem"}
