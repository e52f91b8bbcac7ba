"""The credentials: where the service answers, and the key that it is asked with."""

from typing import Any

from connector.platforms.base import EXAMPLE, Told
from connector.platforms.n8n.properties import camel, said

NAME = "crispConnectorApi"
ICON = {"light": "file:crisp-connector.svg", "dark": "file:crisp-connector.dark.svg"}
CREDENTIALS = [{"name": NAME, "required": True}]
# Without the slash that people leave at its end.
ADDRESS = "={{$credentials.baseUrl.replace(/\\/+$/, '')}}"


def described(told: Told) -> dict[str, Any]:
    """The description of the credentials, with their test."""
    declared = told.manifest.authentication
    key = next(camel(each["key"]) for each in declared.fields if each["secret"])
    header = {declared.header["name"]: f"={declared.header['prefix']}{{{{$credentials.{key}}}}}"}
    return {
        "name": NAME,
        "displayName": "Crisp Connector API",
        "icon": ICON,
        "documentationUrl": f"{EXAMPLE}/docs",
        "properties": [_property(each, told) for each in declared.fields],
        "authenticate": {"type": "generic", "properties": {"headers": header}},
        "test": {"request": {"baseURL": ADDRESS, "url": declared.test["path"]}},
    }


def _property(field: Any, told: Told) -> dict[str, Any]:
    own = field["key"] == "base_url" and told.address != EXAMPLE
    return {
        "displayName": field["label"],
        "name": camel(field["key"]),
        "type": "string",
        **({"typeOptions": {"password": True}} if field["secret"] else {}),
        "default": told.address if own else "",
        "placeholder": field["example"],
        "required": field["required"],
        "description": said(field["help"]),
    }
