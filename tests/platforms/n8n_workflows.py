"""Workflows for the real n8n: our recipes as a user makes them ready, and small ones with our nodes in them."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from connector.platforms.n8n.steps import node, webhook, workflow

Workflow = dict[str, Any]

HEADER = {"httpHeaderAuth": {"id": "header", "name": "Connector key"}}
OURS = {"crispConnectorApi": {"id": "ours", "name": "Crisp Connector"}}
MAIL = {"smtp": {"id": "mail", "name": "Mail"}}
# So a package is called that is no installed one but a folder.
OUR_NODE, OUR_TRIGGER = "CUSTOM.crispConnector", "CUSTOM.crispConnectorTrigger"
# And so when npm installed it.
INSTALLED = "n8n-nodes-crisp-connector.crispConnector"

# What our node is asked to do with an item, for each action that is declared.
UPSERT: Mapping[str, Any] = {
    "resource": "contact",
    "operation": "upsert_contact",
    "email": "={{ $json.email }}",
    "fields": {
        "full_name": "={{ $json.name }}",
        "segments": ["vip", "two words"],
        "created_at": "2024-05-06T07:08:09",
        "data": {"pairs": [{"key": "plan", "value": "={{ $json.plan }}"}, {"key": "seats", "value": "3"}]},
    },
    "options": {"country": "FR"},
}
WHO = {"resource": "contact", "who": "={{ $json.email }}"}
IMPORT = {"resource": "import", "records": "={{ $input.all().map((each) => each.json) }}"}
OPERATIONS: Mapping[str, Mapping[str, Any]] = {
    "upsert_contact": UPSERT,
    "create_contact": {**UPSERT, "operation": "create_contact"},
    "update_contact": {**WHO, "operation": "update_contact", "fields": {"city": "={{ $json.city }}"}},
    "find_contact": {**WHO, "operation": "find_contact"},
    "delete_contact": {**WHO, "operation": "delete_contact"},
    "update_data": {
        **WHO,
        "resource": "contactData",
        "operation": "update_data",
        "data": {"pairs": [{"key": "plan", "value": "={{ $json.plan }}"}]},
    },
    "upsert_contacts": {**IMPORT, "operation": "upsert_contacts"},
    "preview_contacts": {**IMPORT, "operation": "preview_contacts"},
}


def credentials(url: str, key: str, mail_port: int) -> list[Mapping[str, Any]]:
    """What a user types in; those of our own package among them."""
    smtp = {"user": "", "password": "", "host": "127.0.0.1", "port": mail_port, "secure": False}
    return [
        {**_named(HEADER), "data": {"name": "Authorization", "value": f"Bearer {key}"}},
        {**_named(OURS), "data": {"baseUrl": f"{url}/", "apiKey": key}},
        {**_named(MAIL), "data": {**smtp, "disableStartTls": True}},
    ]


def chosen(recipe: Mapping[str, Any], name: str) -> Workflow:
    """A recipe with an id, in whose nodes the credentials are chosen; the address of the service is in it already."""
    ready = {**deepcopy(dict(recipe)), "id": name}
    for each in ready["nodes"]:
        if each["parameters"].get("genericAuthType") == "httpHeaderAuth":
            each["credentials"] = HEADER
        if each["type"].endswith(".emailSend"):
            each["credentials"] = MAIL
    return ready


def started_by_hook(recipe: Workflow, name: str) -> Workflow:
    """SWAPPED: the node of that name needs an account. A webhook and a list of samples stand in its place; everything
    behind it is the recipe's."""
    samples = node(name, "splitOut", 1, {"fieldToSplitOut": "body", "options": {}})
    _replace(recipe, name, samples)
    hook = {**_answering("Samples", recipe["id"]), "position": [-220, 280]}
    recipe["nodes"].append(hook)
    recipe["connections"]["Samples"] = _to(name)
    return recipe


def ended_by_request(recipe: Workflow, name: str, url: str) -> Workflow:
    """SWAPPED: the last node needs an account. What it would be given is posted to us."""
    asked = {"method": "POST", "url": url, "sendBody": True, "specifyBody": "json"}
    post = node(name, "httpRequest", 4.2, {**asked, "jsonBody": "={{ JSON.stringify($json) }}", "options": {}})
    _replace(recipe, name, post)
    return recipe


def doing(id_: str, parameters: Mapping[str, Any], **more: Any) -> Workflow:
    """A workflow in which our node does something with what is posted to it, and answers with what came of it."""
    items = node("Items", "splitOut", 1, {"fieldToSplitOut": "body", "options": {}})
    ours: Workflow = {"id": "ours", "name": "Ours", "type": OUR_NODE, "typeVersion": 1, "credentials": OURS, **more}
    return _with_id(workflow(id_, "", [_answering("Call", id_), items, {**ours, "parameters": dict(parameters)}]), id_)


def told(id_: str, parameters: Mapping[str, Any], url: str) -> Workflow:
    """A workflow that our trigger starts, and that posts to us what it was told."""
    when = {"id": "when", "name": "When", "type": OUR_TRIGGER, "typeVersion": 1, "credentials": OURS, "webhookId": id_}
    asked = {"method": "POST", "url": url, "sendBody": True, "specifyBody": "json"}
    post = node("Post", "httpRequest", 4.2, {**asked, "jsonBody": "={{ JSON.stringify($json) }}", "options": {}})
    return _with_id(workflow(id_, "", [{**when, "parameters": dict(parameters)}, post]), id_)


def pasted(id_: str, box: str) -> Workflow:
    """What the page Connect gives to be pasted into the editor, behind a webhook."""
    [post] = json.loads(box)["nodes"]
    items = node("Items", "splitOut", 1, {"fieldToSplitOut": "body", "options": {}})
    return _with_id(workflow(id_, "", [_answering("Call", id_), items, post]), id_)


def checking(id_: str, code: str) -> Workflow:
    """A workflow of those who have the Webhook node alone, with a Code node behind it that checks signatures."""
    hook = _answering("Event", id_)
    raw = {**hook, "parameters": {**hook["parameters"], "options": {"rawBody": True}}}
    return _with_id(workflow(id_, "", [raw, node("Check", "code", 2, {"jsCode": code})]), id_)


def _named(reference: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    ((kind, named),) = reference.items()
    return {**named, "type": kind}


def _answering(name: str, path: str) -> Workflow:
    hook = webhook(name, path, "lastNode")
    return {**hook, "parameters": {**hook["parameters"], "responseData": "allEntries"}}


def _replace(recipe: Workflow, name: str, other: Mapping[str, Any]) -> None:
    at = next(at for at, each in enumerate(recipe["nodes"]) if each["name"] == name)
    recipe["nodes"][at] = {**other, "position": recipe["nodes"][at]["position"]}


def _to(name: str) -> Workflow:
    return {"main": [[{"node": name, "type": "main", "index": 0}]]}


def _with_id(made: Workflow, id_: str) -> Workflow:
    return {**made, "id": id_}
