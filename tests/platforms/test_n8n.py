"""The n8n package and the recipes in the real n8n: imported, switched on and run, with the service and a local Crisp.

What is swapped is said where it is: nodes that need an account at Notion, Google or Microsoft. All others are run as
they are.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from connector.manifest import manifests_root, shipped
from connector.web.boxes import boxes
from tests.platforms.mailbox import Mailbox, mailbox
from tests.platforms.n8n_app import N8n
from tests.platforms.n8n_workflows import (
    INSTALLED,
    OPERATIONS,
    OUR_NODE,
    OUR_TRIGGER,
    OURS,
    UPSERT,
    Workflow,
    checking,
    chosen,
    credentials,
    doing,
    ended_by_request,
    pasted,
    started_by_hook,
    told,
)
from tests.platforms.proxies import behind
from tests.platforms.tools import node, path, ran
from tests.process.running import ROOT, Crisp, Service, until

# Recipes that begin where an account is needed: the node that is swapped.
STARTS = {"notion-to-crisp": "Notion", "google-sheets-to-crisp": "Google Sheets", "dynamics-to-crisp": "Dataverse"}
SAMPLES = {
    "notion-to-crisp": "notion/n8n_simplified",
    "google-sheets-to-crisp": "google_sheets/n8n_rows",
    "dynamics-to-crisp": "dynamics/web_api_list",
}


def snippets(page: str, language: str) -> list[str]:
    """What a page of the documentation tells to run."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def package(served: Service, folder: Path) -> Path:
    """The package as the documentation says that one gets it."""
    script = f'{snippets("platforms/n8n.md", "bash")[0]}\nprintf %s "$N8N_CUSTOM_EXTENSIONS"'
    return Path(ran("bash", "-euc", script, cwd=folder, URL=served.url))


@pytest.fixture(scope="module")
def receiver() -> Iterator[HTTPServer]:
    """Where workflows post to what they have."""
    with HTTPServer() as server:
        server.expect_request("/sheet").respond_with_json({})
        server.expect_request("/told").respond_with_json({})
        yield server


@pytest.fixture(scope="module")
def post() -> Iterator[Mailbox]:
    """Where mails are sent to."""
    with mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def recipes(package: Path, receiver: HTTPServer) -> dict[str, Workflow]:
    """Every recipe, made ready."""
    files = sorted((package / "recipes").glob("*.json"))
    found = {file.stem: chosen(json.loads(file.read_text()), file.stem) for file in files}
    swapped = {name: started_by_hook(found[name], start) for name, start in STARTS.items()}
    sheet = ended_by_request(found["crisp-to-google-sheets"], "Sheet", receiver.url_for("/sheet"))
    return {**found, **swapped, "crisp-to-google-sheets": sheet}


@pytest.fixture(scope="module")
def app(
    served: Service,
    package: Path,
    receiver: HTTPServer,
    post: Mailbox,
    recipes: dict[str, Workflow],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[N8n]:
    """n8n with everything imported and running. What waits for an event is switched on by its test."""
    n8n = N8n(tmp_path_factory.mktemp("n8n"), package)
    wanted = {"event": "contact_removed", "target_url": f"{n8n.url}/webhook/signed"}
    secret = served.post("/v1/subscriptions", json=wanted).json()["secret"]
    nodes = [doing(key, OPERATIONS[key], executeOnce="records" in OPERATIONS[key]) for key in OPERATIONS]
    going_on = doing("going_on", UPSERT, onError="continueRegularOutput", type=INSTALLED)
    trigger = told("when", {"event": "contact_updated", "filter": {"changed": ["city"]}}, receiver.url_for("/told"))
    n8n.take("credentials", credentials(served.url, served.key, post.port))
    signed = checking("signed", snippets("subscriptions.md", "javascript")[1].replace("whsec_…", secret))
    box = pasted("box", next(each.text for each in boxes(served.url, served.key) if each.key == "n8n"))
    n8n.take("workflow", [*recipes.values(), *nodes, going_on, trigger, signed, box])
    ran("bash", "-euc", snippets("platforms/n8n.md", "bash")[1], cwd=package.parent, HOME=str(n8n.folder), PATH=path())
    try:
        n8n.start()
        n8n.sign_up()
        for each in (*STARTS, "form-to-crisp", *OPERATIONS, "going_on", "signed", "box"):
            n8n.activate(each)
        yield n8n
    finally:
        n8n.stop()


def sample(name: str) -> Any:
    return json.loads(Path(str(manifests_root()), "samples", f"{name}.json").read_text())


def in_crisp(crisp: Crisp, method: str, where: str, body: Mapping[str, Any]) -> None:
    """What somebody at Crisp does."""
    said = crisp.running.said
    url = f"{said['url']}/v1/website/{said['website_id']}/people/{where}"
    head = {"X-Crisp-Tier": said["tier"]}
    assert requests.request(method, url, json=body, auth=(said["identifier"], said["key"]), headers=head, timeout=10).ok


def received(receiver: HTTPServer, where: str) -> list[Any]:
    """What was posted to a path so far."""
    return [request.get_json() for request, _ in receiver.log if request.path == where]


def subscribed(service: Service, event: str) -> dict[str, Any]:
    """The subscription to an event, or nothing."""
    listed: list[dict[str, Any]] = service.get("/v1/subscriptions").json()
    return next((each for each in listed if each["event"] == event), {})


def test_credentials_are_tested(app: N8n, served: Service, httpserver: HTTPServer) -> None:
    """With a slash at the end of the address too, and with a path that a proxy takes away."""
    for address in (served.url, f"{served.url}/", behind(httpserver, "/behind/", served.url)):
        data = {"baseUrl": address, "apiKey": served.key}
        tried = {"credentials": {**OURS["crispConnectorApi"], "type": "crispConnectorApi", "data": data}}
        assert app.ask("POST", "/credentials/test", json=tried)["status"] == "OK"
    tried["credentials"]["data"] = {**data, "apiKey": "ck_another"}
    assert app.ask("POST", "/credentials/test", json=tried)["status"] == "Error"


@pytest.mark.parametrize("recipe", SAMPLES)
def test_recipes_bring_what_a_system_has(recipe: str, app: N8n, service: Service, crisp: Crisp) -> None:
    """SWAPPED: the node with the account; in its place come the samples that our own mapping is tested with."""
    payload = sample(SAMPLES[recipe])
    answer = app.call(recipe, payload if isinstance(payload, list) else [payload])
    (accepted,) = answer.json()
    done = service.finished(accepted["import_id"])
    assert done["totals"]["records"] == 2
    expected = sample(f"{SAMPLES[recipe]}.contact")["records"]
    assert set(crisp.people()) == {each["contact"]["email"] for each in expected if "email" in each["contact"]}


def test_what_the_page_gives_to_paste_sends_each_item(app: N8n, service: Service, crisp: Crisp) -> None:
    sent = [{"email": f"{name}@example.com", "first_name": name.title()} for name in ("pasted", "box")]
    answer = app.call("box", sent)
    assert [each["status"] for each in answer.json()] == ["created", "created"]
    assert crisp.people().keys() == {each["email"] for each in sent}


def test_a_form_brings_a_contact(app: N8n, service: Service, crisp: Crisp) -> None:
    """With JSON as the documentation does, and as a browser sends a form."""
    made = ran(
        "bash", "-euc", snippets("platforms/n8n.md", "bash")[2], cwd=app.folder, FORM=f"{app.url}/webhook/crisp-form"
    )
    assert json.loads(made)["status"] == "created"
    form = {"Your name": "Nora Form", "E-Mail": "nora@example.com", "Phone number": "+33 6 39 98 12 34"}
    assert requests.post(f"{app.url}/webhook/crisp-form", data=form, timeout=30).json()["status"] == "created"
    names = {card["email"]: card["person"]["nickname"] for card in crisp.people().values()}
    assert names == {"ada@example.com": "Ada Lovelace", "nora@example.com": "Nora Form"}


def test_what_happens_in_crisp_comes_into_a_sheet(
    app: N8n, service: Service, crisp: Crisp, receiver: HTTPServer
) -> None:
    """SWAPPED: the node *Sheet*; what it would write comes here. It is subscribed by the recipe's own second line."""
    app.activate("crisp-to-google-sheets")
    app.run("crisp-to-google-sheets", "Once by hand")
    in_crisp(
        crisp, "POST", "profile", {"email": "eve@example.com", "person": {"nickname": "Eve"}, "segments": ["a", "b"]}
    )
    (row,) = until(lambda: received(receiver, "/sheet"), what="the row")
    assert (row["email"], row["nickname"], row["segments"]) == ("eve@example.com", "Eve", "a, b")


def test_what_is_rejected_is_told_by_mail(app: N8n, service: Service, post: Mailbox) -> None:
    app.activate("failures-by-mail")
    app.run("failures-by-mail", "Once by hand")
    problem = service.post("/v1/contacts", json={"email": "nobody@nowhere", "full_name": "No Body"}).json()
    (mail,) = until(lambda: post.mails, what="the mail")
    assert problem["message"] in mail.get_content().replace("\n", " ")
    assert problem["outcome_id"] in mail["subject"] + mail.get_content()


def test_the_code_of_the_documentation_checks_signatures(app: N8n, service: Service) -> None:
    """*Subscriptions* has a Code node for those who have the Webhook node alone."""
    kept = subscribed(service, "contact_removed")
    assert not app.call("signed", {"id": "1"}).ok
    tried = service.post(f"/v1/subscriptions/{kept['id']}/test").json()
    assert (tried["delivered"], tried["status"]) == (True, 200)


def test_our_node_does_all_that_is_declared(app: N8n, service: Service, crisp: Crisp) -> None:
    assert set(OPERATIONS) == set(shipped().actions)
    grace = {"email": "grace@example.com", "name": "Grace Hopper", "plan": "pro", "city": "Arlington"}
    (made,) = app.call("upsert_contact", [grace]).json()
    assert (made["status"], made["contact"]["data"]) == ("created", {"plan": "pro", "seats": "3"})
    assert crisp.people()["grace@example.com"]["segments"] == ["vip", "two words"]
    assert app.call("update_contact", [grace]).json()[0]["changed"] == ["city"]
    assert app.call("update_data", [{**grace, "plan": "free"}]).json()[0]["changed"] == ["data.plan"]
    (found,) = app.call("find_contact", [grace]).json()
    assert (found["nickname"], found["city"], found["data"]["plan"]) == ("Grace Hopper", "Arlington", "free")
    assert app.call("delete_contact", [grace]).json()[0]["erased"]
    assert not crisp.people()
    assert app.call("create_contact", [{**grace, "email": "new@example.com"}]).json()[0]["status"] == "created"


def test_our_node_sends_many_at_once(app: N8n, service: Service, crisp: Crisp) -> None:
    people = [{"E-Mail": f"p{number}@example.com", "Name": f"P {number}"} for number in range(3)]
    (seen,) = app.call("preview_contacts", people).json()
    assert (seen["totals"]["created"], crisp.people()) == (3, {})
    (accepted,) = app.call("upsert_contacts", people).json()
    assert service.finished(accepted["import_id"])["totals"]["created"] == 3
    assert len(crisp.people()) == 3


def test_a_rejected_record_shows_our_sentence(app: N8n, service: Service) -> None:
    refused = {"email": "nobody@nowhere", "name": "No Body"}
    sentence = service.post("/v1/contacts", json=refused).json()["message"]
    bad, good = app.call("going_on", [refused, {"email": "after@example.com"}]).json()
    assert (bad["error"], good["status"]) == (sentence, "created")
    assert not app.call("upsert_contact", [refused]).ok
    failed = app.ask("GET", "/executions", params={"filter": json.dumps({"workflowId": "upsert_contact"})})["results"][
        0
    ]
    assert sentence in json.loads(app.ask("GET", f"/executions/{failed['id']}")["data"])


def test_dropdowns_are_loaded(app: N8n, service: Service, crisp: Crisp) -> None:
    service.post("/v1/contacts", json={"email": "seg@example.com", "segments": ["gold"], "data": {"tier": "1"}})
    form = {**UPSERT, "fields": {"segments": []}}
    assert {"name": "gold", "value": "gold"} in app.options(OUR_NODE, form, "fields.segments", OURS, loadOptions={})
    for name, value in (("segment", "gold"), ("data_key", "tier"), ("changed", "city")):
        listed = app.options(OUR_TRIGGER, {}, f"filter.{name}", OURS, methodName=name)
        assert value in [each["value"] for each in listed]


def test_our_trigger_subscribes_is_told_and_ends(
    app: N8n, service: Service, crisp: Crisp, receiver: HTTPServer
) -> None:
    app.activate("when")
    kept = until(lambda: subscribed(service, "contact_updated"), what="the subscription")
    assert (kept["filter"], kept["include_own"]) == ({"changed": ["city"]}, False)
    in_crisp(crisp, "POST", "profile", {"email": "tess@example.com", "person": {"nickname": "Tess"}})
    address = {"person": {"nickname": "Tess", "geolocation": {"city": "Lille"}}}
    in_crisp(crisp, "PATCH", "profile/tess@example.com", address)
    (event,) = until(lambda: received(receiver, "/told"), what="the event")
    assert event["contact"]["email"] == "tess@example.com"
    assert "city" in event["changed"]
    app.restart()
    in_crisp(crisp, "PATCH", "profile/tess@example.com", {"person": {"geolocation": {"city": "Metz"}}})
    until(lambda: len(received(receiver, "/told")) == 2, 40, "an event after n8n was started again")
    assert subscribed(service, "contact_updated")["id"] == kept["id"]
    forged = requests.post(kept["target_url"], json=event, headers={"webhook-id": "1"}, timeout=10)
    assert (forged.status_code, len(received(receiver, "/told"))) == (401, 2)
    app.deactivate("when")
    until(lambda: not subscribed(service, "contact_updated"), what="the end of the subscription")


def test_our_trigger_mends_a_subscription_that_is_another(package: Path, service: Service) -> None:
    """As after n8n's command line switched a workflow off, which tells nobody: its methods are called in Node alone."""
    trigger = package / "dist/nodes/CrispConnector/CrispConnectorTrigger.node.js"
    script = Path(__file__).with_name("n8n_trigger.cjs")
    seen = ran(node() / "node", script, trigger, service.url, service.key, cwd=package)
    assert json.loads(seen) == [False, True, True, False, True, [["gold"]], True, True, []]


def test_our_trigger_hears_one_event_when_the_editor_listens(
    app: N8n, service: Service, crisp: Crisp, receiver: HTTPServer
) -> None:
    before = len(received(receiver, "/told"))
    waits = app.ask("POST", "/workflows/when/run", json={"triggerToStartFrom": {"name": "When"}})
    assert waits["waitingForWebhook"]
    in_crisp(crisp, "POST", "profile", {"email": "lena@example.com", "person": {"nickname": "Lena"}})
    in_crisp(crisp, "PATCH", "profile/lena@example.com", {"person": {"geolocation": {"city": "Lille"}}})
    until(lambda: len(received(receiver, "/told")) == before + 1, what="the event")
    until(lambda: not subscribed(service, "contact_updated"), what="the end of the subscription")


def test_the_editor_lists_the_nodes_with_their_icons(app: N8n) -> None:
    types = requests.get(f"{app.url}/types/nodes.json", cookies=app.session.cookies, timeout=30).json()
    ours = {each["name"]: each for each in types if each["name"] in (OUR_NODE, OUR_TRIGGER, INSTALLED)}
    assert set(ours) == {OUR_NODE, OUR_TRIGGER, INSTALLED}
    for each in ours.values():
        assert "Marketing" in each["codex"]["categories"]
        for icon in each["iconUrl"].values():
            found = requests.get(f"{app.url}/{icon}", cookies=app.session.cookies, timeout=10)
            assert found.headers["Content-Type"].startswith("image/svg")
