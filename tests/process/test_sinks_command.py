"""`sinks`: added, listed, looked at, changed and removed from the command line, in the API's words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.sheets import SPREADSHEET
from tests.process.commands import Env, refused, result
from tests.process.running import Service, run, running
from tests.sinks.google import CLIENT_EMAIL, Google, google, service_account

MISSING = "019f1c2ab3c4000001d5e6f708192a3b"
ADD = ("sinks", "add", "google_sheets", "--event", "contact_created", "--option", f"spreadsheet={SPREADSHEET}")


@pytest.fixture(scope="module")
def standing_in() -> Iterator[Google]:
    with google() as found:
        yield found


@pytest.fixture
def sheets(standing_in: Google) -> Google:
    standing_in.switch(reset=True)
    return standing_in


@pytest.fixture
def env(env: Env, sheets: Google) -> Env:
    return {**env, "CONNECTOR_GOOGLE_API_URL": sheets.url}


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "key.json"
    path.write_text(service_account())
    return str(path)


def test_a_sink_from_its_first_day_to_its_last(env: Env, sheets: Google, key: str) -> None:
    sheets.fill(["E-mail", "City"])
    more = ("--event", "contact_updated", "--option", "mode=upsert", "--option", 'columns=["Email"]', "--label", "Ours")
    made = result(*ADD, *more, "--credential", key, env=env)
    assert (made["events"], made["label"], made["enabled"]) == (["contact_created", "contact_updated"], "Ours", True)
    assert (made["options"]["mode"], made["options"]["columns"]) == ("upsert", ["Email"])
    assert "PRIVATE KEY" not in str(made)

    assert result("sinks", "test", made["id"], env=env)["key_column"] == "E-mail"
    sheets.switch(shared=False)
    told = refused("sinks", "test", made["id"], env=env)
    assert f"Share the sheet with {CLIENT_EMAIL} as an editor." in told

    options = ("--option", "mode=append", "--option", "columns=", "--disable")
    changed = result("sinks", "change", made["id"], *options, env=env)
    assert (changed["options"], changed["disabled_reason"]) == (
        {"spreadsheet": SPREADSHEET, "sheet": None, "mode": "append", "key_column": None, "columns": []},
        "switched_off",
    )
    assert result("sinks", "list", env=env) == [changed]
    assert "disabled: switched_off" in run("sinks", "list", env=env).stdout
    assert result("sinks", "change", made["id"], "--enable", "--label", "x", env=env)["enabled"]

    assert result("sinks", "remove", made["id"], env=env) == {"deleted": True, "id": made["id"]}
    assert "There is no sink" in refused("sinks", "remove", made["id"], env=env)
    assert result("sinks", "list", env=env) == []


def test_it_is_the_same_over_http(env: Env, tmp_path: Path) -> None:
    made = result(*ADD, "--credential", "-", env=env, stdin=service_account())
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        assert Service(process.url).get(f"/v1/sinks/{made['id']}").json() == made


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--option", "mode=x"), "options.mode"),
        (("--option", "colour=red"), "There is no such option."),
        (("--option", "spreadsheet=mine"), "options.spreadsheet"),
    ],
)
def test_what_makes_no_sense_is_told_field_by_field(env: Env, key: str, more: tuple[str, ...], words: str) -> None:
    assert words in refused(*ADD, *more, "--credential", key, env=env)
    assert result("sinks", "list", env=env) == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (ADD, "--credential"),
        ((*ADD[:3], "--credential", "-"), "--event"),
        ((*ADD, "--option", "mode", "--credential", "-"), "NAME=VALUE"),
        ((*ADD, "--label", "a\nb", "--credential", "-"), "without line breaks"),
        ((*ADD, "--credential", "/nowhere/key.json"), "cannot be read: No such file"),
        (("sinks", "add", "excel"), "google_sheets"),
        (("sinks", "change", MISSING), "Name what is to change"),
    ],
)
def test_a_wrong_option_is_told(env: Env, command: tuple[str, ...], words: str) -> None:
    ended = run(*command, env=env, stdin="{}")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert words in ended.stderr


def test_a_credential_is_never_repeated(env: Env) -> None:
    told: Any = run(*ADD, "--credential", "-", env=env, stdin="hunter2-secret")
    assert told.returncode == 1
    assert "credential: It is no JSON" in told.stderr
    assert "hunter2" not in told.stderr + told.stdout
    assert "There is no sink" in refused("sinks", "test", MISSING, env=env)
