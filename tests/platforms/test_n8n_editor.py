"""n8n's editor in a browser: a recipe and our node on one canvas, run by its button."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from connector.platforms.n8n.steps import node, workflow
from tests.platforms.browser import page
from tests.platforms.n8n_app import N8n
from tests.platforms.n8n_workflows import OUR_NODE, OURS, UPSERT, chosen, credentials
from tests.platforms.test_n8n import package  # noqa: F401 - fixture
from tests.process.running import Crisp, Service, until

# Where a picture is kept for the documentation; else it goes with the other files of the tests.
_PICTURES = os.environ.get("PICTURES")
_DONE = "[data-node-name='{}'] [data-test-id='canvas-node-status-success']"
_FORM = {"email": "bo@example.com", "full_name": "Bo"}
_CONTACT = '{"email": "ada@example.com", "name": "Ada Lovelace", "plan": "pro"}'


def canvas(package: Path) -> dict[str, Any]:  # noqa: F811
    """The recipe for forms as it is imported, and below it our node behind a button."""
    recipe = chosen(json.loads((package / "recipes" / "form-to-crisp.json").read_text()), "canvas")
    steps = [
        node("By hand", "manualTrigger", 1, {}),
        node("A contact", "set", 3.4, {"mode": "raw", "jsonOutput": _CONTACT, "options": {}}),
        {"id": "ours", "name": "Crisp Connector", "type": OUR_NODE, "typeVersion": 1, "credentials": OURS},
    ]
    steps[2]["parameters"] = dict(UPSERT)
    ours = workflow("Crisp Connector", "", steps)
    for at, each in enumerate(ours["nodes"]):
        each["position"] = [220 * at, 480]
    both = {**recipe["connections"], **ours["connections"]}
    nodes = [*recipe["nodes"], *(each for each in ours["nodes"] if each["type"] != "n8n-nodes-base.stickyNote")]
    return {**recipe, "name": "Form to Crisp, and our node", "nodes": nodes, "connections": both}


@pytest.fixture(scope="module")
def app(served: Service, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[N8n]:  # noqa: F811
    """n8n with that workflow, and its owner."""
    n8n = N8n(tmp_path_factory.mktemp("n8n"), package)
    n8n.take("credentials", credentials(served.url, served.key, 25))
    n8n.take("workflow", [canvas(package)])
    try:
        n8n.start()
        n8n.sign_up()
        yield n8n
    finally:
        n8n.stop()


def test_the_editor_shows_recipe_and_node_and_runs_them(app: N8n, crisp: Crisp, tmp_path: Path) -> None:
    with page() as browser:
        signed_in = app.cookies().items()
        browser.context.add_cookies([{"name": name, "value": value, "url": app.url} for name, value in signed_in])
        shown(browser, app)
        browser.locator("[data-test-id='execute-workflow-button']").first.click()
        browser.get_by_text("Waiting for you to call the Test URL").first.wait_for(timeout=60_000)
        hook = next(each for each in app.ask("GET", "/workflows/canvas")["nodes"] if each["name"] == "Form")
        test_url = f"{app.url}/webhook-test/{hook['parameters']['path']}"
        # The editor says that it waits a moment before n8n does.
        until(lambda: requests.post(test_url, json=_FORM, timeout=60).ok, 60, "an answer at the Test URL")
        until(lambda: "bo@example.com" in crisp.people(), what="the contact of the form")
        green(browser, app, "Send to Crisp", 1)
        shown(browser, app)
        browser.locator("[data-test-id='execute-workflow-button-By hand']").click(force=True)
        until(lambda: "ada@example.com" in crisp.people(), what="the contact of our node")
        green(browser, app, "Crisp Connector", 2)
        browser.wait_for_timeout(2_000)  # It fades in.
        browser.screenshot(path=Path(_PICTURES or tmp_path) / "n8n-editor.png")
    assert crisp.people()["ada@example.com"]["data"] == {"plan": "pro", "seats": "3"}


def shown(browser: Page, app: N8n) -> None:
    """Opens the canvas, and sees on it what was imported."""
    browser.goto(f"{app.url}/workflow/canvas")
    for name in ("Form", "Send to Crisp", "A contact", "Crisp Connector"):
        browser.get_by_text(name, exact=True).first.wait_for(timeout=60_000)


def green(browser: Page, app: N8n, name: str, runs: int) -> None:
    """Looks at the last of so many runs as it was kept: the editor may miss its end while it happens, for it is told
    once."""

    def done() -> list[str]:
        kept = app.ask("GET", "/executions", params={"filter": json.dumps({"workflowId": "canvas"})})["results"]
        ended = [str(each["id"]) for each in kept if each["status"] == "success"]
        return ended if len(ended) == runs else []

    newest = max(until(done, 60, "the end of the run"), key=int)
    browser.goto(f"{app.url}/workflow/canvas/executions/{newest}")
    browser.locator(_DONE.format(name)).first.wait_for(timeout=120_000)
