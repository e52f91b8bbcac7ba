"""Nodes of workflows, and how they are joined: the shape in which n8n imports them."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from connector.platforms.base import EXAMPLE

Node = dict[str, Any]

# A request that is repeated, for the connection broke, is answered as it was the first time.
_ONCE = "={{ $workflow.id }}-{{ $execution.id }}-{{ $itemIndex }}"
_PATIENCE = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 5000}
# Where the workflow's own webhooks answer: n8n tells it in the address at which a waiting run goes on.
_TARGET = "$execution.resumeUrl.replace(/\\/webhook-waiting\\/.*$/, '/webhook/') + $('{name}').params.path"


def node(name: str, kind: str, version: float, parameters: Node, **more: Any) -> Node:
    """A node; `kind` is one of n8n's own. Its place is given when it is joined to others."""
    own = {"name": name, "type": f"n8n-nodes-base.{kind}", "typeVersion": version, "parameters": parameters}
    return {"id": re.sub(r"\W+", "-", name.lower()), **own, **more}


def http(name: str, method: str, path: str, body: str | None = None, **more: Any) -> Node:
    """A request to the connector, with the user's key. `path` may hold an expression; `body` is one."""
    parameters: Node = {
        "method": method,
        "url": f"{'=' if '{{' in path else ''}{EXAMPLE}{path}",
        "authentication": "genericCredentialType",
        "genericAuthType": "httpHeaderAuth",
    }
    if body:
        header = {"parameters": [{"name": "Idempotency-Key", "value": _ONCE}]}
        parameters |= {"sendHeaders": True, "headerParameters": header}
        parameters |= {"sendBody": True, "specifyBody": "json", "jsonBody": body}
    return node(name, "httpRequest", 4.2, {**parameters, "options": {}}, **_PATIENCE, **more)


def webhook(name: str, path: str, answers: str = "onReceived") -> Node:
    """A node that starts a workflow when something is posted to it."""
    parameters = {"httpMethod": "POST", "path": path, "responseMode": answers, "options": {}}
    return node(name, "webhook", 2, parameters, webhookId=path)


def fields(name: str, json: str) -> Node:
    """A node that makes an item of an expression."""
    return node(name, "set", 3.4, {"mode": "raw", "jsonOutput": json, "options": {}})


def subscribing(hook: Node, event: str) -> list[Node]:
    """Run once by hand: what has the connector tell an event to a webhook of the same workflow."""
    body = f"={{{{ JSON.stringify({{ event: '{event}', target_url: {_TARGET.format(name=hook['name'])} }}) }}}}"
    return [
        node("Once by hand", "manualTrigger", 1, {}),
        http("Subscribe", "POST", "/v1/subscriptions", body),
    ]


def workflow(title: str, note: str, *lines: Sequence[Node]) -> Node:
    """Lines of nodes, each joined to the next, below a note."""
    sized = {"content": f"## {title}\n{note}", "height": 220, "width": 560}
    placed = [{**node("Note", "stickyNote", 1, sized), "position": [0, 0]}]
    for row, line in enumerate(lines):
        placed += [{**each, "position": [220 * at, 280 + 200 * row]} for at, each in enumerate(line)]
    joined = [pair for line in lines for pair in pairwise(each["name"] for each in line)]
    return {
        "name": f"{title} (crisp-connector)",
        "nodes": placed,
        "connections": {one: {"main": [[{"node": other, "type": "main", "index": 0}]]} for one, other in joined},
        "active": False,
        "settings": {"executionOrder": "v1"},
    }
