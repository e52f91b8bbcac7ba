"""`apiProperties.json`: what a user fills in, and where requests go."""

from collections.abc import Mapping
from typing import Any

from connector.platforms.base import Told
from connector.platforms.power_automate.icon import COLOUR

# The address is a parameter of the connection, so that one connector serves everybody's own service.
_ADDRESS = {
    "templateId": "dynamichosturl",
    "title": "Requests go to the address of the connection",
    "parameters": {"x-ms-apimTemplateParameter.urlTemplate": "@connectionParameters('host_url')"},
}
_NAMES = {"base_url": "host_url"}


def properties(told: Told) -> dict[str, Any]:
    """The whole document."""
    asked = enumerate(told.manifest.authentication.fields, 1)
    return {
        "properties": {
            "connectionParameters": {
                _NAMES.get(field["key"], field["key"]): _parameter(told, field, place) for place, field in asked
            },
            "iconBrandColor": COLOUR,
            "capabilities": ["actions", "triggers"],
            "policyTemplateInstances": [_ADDRESS],
            "publisher": "crisp-connector",
            "stackOwner": "crisp-connector",
        }
    }


def _parameter(told: Told, field: Mapping[str, Any], place: int) -> dict[str, Any]:
    about = told.said(field["help"])
    required = "true" if field["required"] else "false"
    return {
        "type": "securestring" if field["secret"] else "string",
        "uiDefinition": {
            "displayName": field["label"],
            "description": about,
            "tooltip": about,
            "constraints": {"required": required, "clearText": not field["secret"], "tabIndex": place},
        },
    }
