"""Packages of no-code platforms: what is committed is what the manifests say, and a service hands out its own."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector import packages
from connector.app import openapi
from connector.errors import CODES
from connector.manifest import manifests_root, shipped
from connector.platforms import registry
from tests.app.stack import problem

ROOT = Path(str(manifests_root()))


@pytest.mark.parametrize("platform", registry())
def test_what_is_committed_is_what_the_manifests_say(platform: str) -> None:
    """`crisp-connector manifests build` writes it anew."""
    built = registry()[platform].build(packages.told(shipped(), openapi()))
    assert packages.compare(ROOT / "platforms" / platform, built) == packages.Compared((), (), ())


def test_what_is_counted_is_looked_up_in_each_package() -> None:
    every = (len(shipped().actions), len(shipped().triggers), len(shipped().fields))
    found = {
        key: tuple(each)
        for key, each in packages.counts(packages.packages(packages.told(shipped(), openapi()))).items()
    }
    assert found["zapier"] == found["n8n"] == found["make"] == every
    # To create is the same address as to create or update: Swagger 2.0 has one operation for both.
    assert found["power_automate"] == (every[0] - 1, *every[1:])
    assert found["openapi"][0] > every[0]
    assert found["openapi"][1:] == every[1:]
    assert found["web_sdk"][:2] == (0, 0)
    assert found["google_sheets"] == (1, 0, every[2])


def test_nothing_is_committed_of_a_platform_that_is_none() -> None:
    assert sorted(each.name for each in (ROOT / "platforms").iterdir()) == sorted(registry())


def test_every_error_is_declared() -> None:
    assert (ROOT / "errors.json").read_bytes() == packages.errors()
    assert [each["code"] for each in json.loads(packages.errors())["errors"]] == list(CODES)


def files(api: FlaskClient, platform: str) -> Iterator[tuple[str, str]]:
    answer = api.get(f"/manifests/{platform}")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        yield from ((name, archive.read(name).decode("utf-8", "replace")) for name in archive.namelist())


@pytest.mark.parametrize("platform", registry())
def test_a_service_hands_out_packages_with_its_own_address(api: FlaskClient, platform: str) -> None:
    found = dict(files(api, platform))
    assert sorted(found) == sorted(packages.packages(packages.told(shipped(), openapi()))[platform])
    assert not [name for name, text in found.items() if "connector.example.com" in text]


def test_whoever_unpacks_a_package_may_read_it(api: FlaskClient) -> None:
    with zipfile.ZipFile(io.BytesIO(api.get("/manifests/n8n").data)) as archive:
        assert {each.external_attr >> 16 for each in archive.infolist()} == {0o644}


def test_a_package_that_is_published_brings_our_licence() -> None:
    assert (ROOT / "platforms" / "n8n" / "LICENSE").read_bytes() == (ROOT.parent / "LICENSE").read_bytes()


@pytest.mark.parametrize("platform", ["zapier", "n8n", "make", "power_automate"])
def test_what_an_action_does_with_a_field_of_its_own_is_told(platform: str) -> None:
    """To update a contact with another address renames it."""
    built = registry()[platform].build(packages.told(shipped(), openapi()))
    renames = shipped().actions["update_contact"].helps["email"].removesuffix(".").encode()
    assert any(renames in content for path, content in built.items() if path.endswith(".json"))


def test_an_outcome_is_told_of_all_that_was_understood_and_a_person_of_what_crisp_has() -> None:
    told = packages.told(shipped(), openapi())
    understood, person = ({row["key"] for row in told.rows_of(name)} for name in ("understood", "person"))
    assert understood - person == {key for key, field in shipped().fields.items() if field.crisp_path is None}
    for key, trigger in shipped().triggers.items():
        of = {row["key"]: row.get("of") for row in told.event_of(trigger)}
        within = {row["key"] for row in told.rows_of(of["data"])} if of["data"] else set(trigger.sample.get("data", ()))
        assert set(trigger.sample["contact"]) <= {row["key"] for row in told.rows_of(str(of["contact"]))}, key
        assert set(trigger.sample.get("data", ())) == within, key


def test_the_list_names_them_all(api: FlaskClient) -> None:
    listed = api.get("/manifests").get_json()
    assert [each["key"] for each in listed] == list(registry())
    assert "openapi" in problem(api.get("/manifests/netscape"), 404, "platform_unknown")["message"]


def test_the_schemas_of_the_declarations_are_public(api: FlaskClient) -> None:
    for path in (ROOT / "schema").iterdir():
        for name in (path.name, path.name.partition(".")[0]):
            assert json.loads(api.get(f"/manifests/schema/{name}").data) == json.loads(path.read_text())
    problem(api.get("/manifests/schema/nothing"), 404, "schema_unknown")
