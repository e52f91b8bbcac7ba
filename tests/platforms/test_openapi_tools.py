"""The OpenAPI document in the tools of those who read such: Spectral finds nothing in it, examples included."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector import packages
from connector.app import openapi
from connector.manifest import shipped
from connector.platforms import registry
from tests.platforms.tools import installed, node, path, ran


def spectral(folder: Path, document: dict[str, Any]) -> None:
    """Fails when Spectral says anything of a document; what it says is in `found.json`."""
    place = installed("spectral", "--ignore-scripts")
    (folder / "openapi.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    program = place / "node_modules" / "@stoplight" / "spectral-cli" / "dist" / "index.js"
    told = ("--fail-severity", "hint", "--format", "json", "--output", "found.json")
    rules = ("--ruleset", str(place / "ruleset.yaml"))
    ran(node() / "node", program, "lint", "openapi.json", *rules, *told, cwd=folder, PATH=path())


@pytest.fixture
def document() -> dict[str, Any]:
    """The document as it is handed out."""
    built = registry()["openapi"].build(packages.told(shipped(), openapi()))
    read: dict[str, Any] = json.loads(built["openapi.json"])
    return read


def test_spectral_finds_nothing(tmp_path: Path, document: dict[str, Any]) -> None:
    spectral(tmp_path, document)
    assert json.loads((tmp_path / "found.json").read_text()) == []


def test_it_would_find_something(tmp_path: Path, document: dict[str, Any]) -> None:
    """An example that does not fit its schema, that of an error, and what is forbidden by a rule alone."""
    answer = document["paths"]["/v1/me"]["get"]["responses"]["200"]
    answer["content"]["application/json"]["example"]["quota"]["limit"] = "many"
    document["components"]["examples"]["platform_unknown"]["value"]["status"] = "404"
    del document["paths"]["/healthz"]["get"]["operationId"]
    with pytest.raises(AssertionError):
        spectral(tmp_path, document)
    found = {(each["code"], each["path"][1]) for each in json.loads((tmp_path / "found.json").read_text())}
    assert found == {
        ("oas3-valid-media-example", "/v1/me"),
        ("oas3-valid-media-example", "examples"),
        ("operation-operationId", "/healthz"),
    }
