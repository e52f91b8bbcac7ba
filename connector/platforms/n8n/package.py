"""What npm and n8n want to know of the package, and its README."""

from typing import Any

from connector.platforms.base import EXAMPLE, Told

NAME = "n8n-nodes-crisp-connector"
_NODES = ("CrispConnector", "CrispConnectorTrigger")


def declared(told: Told) -> dict[str, Any]:
    """`package.json`."""
    return {
        "name": NAME,
        "version": told.version,
        "description": "Contacts of Crisp in n8n, through crisp-connector",
        "license": "MIT",
        "homepage": f"{EXAMPLE}/docs",
        "keywords": ["n8n-community-node-package", "crisp", "contacts", "crm"],
        "author": {"name": "crisp-connector", "email": "support@example.com"},
        "repository": {"type": "git", "url": "git+https://github.com/example/crisp-connector.git"},
        "files": ["dist", "recipes"],
        "n8n": {
            "n8nNodesApiVersion": 1,
            "strict": True,
            "credentials": ["dist/credentials/CrispConnectorApi.credentials.js"],
            "nodes": [f"dist/nodes/CrispConnector/{each}.node.js" for each in _NODES],
        },
        "peerDependencies": {"n8n-workflow": "*"},
    }


def codex(name: str) -> dict[str, Any]:
    """Where the editor lists a node, and where its help is."""
    help_ = [{"url": f"{EXAMPLE}/docs"}]
    return {
        "node": f"{NAME}.{name}",
        "nodeVersion": "1.0",
        "codexVersion": "1.0",
        "categories": ["Marketing", "Communication", "Sales"],
        "alias": ["Crisp", "CRM", "Contact", "Lead", "Import"],
        "resources": {"credentialDocumentation": help_, "primaryDocumentation": help_},
    }


def readme(told: Told, text: str) -> bytes:
    """The README, with what can be done and what is told filled in."""
    actions = (f"- **{each.label}**: {each.help}" for each in told.manifest.actions.values())
    events = (f"- **{each.label}**: {each.help}" for each in told.manifest.triggers.values())
    return text.replace("{operations}", "\n".join(actions)).replace("{events}", "\n".join(events)).encode()
