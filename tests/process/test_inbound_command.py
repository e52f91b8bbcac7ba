"""`inbound`: addresses made, listed, changed, rotated and removed from the command line, in the API's words."""

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.process.commands import Env, refused, result, written
from tests.process.running import Service, run, running, until

MISSING = "019f1c2ab3c4000001d5e6f708192a3b"
DATABASE = "1f0c9d0e7a4b4f6e8d2c3b4a5f6e7d8c"


@pytest.fixture
def env(env: Env) -> Env:
    return {**env, "CONNECTOR_PUBLIC_URL": "https://connector.example.com"}


def test_an_address_from_its_first_day_to_its_last(env: Env, tmp_path: Path) -> None:
    mapping = written(tmp_path / "mapping.json", {"email": "Courriel"})
    how = ("--label", "Form", "--country", "fr", "--timezone", "Europe/Paris", "--mapping", mapping)
    made = result("inbound", "add", "generic", *how, env=env)
    assert made["url"] == f"https://connector.example.com/in/generic/{made['id']}"
    assert (made["label"], made["country"], made["mapping"]) == ("Form", "FR", {"email": ["Courriel"]})
    secret = made.pop("secret")
    assert result("inbound", "show", made["id"], env=env) == made
    assert result("inbound", "list", env=env) == [made]

    changed = result("inbound", "change", made["id"], "--mode", "update", "--without", "country", env=env)
    assert (changed["mode"], changed["country"], changed["timezone"]) == ("update", None, "Europe/Paris")

    rotated = result("inbound", "rotate", made["id"], env=env)
    assert rotated["secret"] != secret
    assert rotated["old_secret_until"] is not None

    shown = run("inbound", "show", made["id"], env=env).stdout
    assert f"1. Send each record as JSON, with POST, to: {made['url']}" in shown
    assert secret not in shown
    assert made["id"] in run("inbound", "list", env=env).stdout
    assert result("inbound", "remove", made["id"], env=env) == {"deleted": True, "id": made["id"]}
    assert "There is no inbound address" in refused("inbound", "show", made["id"], env=env)


def test_what_came_to_it_is_told(env: Env, tmp_path: Path) -> None:
    made = result("inbound", "add", "generic", env=env)
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        shown = Service(process.url).get(f"/v1/inbound/{made['id']}").json()
        assert shown == {name: value for name, value in made.items() if name != "secret"}
        url = f"{process.url}/in/generic/{made['id']}?key={made['secret']}"
        assert requests.post(url, json={"email": "ada@example.com"}, timeout=10).ok

        def accepted() -> Any:
            [came] = result("inbound", "arrivals", made["id"], env=env)
            return came if came["outcome"] == "accepted" else None

        came = until(accepted, 20, "the arrival")
    assert came["outcome_id"] is not None
    assert "accepted" in run("inbound", "arrivals", made["id"], env=env).stdout


def test_a_secret_that_the_other_system_made(env: Env, tmp_path: Path) -> None:
    secret = "vendor, made & it"
    made = result("inbound", "add", "generic", "--secret", "-", env=env, stdin=f"{secret}\n")
    assert made["secret"] == secret
    (file := tmp_path / "secret").write_text("another secret\n")
    changed = result("inbound", "change", made["id"], "--secret", str(file), env=env)
    assert changed["old_secret_until"] is not None
    short = run("inbound", "add", "generic", "--secret", "-", env=env, stdin="short")
    assert (short.returncode, short.stdout) == (1, "")
    assert "secret: It must be" in short.stderr
    assert "short" not in short.stderr


def test_a_way_of_signing(env: Env) -> None:
    made = result("inbound", "add", "generic", "--signature", "X-Module-Hmac:sha512:base64", env=env)
    assert made["signature"] == {"header": "x-module-hmac", "algorithm": "sha512", "encoding": "base64"}
    changed = result("inbound", "change", made["id"], "--signature", "X-Hmac", env=env)
    assert changed["signature"] == {"header": "x-hmac", "algorithm": "sha256", "encoding": "hex"}
    wrong = run("inbound", "add", "generic", "--signature", "X-Hmac:md5", env=env)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "must be one of sha256" in wrong.stderr


def test_what_only_some_sources_have(env: Env) -> None:
    add = ("inbound", "add", "notion", "--credential", "-", "--pull", f"database_id={DATABASE}")
    notion = result(*add, env=env, stdin="ntn_sample_token\n")
    assert (notion["has_credential"], notion["pull"]) == (True, {"database_id": DATABASE})
    assert "ntn_sample_token" not in str(notion)
    sheet = result("inbound", "add", "google_sheets", env=env)
    assert sheet["url"] in run("inbound", "script", sheet["id"], env=env).stdout
    assert "script" in refused("inbound", "script", notion["id"], env=env)
    assert "pull.spreadsheet" in refused("pull", sheet["id"], env=env)


def test_without_a_public_address_it_is_said_what_is_missing(env: Env) -> None:
    env = {**env, "CONNECTOR_PUBLIC_URL": ""}
    made = run("inbound", "add", "generic", "--json", env=env)
    assert "CONNECTOR_PUBLIC_URL is not set" in made.stderr
    assert '"url": "/in/generic/' in made.stdout


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("add", "excel"), "notion"),
        (("add", "generic", "--timezone", "Mars"), "--timezone"),
        (("add", "generic", "--mapping", "/nowhere.json"), "cannot be read: No such file"),
        (("add", "notion", "--credential", "/nowhere"), "cannot be read: No such file"),
        (("change", MISSING), "Name what is to change"),
    ],
)
def test_a_wrong_option_is_told(env: Env, command: tuple[str, ...], words: str) -> None:
    ended = run("inbound", *command, env=env)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr


def test_what_makes_no_sense_is_told_and_no_secret_repeated(env: Env, tmp_path: Path) -> None:
    told = run("inbound", "add", "notion", "--credential", "-", env=env, stdin="a token")
    assert (told.returncode, told.stdout) == (1, "")
    assert "credential: It must be" in told.stderr
    assert "a token" not in told.stderr
    assert "database_id or data_source_id" in refused("inbound", "add", "notion", "--pull", "page_id=1", env=env)
    mapping = written(tmp_path / "mapping.json", {"colour": "x"})
    assert "colour" in refused("inbound", "add", "generic", "--mapping", mapping, env=env)
    assert result("inbound", "list", env=env) == []
