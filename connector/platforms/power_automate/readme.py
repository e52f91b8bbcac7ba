"""`README.md` of the package."""

from connector.platforms.base import Told
from connector.platforms.power_automate.definition import actions

_TEXT = """# Crisp Contacts for Power Automate

Made by `crisp-connector manifests build`, version {version}. A custom connector for Power Automate, Power Apps and
Logic Apps that talks to your own crisp-connector at {address}, which must be reachable over https.

| file | what it is |
|---|---|
| `apiDefinition.swagger.json` | the custom connector: import it as an OpenAPI file |
| `apiProperties.json` | its connection (address and API key), for `paconn create` |
| `icon.png` | its icon |
| `flows/contact_to_crisp.json`, `flows/lead_to_crisp.json` | flows: a row of Dataverse becomes a contact in Crisp |

## Set it up

1. In Power Automate choose *Data*, *Custom connectors*, *New custom connector*, *Import an OpenAPI file*, and give it
   `apiDefinition.swagger.json`. (With the command line: `paconn create` with the three files; the address is then asked
   for with each connection.)
2. Choose *Create connector*.
3. Make an API key: `crisp-connector connect key`, scope `write`.
4. On the tab *Test* choose *New connection* and give it the key, then test the operation *TestConnection*.
5. In a flow, add an action or the trigger of the connector.

## Actions

{actions}

Create only, or update only: choose so under *Mode* of *Create or update contact*. What is left empty stays as it is in
Crisp; a custom data key with an empty value is removed. Waiting records are answered 202 with `status` waiting and go
out by themselves later.

## Trigger: when something happens

{triggers}

Power Automate subscribes when the flow is saved, and ends the subscription by the address that it was answered.

## Flows

They are definitions in the workflow definition language. In Logic Apps, paste `definition` of the file in *Code view*,
connect Dataverse, and give the parameter `api_key` its value. In Power Automate, build the two steps that the file
shows: *When a row is added, modified or deleted* of Dataverse (*Added or Modified*, the table, *Organization*) and
*HTTP* with the method, address, headers and body of the file. Turn on *Secure inputs* of the HTTP step: they hold the
key.

## What was not tried

All of it passed the checks that need no account: the public schemas for custom connectors, a Swagger 2.0 validator, and
a client that calls every operation of the definition. Nothing was ever imported into an account.
"""


def readme(told: Told) -> str:
    """The text."""
    listed = "\n".join(f"- **{action.label.capitalize()}**: {action.help}" for action in actions(told))
    events = "\n".join(f"- **{each.label}** (`{each.key}`): {each.help}" for each in told.manifest.triggers.values())
    return _TEXT.format(version=told.version, address=told.address, actions=listed, triggers=events)
