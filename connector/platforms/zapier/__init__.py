"""Zapier: an app that is JSON alone, which Zapier's own command line pushes to an account, or publishes."""

import json
from typing import Any

from connector.platforms.base import Counts, Files, Told, written
from connector.platforms.zapier.app import CORE, app
from connector.platforms.zapier.code import OPTION
from connector.platforms.zapier.readme import readme

KEY, LABEL = "zapier", "Zapier"


def build(told: Told) -> Files:
    """`definition.json` is the app; the other files are what Zapier's command line wants around it."""
    return {
        "definition.json": written(app(told)),
        "index.js": b"module.exports = require('./definition.json');\n",
        "package.json": written(_package(told)),
        "README.md": readme(told).encode(),
    }


def count(package: Files) -> Counts:
    """Searches are actions as well; a trigger that can be polled too is one."""
    app = json.loads(package["definition.json"])
    hooks = [each for each in app["triggers"].values() if each["operation"].get("type") == "hook"]
    listed = [each["key"] for each in app["creates"]["upsert_contact"]["operation"]["inputFields"] if "key" in each]
    fields = [key for key in listed if not key.startswith(OPTION)]
    return Counts(len(app["creates"]) + len(app["searches"]), len(hooks), len(fields))


def _package(told: Told) -> dict[str, Any]:
    return {
        "name": "crisp-connector-zapier",
        "version": told.version,
        "description": "Crisp contacts for Zapier. Made by crisp-connector; it is built anew, not edited.",
        "main": "index.js",
        "private": True,
        "engines": {"node": ">=22"},
        "dependencies": {"zapier-platform-core": CORE},
        "devDependencies": {"zapier-platform-cli": CORE},
    }
