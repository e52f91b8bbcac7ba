"""Flows to begin with: a row of Dataverse that is added or modified becomes a contact in Crisp.

The definitions are in the workflow definition language, which Logic Apps takes as it is. The row goes out whole: the
service knows Dataverse's names.
"""

from collections.abc import Mapping
from typing import Any

from connector.platforms.base import Told

# Tables of Dataverse that hold people.
TABLES = ("contact", "lead")
_DATAVERSE = "shared_commondataserviceforapps"
# Of Dataverse's trigger: added or modified; whoever owns the row.
_ADDED_OR_MODIFIED, _ORGANIZATION = 4, 4
_SCHEMA = "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#"


def flow(told: Told, table: str) -> dict[str, Any]:
    """The flow of one table."""
    return {
        "properties": {
            "displayName": f"Dataverse {table} to Crisp",
            "connectionReferences": {
                _DATAVERSE: {
                    "connectionName": "",
                    "source": "Embedded",
                    "id": f"/providers/Microsoft.PowerApps/apis/{_DATAVERSE}",
                    "tier": "NotSpecified",
                }
            },
            "definition": {
                "$schema": _SCHEMA,
                "contentVersion": "1.0.0.0",
                "parameters": {
                    "$connections": {"defaultValue": {}, "type": "Object"},
                    "$authentication": {"defaultValue": {}, "type": "SecureObject"},
                    "api_key": {"defaultValue": "", "type": "SecureString"},
                },
                "triggers": {"When_a_row_is_added_or_modified": _trigger(table)},
                "actions": {"Create_or_update_the_contact_in_Crisp": _action(told)},
            },
        },
        "schemaVersion": "1.0.0.0",
    }


def _trigger(table: str) -> dict[str, Any]:
    asked = {"message": _ADDED_OR_MODIFIED, "entityname": table, "scope": _ORGANIZATION}
    return {
        "type": "OpenApiConnectionWebhook",
        "inputs": {
            "host": {
                "connectionName": _DATAVERSE,
                "operationId": "SubscribeWebhookTrigger",
                "apiId": f"/providers/Microsoft.PowerApps/apis/{_DATAVERSE}",
            },
            "parameters": {f"subscriptionRequest/{name}": value for name, value in asked.items()},
            "authentication": "@parameters('$authentication')",
        },
    }


def _action(told: Told) -> Mapping[str, Any]:
    """The run is the key of idempotency: a retry of it writes nothing twice. Inputs are kept out of the history, for
    they hold the API key."""
    action = told.manifest.actions["upsert_contact"]
    return {
        "type": "Http",
        "runAfter": {},
        "inputs": {
            "method": action.method,
            "uri": f"{told.address}{action.path}",
            "headers": {
                "X-API-Key": "@parameters('api_key')",
                "Content-Type": "application/json",
                "Idempotency-Key": "@{workflow().run.name}",
            },
            "queries": {"source": "dynamics"},
            "body": "@triggerOutputs()?['body']",
        },
        "runtimeConfiguration": {"secureData": {"properties": ["inputs"]}},
    }
