"""Remote procedures: lists and forms that the service fills while somebody builds a scenario."""

from collections.abc import Iterator
from typing import Any

from connector.platforms.make.components import Component
from connector.platforms.make.connection import CONNECTION

_CHOICE = {"label": "{{item.label}}", "value": "{{item.key}}"}
_FIELD = {name: f"{{{{item.{name}}}}}" for name in ("name", "label", "type", "help", "required")}


def lists() -> Iterator[Component]:
    """Segments and keys of custom data to choose from, and a form of the keys in use."""
    yield _list("segments", "Segments", {"choices": "segments"}, _CHOICE)
    yield _list("dataKeys", "Custom data keys", {"choices": "data"}, _CHOICE)
    yield _list("dataFields", "Custom data fields", {"choices": "data", "format": "make"}, _FIELD)


def _list(key: str, label: str, asked: dict[str, str], output: dict[str, Any]) -> Component:
    request = {"url": "/v1/fields", "qs": asked, "response": {"iterate": "{{body}}", "output": output}}
    about = {"label": label, "connection": CONNECTION, "altConnection": None}
    return Component("rpc", key, about, {"communication": request, "params": []})
