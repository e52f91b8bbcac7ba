"""Make: a custom app as the local development of Make's editor stores it, and scenarios for those who have no app."""

import json

from connector.platforms.base import Counts, Files, Told, written
from connector.platforms.make.blueprints import blueprints
from connector.platforms.make.components import Component
from connector.platforms.make.connection import base, connection
from connector.platforms.make.hooks import triggers
from connector.platforms.make.lists import lists
from connector.platforms.make.modules import OPTIONS, UNIVERSAL, actions, universal
from connector.platforms.make.readme import readme

KEY, LABEL = "make", "Make"
# The app to which its user deploys.
KEPT = {"makecomapp.json": ("origins",)}
_KINDS = ("connection", "webhook", "module", "rpc", "function", "endpoint")
_GENERAL = {"base": "general/base.iml.json", "common": None, "readme": "README.md", "groups": "modules/groups.json"}


def build(told: Told) -> Files:
    """The app, the blueprints, and what to do with them."""
    parts = [connection(told), *actions(told), *triggers(told), universal(), *lists()]
    return {
        "makecomapp.json": written(_index(parts)),
        "general/base.iml.json": written(base(told)),
        "modules/groups.json": written(_groups(parts)),
        **{path: written(content) for part in parts for path, content in part.files().items()},
        **{f"blueprints/{name}.json": written(content) for name, content in blueprints(told).items()},
        "README.md": readme(told).encode(),
    }


def count(package: Files) -> Counts:
    """Modules by their kind; the universal one is none of ours."""
    components = json.loads(package["makecomapp.json"])["components"]["module"]
    kinds = [each["moduleType"] for each in components.values()]
    asked = json.loads(package["modules/upsertContact/upsert-contact.mappable-params.iml.json"])
    fields = [each["name"] for each in asked if each["name"] != OPTIONS]
    return Counts(kinds.count("action") + kinds.count("search"), kinds.count("instant_trigger"), len(fields))


def _index(parts: list[Component]) -> dict[str, object]:
    """What stands where. There is no origin: everybody deploys to an app of their own."""
    components = {kind: {part.key: part.entry() for part in parts if part.kind == kind} for kind in _KINDS}
    return {"fileVersion": 1, "generalCodeFiles": _GENERAL, "components": components, "origins": []}


def _groups(parts: list[Component]) -> list[dict[str, object]]:
    """Modules as the editor lists them."""
    modules = [part for part in parts if part.kind == "module"]
    watching = [part.key for part in modules if part.about["moduleType"] == "instant_trigger"]
    acting = [part.key for part in modules if part.key not in (*watching, UNIVERSAL)]
    named = {"Events": watching, "Contacts": acting, "Other": [UNIVERSAL]}
    return [{"label": label, "modules": keys} for label, keys in named.items()]
