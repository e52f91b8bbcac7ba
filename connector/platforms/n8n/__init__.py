"""n8n: a community node package in plain JavaScript and JSON, and workflows for those who have no node of their own."""

import json
from functools import cache
from importlib.resources import files

from connector.platforms.base import Counts, Files, Told, written
from connector.platforms.n8n import credentials, node, package, recipes, trigger

KEY, LABEL = "n8n", "n8n"
# What it is called and whose it is, of whoever publishes it.
KEPT = {"package.json": ("name", "author", "repository")}
_TRIGGER = "CrispConnectorTrigger"
_NODES, _CREDENTIALS = "dist/nodes/CrispConnector", "dist/credentials"

_ICONS = ("crisp-connector.svg", "crisp-connector.dark.svg")


def build(told: Told) -> Files:
    """The package, ready to be packed by npm, with the workflows beside it. The address of the service stands wherever
    the manifests have an example."""
    described = {
        "package.json": package.declared(told),
        f"{_CREDENTIALS}/CrispConnectorApi.json": credentials.described(told),
        f"{_NODES}/CrispConnector.json": node.described(told),
        f"{_NODES}/CrispConnectorTrigger.json": trigger.described(told),
        f"{_NODES}/CrispConnector.node.json": package.codex("crispConnector"),
        f"{_NODES}/CrispConnectorTrigger.node.json": package.codex("crispConnectorTrigger"),
        **{f"recipes/{name}.json": workflow for name, workflow in recipes.workflows().items()},
    }
    own = {path: _addressed(written(content), told) for path, content in described.items()}
    return {**own, **_code(), "README.md": _addressed(package.readme(told, _static("README.md").decode()), told)}


def count(package: Files) -> Counts:
    """Operations of the node, events of the trigger node; the address stands above the other fields of a contact."""
    node_, watching = (json.loads(package[f"{_NODES}/{name}.json"]) for name in ("CrispConnector", _TRIGGER))
    operations = [row for each in node_["properties"] if each["name"] == "operation" for row in each["options"]]
    others = next(each["options"] for each in node_["properties"] if each["name"] == "fields")
    events = next(each["options"] for each in watching["properties"] if each["name"] == "event")
    return Counts(len(operations), len(events), 1 + len(others))


def _code() -> Files:
    """What is the same whatever is declared."""
    return {
        "LICENSE": _static("LICENSE"),
        f"{_CREDENTIALS}/CrispConnectorApi.credentials.js": _static("CrispConnectorApi.credentials.js"),
        f"{_NODES}/CrispConnector.node.js": _static("CrispConnector.node.js"),
        f"{_NODES}/CrispConnectorTrigger.node.js": _static("CrispConnectorTrigger.node.js"),
        **{f"{folder}/{icon}": _static(icon) for folder in (_CREDENTIALS, _NODES) for icon in _ICONS},
    }


def _addressed(content: bytes, told: Told) -> bytes:
    return told.said(content.decode()).encode()


@cache
def _static(name: str) -> bytes:
    return files(__name__).joinpath("static", name).read_bytes()
