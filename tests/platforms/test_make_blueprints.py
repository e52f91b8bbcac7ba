"""Scenarios of Make: whole, of modules that are known, and what they send is understood."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.manifest import manifests_root, shipped
from tests.hooks.receiving import receiving
from tests.platforms.iml import evaluated
from tests.platforms.test_make import built
from tests.process.running import Crisp, Service

SAMPLES = Path(str(manifests_root())) / "samples"
# Modules that are found in public blueprints, with these versions and what is filled in there.
KNOWN = {
    ("gateway:CustomWebHook", 1): {"hook", "maxResults"},
    ("json:TransformToJSON", 1): {"space"},
    ("http:MakeRequest", 4): {"authenticationType", "tlsType"},
    ("google-sheets:addRow", 2): {"__IMTCONN__"},
    ("google-sheets:watchRows", 2): {
        "__IMTCONN__",
        "mode",
        "from",
        "spreadsheetId",
        "sheetId",
        "includesHeaders",
        "tableFirstRow",
        "limit",
        "valueRenderOption",
        "dateTimeRenderOption",
    },
}


def blueprints(address: str = "https://crisp.example.org") -> dict[str, dict[str, Any]]:
    files = {path: content for path, content in built(address).items() if path.startswith("blueprints/")}
    return {Path(path).stem: json.loads(content) for path, content in files.items()}


@pytest.mark.parametrize("name", blueprints())
def test_a_scenario_is_whole_and_of_known_modules(name: str) -> None:
    found = blueprints()[name]
    assert {"name", "flow", "metadata"} == set(found)
    assert [each["id"] for each in found["flow"]] == list(range(1, len(found["flow"]) + 1))
    for each in found["flow"]:
        assert set(each["parameters"]) == KNOWN[each["module"], each["version"]]
        assert set(each["metadata"]["designer"]) == {"x", "y", "name"}
        if each["module"] == "http:MakeRequest":
            assert each["mapper"]["url"].startswith("https://crisp.example.org/v1/")
            assert {"name": "Authorization", "value": "Bearer YOUR_KEY"} in each["mapper"]["headers"]
    assert found["metadata"]["instant"] == (found["flow"][0]["module"] == "gateway:CustomWebHook")


def ran(service: Service, name: str, first: dict[str, Any]) -> requests.Response:
    """What the service answers when the first module of a scenario brought this."""
    facts: dict[str, Any] = {"1": first}
    [*between, last] = blueprints(service.url)[name]["flow"][1:]
    for each in between:
        assert each["module"] == "json:TransformToJSON"
        facts[str(each["id"])] = {"json": json.dumps(evaluated(each["mapper"]["object"], facts))}
    return sent(service, last, facts)


def sent(service: Service, module: dict[str, Any], facts: dict[str, Any]) -> requests.Response:
    mapper = evaluated(module["mapper"], facts)
    headers = {each["name"]: each["value"].replace("YOUR_KEY", service.key) for each in mapper["headers"]}
    body: Any
    if mapper["contentType"] == "json":
        body, headers["Content-Type"] = mapper["jsonStringBodyContent"].encode(), "application/json"
    else:
        body = {each["name"]: each.get("value", "") for each in mapper["urlEncodedBodyContent"]}
    asked = {each["name"]: each["value"] for each in mapper["queryParameters"]}
    return requests.request(mapper["method"], mapper["url"], params=asked, data=body, headers=headers, timeout=40)


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("notion_to_crisp", "notion/automation_webhook"),
        ("dynamics_to_crisp", "dynamics/webhook_create_contact"),
        ("dynamics_to_crisp", "dynamics/webhook_update_contact"),
    ],
)
def test_what_a_system_sends_becomes_the_contact_that_it_should(
    service: Service, crisp: Crisp, name: str, sample: str
) -> None:
    payload, expected = (json.loads((SAMPLES / f"{sample}{end}.json").read_text()) for end in ("", ".contact"))
    answer = ran(service, name, payload)
    assert answer.status_code == 200, answer.text
    assert answer.json()["source"] == sample.partition("/")[0]
    assert answer.json()["contact"] == expected["records"][0]["contact"]


def test_a_row_of_a_sheet_becomes_a_contact(service: Service, crisp: Crisp) -> None:
    row = {
        "0": "row@example.com",
        "1": 'Ada "the first" Lovelace',
        "2": "+33 6 39 98 12 34",
        "3": "A & B",
        "5": "Nantes",
    }
    told = ran(service, "google_sheets_to_crisp", row).json()
    assert (told["status"], told["contact"]["full_name"]) == ("created", row["1"])
    assert (told["contact"]["phone"], told["contact"]["company_name"]) == ("+33639981234", "A & B")


def test_a_form_becomes_a_contact(service: Service, crisp: Crisp) -> None:
    answers = {"email": "form@example.com", "full_name": "Ada", "phone": "", "description": 'Says "hello",\nand more.'}
    told = ran(service, "form_to_crisp", answers).json()
    assert (told["status"], told["contact"]["description"]) == ("created", answers["description"])


@pytest.mark.parametrize(
    ("name", "trigger"), [("crisp_to_google_sheets", "contact_created"), ("failures_report", "record_rejected")]
)
def test_what_is_told_fills_a_row(name: str, trigger: str) -> None:
    sample = dict(shipped().triggers[trigger].sample)
    values = evaluated(blueprints()[name]["flow"][1]["mapper"]["values"], {"1": sample})
    assert values["0"] == sample["occurred_at"]
    assert "ada@example.com" in values.values()
    assert trigger in blueprints()[name]["flow"][0]["metadata"]["designer"]["name"]
    assert len(values) >= 6


def test_a_webhook_is_subscribed(service: Service, crisp: Crisp) -> None:
    [module] = blueprints(service.url)["subscribe"]["flow"]
    with receiving() as receiver:
        text = module["mapper"]["jsonStringBodyContent"].replace("ADDRESS OF THE WEBHOOK", f"{receiver.url}/make")
        module["mapper"]["jsonStringBodyContent"] = text
        assert sent(service, module, {}).status_code == 201
