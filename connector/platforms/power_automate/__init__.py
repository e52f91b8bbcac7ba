"""Power Automate and Logic Apps: a custom connector (Swagger 2.0, properties, icon) and flows to begin with."""

import json

from connector.platforms.base import Counts, Files, Told, written
from connector.platforms.power_automate.definition import definition
from connector.platforms.power_automate.flow import TABLES, flow
from connector.platforms.power_automate.icon import icon
from connector.platforms.power_automate.properties import properties
from connector.platforms.power_automate.readme import readme

KEY, LABEL = "power_automate", "Power Automate"


def build(told: Told) -> Files:
    """The custom connector, a flow for each Dataverse table, and what to do with them."""
    return {
        "apiDefinition.swagger.json": written(definition(told)),
        "apiProperties.json": written(properties(told)),
        "icon.png": icon(),
        **{f"flows/{table}_to_crisp.json": written(flow(told, table)) for table in TABLES},
        "README.md": readme(told).encode(),
    }


def count(package: Files) -> Counts:
    """Operations that a flow shows: the trigger is one, with a list of the events that it can wait for."""
    paths = json.loads(package["apiDefinition.swagger.json"])["paths"]
    shown = [each for path in paths.values() for each in path.values() if each.get("x-ms-visibility") == "important"]
    body = next(each for each in shown if each["operationId"] == "UpsertContact")["parameters"][-1]["schema"]
    hook = next(each for each in shown if "x-ms-trigger" in each)["parameters"][-1]["schema"]["properties"]
    return Counts(len(shown) - 1, len(hook["event"]["enum"]), len(body["properties"]))
