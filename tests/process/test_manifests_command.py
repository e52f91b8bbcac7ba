"""`crisp-connector manifests`: packages in a folder of one's own."""

import json
from pathlib import Path

import pytest

from tests.process.commands import Env, refused, result
from tests.process.running import run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "packages"


def test_what_its_user_added_stays(env: Env, place: Path) -> None:
    """The tools of the platforms leave files there, and Make's list of origins is filled in by hand."""
    to = ("--to", str(place))
    assert {each["platform"] for each in result("manifests", "build", *to, env=env)} >= {"zapier", "make", "n8n"}
    mine = place / "zapier" / ".zapierapprc"
    mine.write_text('{"id": 7}')
    index = place / "make" / "makecomapp.json"
    origins = [{"baseUrl": "https://eu1.make.com/api", "appId": "crisp", "appVersion": 1, "apikeyFile": "../key"}]
    index.write_text(json.dumps({**json.loads(index.read_text()), "origins": origins}))
    (place / "zapier" / "index.js").write_text("changed")
    result("manifests", "build", *to, "--address", "https://crisp.example.org/x/", env=env)
    assert json.loads(index.read_text())["origins"] == origins
    assert mine.read_text() == '{"id": 7}'
    assert "definition.json" in (place / "zapier" / "index.js").read_text()
    checked = result("manifests", "check", *to, "--address", "https://crisp.example.org/x", env=env)
    assert {each["differences"] for each in checked} == {0}


def test_what_cannot_be_read_is_told_and_left(env: Env, place: Path) -> None:
    index = place / "make" / "makecomapp.json"
    index.parent.mkdir(parents=True)
    index.write_text("{")
    told = refused("manifests", "build", "--to", str(place), env=env)
    assert (str(index) in told.replace("\n", ""), "remove it" in told.replace("\n", " ")) == (True, True)
    assert index.read_text() == "{"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "crisp.example.org",
        "ftp://crisp.example.org",
        "https://",
        'https://crisp.example.org/"',
        "https://crisp.example.org/?a=b",
        "https://crisp.example.org/#a",
        "https://me:secret@crisp.example.org",
        "https://crisp.example.org:port",
        "https://crisp.example.org/a b",
    ],
)
def test_an_address_that_is_none_is_refused(env: Env, place: Path, address: str) -> None:
    asked = ("--to", str(place), "--address", address)
    ended = run("manifests", "build", *asked, env=env)
    assert (ended.returncode, "Give an address such as" in ended.stderr) == (2, True), ended.stderr
    assert not place.exists()
