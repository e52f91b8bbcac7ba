"""The examples of the OpenAPI document are true: each fits its schema, and each request is understood by a service."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.api.file_examples import CRISP_READY, FAILED, FILE, FOUND
from connector.api.shapes import OUTCOME
from connector.api.shapes import WEBSITE as SAMPLE
from connector.ids import new_id
from connector.ledger import deliveries
from tests.app.openapi import document, resolved, unfit
from tests.app.stack import WEBSITE, Stack, finished
from tests.hooks.receiving import Receiver, receiving

ORDER = ("post", "get", "put", "patch", "delete")
# Requests that are understood and are not done here, for what they name is not there, or because of how it stands.
NOT_DONE = {
    "add_connection": {"credential_refused"},
    "set_up": {"setup_done"},
    "import_a_file": {"url_failed", "url_not_file"},
    "preview_a_file": {"url_failed", "url_not_file"},
    "add_subscription": {"target_refused"},
    "change_subscription": {"target_refused"},
    "receive_hook": {"hook_of_another"},
    "pull_inbound": {"pull_unset"},
    "preview_pull": {"pull_unset"},
    # The example is about Notion's pages, the address that is there is for a sheet.
    "change_inbound": {"parameter_invalid"},
    "test_sink": {"sink_unreachable"},
    "pause_import": {"import_state"},
    "resume_import": {"import_state"},
    "cancel_import": {"import_state"},
    "delete_connection": {"confirmation_missing"},
}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"egress_allow": "127.0.0.1", "hook_timeout": 1, "crisp_hook_key": "EXAMPLE"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def operations(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation; those that delete come last."""
    found = [
        (method, path, {**item[method], "places": item.get("parameters", ())})
        for path, item in spec["paths"].items()
        for method in ORDER
        if method in item
    ]
    return iter(sorted(found, key=lambda each: ORDER.index(each[0])))


def shown(spec: dict[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The examples of a media type or a parameter, by name."""
    named = {name: resolved(spec, each) for name, each in told.get("examples", {}).items()}
    values = {name: each.get("value", each.get("externalValue")) for name, each in named.items()}
    return {**values, **({"": told["example"]} if "example" in told else {})}


def parameters(spec: dict[str, Any], operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (resolved(spec, each) for each in (*operation["places"], *operation.get("parameters", ())))


def contents(spec: dict[str, Any], operation: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What is sent and what is answered: `request` or the status, content type, and what is said of it."""
    yield from (("request", *each) for each in operation.get("requestBody", {}).get("content", {}).items())
    for status, answer in operation["responses"].items():
        yield from ((status, *each) for each in resolved(spec, answer)["content"].items())


def test_everything_has_an_example_that_fits_its_schema(stack: Stack) -> None:
    spec = document(stack.app)
    for method, path, operation in operations(spec):
        for status, kind, media in contents(spec, operation):
            examples = shown(spec, media)
            assert examples, f"{method} {path}: {status} {kind}"
            for name, value in examples.items():
                assert unfit(spec, media.get("schema", {}), value) == [], f"{method} {path}: {status} {name}"
        for parameter in parameters(spec, operation):
            where = f"{method} {path}: {parameter['name']}"
            assert parameter["description"], where
            assert unfit(spec, parameter["schema"], parameter["example"]) == [], where


def test_every_field_says_what_it_is(stack: Stack) -> None:
    for name, schema in document(stack.app)["components"]["schemas"].items():
        assert schema.get("description") or schema.get("title"), name
        for key, each in schema.get("properties", {}).items():
            assert each.get("description"), f"{name}.{key}"


class Things:
    """One of everything that an operation can name, and how to ask for it."""

    def __init__(self, stack: Stack, receiver: Receiver) -> None:
        self.spec, self.api, self.stack = document(stack.app), stack.client(), stack
        self.api.post("/v1/contacts", json={"email": "ada@example.com"})
        batch = self.api.post("/v1/imports", data={"file": (io.BytesIO(FILE.encode()), "contacts.csv")})
        hook = {"event": "contact_created", "target_url": f"{receiver.url}/hook"}
        token = {"client_id": "i", "client_secret": "s", "refresh_token": "r"}
        sheet = {"kind": "google_sheets", "events": ["contact_created"], "options": {"spreadsheet": "1" * 44}}
        self.ids = {
            "who": "ada@example.com",
            "outcome_id": self.api.get("/v1/outcomes").get_json()[0]["outcome_id"],
            "import_id": finished(self.api, batch.get_json()["import_id"])["id"],
            "name": self.api.put("/v1/mappings/crm", json={"email": "email"}).get_json()["name"],
            "key_id": self.api.post("/v1/keys", json={}).get_json()["id"],
            "connection_id": WEBSITE,
            "subscription_id": self.api.post("/v1/subscriptions", json=hook).get_json()["id"],
            "sink_id": self.api.post("/v1/sinks", json={**sheet, "credential": token}).get_json()["id"],
            "inbound_id": self.api.post("/v1/inbound", json={"source": "google_sheets"}).get_json()["id"],
            "source": "google_sheets",
        }
        self.ids["delivery_id"] = self._delivery()

    def _delivery(self) -> str:
        told: dict[str, Any] = {"event_id": new_id(), "event": "contact_created", "own": False, "who": "", "now": 1}
        with self.stack.services.ledger.write() as connection:
            deliveries.tell(connection, WEBSITE, **told, payload={"id": "e"})
        found: str = self.api.get("/v1/deliveries").get_json()[0]["id"]
        return found

    def ask(self, method: str, path: str, operation: Mapping[str, Any], **sent: Any) -> TestResponse:
        """A request with the example of each part of its address that is not one of these things."""
        examples = {each["name"]: each["example"] for each in operation["places"]}
        query = {"key": "EXAMPLE"} if operation["operationId"] == "receive_hook" else {}
        address = path.format(**{**examples, **self.ids})
        return self.api.open(address, method=method, query_string={**query, **sent.pop("query", {})}, **sent)

    def requests(self, operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Each example of what is sent; of an operation without a body, one request without."""
        bodies = operation.get("requestBody", {}).get("content", {})
        for kind, media in bodies.items():
            for value in shown(self.spec, media).values():
                yield {"json": value} if kind == "application/json" else _form(value)
        if not bodies:
            yield {}


def _form(value: Mapping[str, Any]) -> dict[str, Any]:
    file = (io.BytesIO(value["file"].encode()), FOUND["file"]["name"])
    return {"data": {**value, "file": file}, "content_type": "multipart/form-data"}


@pytest.fixture
def things(stack: Stack, receiver: Receiver) -> Things:
    return Things(stack, receiver)


def code_of(answer: TestResponse) -> str | None:
    code: str | None = json.loads(answer.data)["code"] if answer.status_code >= 400 else None
    return code


def test_every_request_is_understood(things: Things) -> None:
    """And done, or not done for want of what it names. The client compares every answer with the document."""
    for method, path, operation in operations(things.spec):
        for sent in things.requests(operation):
            answer = things.ask(method, path, operation, **sent)
            code, name = code_of(answer), operation["operationId"]
            assert code is None or code in NOT_DONE.get(name, set()), (
                f"{name}: {sent} → {answer.get_data(as_text=True)}"
            )


def test_every_parameter_is_taken(things: Things) -> None:
    """By itself, for together some of them say that something else was sent."""
    bad = {"parameter_invalid", "request_invalid", "server_error"}
    for method, path, operation in operations(things.spec):
        for parameter in parameters(things.spec, operation):
            place, name, value = (parameter[key] for key in ("in", "name", "example"))
            told: dict[str, Any] = {"query": {"query": {name: value}}, "header": {"headers": {name: value}}}.get(
                place, {}
            )
            if method == "get" or place == "header":
                for sent in things.requests(operation):
                    assert code_of(things.ask(method, path, operation, **sent, **told)) not in bad, (path, name)


def test_files_are_shown_as_they_are(api: FlaskClient) -> None:
    """What a preview says of the file, what comes back of one that failed, and what of one for Crisp's own import."""
    file = {"file": (io.BytesIO(FILE.encode()), FOUND["file"]["name"])}
    seen = api.post("/v1/imports/preview", data=file).get_json()
    assert {name: seen[name] for name in FOUND} == json.loads(json.dumps(FOUND).replace(SAMPLE, WEBSITE))
    wrong = FILE.replace("ada@example.com", "ada.example.com") + "ok@example.com,Ok,Ok\r\n"
    sent = api.post("/v1/imports", data={"file": (io.BytesIO(wrong.encode()), "contacts.csv")}).get_json()
    failed = api.get(f"/v1/imports/{sent['import_id']}/failures.csv")
    assert failed.get_data(as_text=True) == FAILED
    told = api.post("/v1/contacts/batch", json=[OUTCOME["contact"]]).get_json()
    assert api.get(f"/v1/imports/{told['import_id']}/crisp.csv").get_data(as_text=True) == CRISP_READY
