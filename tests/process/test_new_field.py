"""Declare once: a field that is added to `fields.json` is everywhere, with no other edit."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.platforms import registry
from tests.process.running import Crisp, Service, copied, running

FIELD: dict[str, Any] = {
    "key": "company_legal_name",
    "label": "Company Legal Name",
    "type": "string",
    "help": "The name under which the company is registered.",
    "example": "Analytical Engines Ltd",
    "crisp": {"path": "company.legal_name", "form": "plain"},
    "convert": "text",
    "max_length": 12,
    "clears_on": [],
    "aliases": {"en": ["legal name"], "fr": ["dénomination légale"]},
}


@pytest.fixture(scope="module")
def service(sandbox: Crisp, folder: Path) -> Iterator[Service]:
    """The service with one more field, and nothing else changed."""
    code = copied(folder / "code")
    declared = code / "manifests" / "fields.json"
    read = json.loads(declared.read_text())
    assert FIELD["key"] not in {field["key"] for field in read["fields"]}
    read["fields"].append(FIELD)
    declared.write_text(json.dumps(read))
    env = {**sandbox.env, "CONNECTOR_DATA_DIR": str(folder / "data")}
    with running("serve", "--port", "0", "--json", env=env, folder=folder, cwd=code) as process:
        yield Service(process.url)


def test_it_is_translated_checked_and_written(service: Service, crisp: Crisp) -> None:
    sent = {"email": "ada@example.com", "Dénomination légale": " Engines Ltd "}
    answer = service.post("/v1/contacts", json=sent).json()
    assert (answer["status"], answer["contact"][FIELD["key"]]) == ("created", "Engines Ltd")
    assert FIELD["key"] in answer["changed"]
    assert crisp.people()["ada@example.com"]["company"] == {"legal_name": "Engines Ltd"}
    assert service.get("/v1/contacts/ada@example.com").json()[FIELD["key"]] == "Engines Ltd"
    changed = service.post("/v1/contacts", json={**sent, "Dénomination légale": "A name that is too long"}).json()
    assert (changed["contact"][FIELD["key"]], changed["changed"]) == ("A name that", [FIELD["key"]])
    assert [(note["code"], note["field"]) for note in changed["notes"]] == [("value_truncated", FIELD["key"])]
    nested = {"email": "ada@example.com", "company": {"legal_name": "Other"}}
    assert service.post("/v1/contacts", json=nested).json()["changed"] == [FIELD["key"]]


def test_the_preview_shows_where_it_goes(service: Service, crisp: Crisp) -> None:
    seen = service.post("/v1/preview", json={"email": "new@example.com", "legal name": "Ltd"}).json()
    assert seen["records"][0]["plan"][0]["body"]["company"] == {"legal_name": "Ltd"}
    assert crisp.calls == 0


@pytest.mark.parametrize("dialect", ["zapier", "n8n", "make", "jsonschema"])
def test_every_form_has_it(service: Service, crisp: Crisp, dialect: str) -> None:
    form = service.get("/v1/fields", params={"format": dialect}).json()
    if dialect == "jsonschema":
        shown = form["schema"]["properties"][FIELD["key"]]
        assert (shown["title"], shown["description"]) == (FIELD["label"], FIELD["help"])
        return
    key, about = ("value", "description") if dialect == "n8n" else ("name" if dialect == "make" else "key", "")
    [shown] = [each for each in form if each[key] == FIELD["key"]]
    assert FIELD["label"] in shown.values()
    assert shown[about or ("helpText" if dialect == "zapier" else "help")] == FIELD["help"]


def test_the_documentation_has_it(service: Service) -> None:
    spec = requests.get(f"{service.url}/openapi.json", timeout=10).json()
    body = spec["paths"]["/v1/contacts"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    fields = {"$ref": "#/components/schemas/ContactFields"}
    assert spec["components"]["schemas"]["ContactFields"]["properties"][FIELD["key"]]["description"] == FIELD["help"]
    assert fields in body["anyOf"]
    answered = spec["paths"]["/v1/contacts/{who}"]["get"]["responses"]["200"]["content"]["application/json"]
    assert fields in answered["schema"]["allOf"]
    page = requests.get(f"{service.url}/docs", timeout=10).text
    assert FIELD["key"] in page
    assert FIELD["help"] in page


@pytest.mark.parametrize(
    "platform", [each for each in registry() if each != "web_sdk"]
)  # Crisp's page has fixed fields
def test_every_package_has_it(service: Service, platform: str) -> None:
    sent = requests.get(f"{service.url}/manifests/{platform}", timeout=20)
    with zipfile.ZipFile(io.BytesIO(sent.content)) as package:
        texts = [package.read(name).decode("utf-8", "replace") for name in package.namelist()]
    help_ = FIELD["help"].rstrip(".")  # n8n wants no stop at the end
    assert any(FIELD["key"] in text and help_ in text for text in texts)


def test_a_mapping_may_name_it(service: Service, crisp: Crisp) -> None:
    sent = {"mapping": {"email": "Who", FIELD["key"]: "Firm"}, "record": {"Who": "ada@example.com", "Firm": "Ltd"}}
    assert service.post("/v1/contacts", json=sent).json()["contact"][FIELD["key"]] == "Ltd"
