"""Connections and `doctor`: what is wrong is found, and what is said to mend it mends it."""

import json
import sys
from pathlib import Path
from typing import Any

import requests

from tests.process.commands import Env, people, refused, result, written
from tests.process.running import Crisp, Service, run, running, together, until

# A key is asked for at the terminal, if there is one: here it must come from stdin.
_DETACHED = "import os, runpy; os.setsid(); runpy.run_module('connector', run_name='__main__')"
WITHOUT_TERMINAL = (sys.executable, "-c", _DETACHED)


def test_connections_are_added_chosen_and_removed(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    said = crisp.running.said
    alone = {key: env[key] for key in ("CONNECTOR_DATA_DIR", "CRISP_API_URL")}
    one = written(tmp_path / "one.json", people(1))
    nobody, none = together(lambda: refused("send", one, env=alone), lambda: result("connect", "list", env=alone))
    assert ("No Crisp website is connected." in nobody, none) == (True, [])

    token = ("--identifier", said["identifier"], "--key", said["key"])
    first = result("connect", "add", "--website-id", said["website_id"], *token, "--label", "Main", env=alone)
    assert (first["id"], first["label"]) == (said["website_id"], "Main")
    again, sent = together(
        lambda: result("connect", "add", "--website-id", said["website_id"], *token, env=alone),
        lambda: result("send", one, env=alone),
    )
    assert (again["key"], again["label"]) == (None, "Main"), "it has a key and a label already"
    assert sent["totals"]["created"] == 1, "the only one is meant"

    wrong = refused("connect", "add", "--website-id", "W2", *token, env=alone)
    assert "crisp_website_missing" in wrong
    assert wrong.count("Nothing was stored.") == 1
    assert "--no-check stores it" in wrong
    assert [each["id"] for each in result("connect", "list", env=alone)] == [said["website_id"]]
    assert result("connect", "add", "--website-id", "W2", *token, "--no-check", env=alone)["id"] == "W2"
    several, unknown, chosen = together(
        lambda: refused("send", one, env=alone),
        lambda: refused("send", one, "--connection", "W3", env=alone),
        lambda: result("send", one, "--connection", said["website_id"], env=alone),
    )
    assert "Name one with --connection" in several
    assert "There is no connection W3." in unknown
    assert chosen["totals"]["unchanged"] == 1

    assert result("connect", "remove", "W2", "--yes", env=alone) == {"removed": "W2"}
    gone, left = together(
        lambda: refused("connect", "remove", "W2", "--yes", env=alone),
        lambda: result("connect", "list", env=alone),
    )
    assert "There is no connection W2." in gone
    assert [each["id"] for each in left] == [said["website_id"]]


def test_quota_and_rate_are_said_once_and_stay(env: Env, crisp: Crisp) -> None:
    said = crisp.running.said
    alone = {key: env[key] for key in ("CONNECTOR_DATA_DIR", "CRISP_API_URL")}
    token = ("--website-id", said["website_id"], "--identifier", said["identifier"], "--key", said["key"])
    limits = ("--daily-quota", "1234", "--rate", "7")
    result("connect", "add", *token, *limits, env=alone)
    for more, expected in (((), (1234, 7)), (("--rate", "9"), (1234, 9))):
        result("connect", "add", *token, *more, env=alone)
        [shown] = result("connect", "list", env=alone)
        assert (shown["daily_quota"], shown["rate"]) == expected
    wrong = refused("connect", "add", *token, "--key", "wrong-key", env=alone)
    assert "Nothing was stored" in wrong
    assert "wrong-key" not in wrong
    assert all(each["ok"] for each in result("doctor", env=alone)), "the right credential is still there"
    for odd in (
        ("--rate", "0"),
        ("--daily-quota", "-1"),
        ("--website-id", "a b"),
        ("--identifier", "a:b"),
        ("--label", "a\nb"),
    ):
        ended = run("connect", "add", *token, *odd, env=alone)
        assert (ended.returncode, odd[0] in ended.stderr) == (2, True), ended.stderr
    spaced = run("connect", "add", *token, "--key", "zebra key", env=alone)
    assert (spaced.returncode, "zebra" in spaced.stderr) == (2, False), spaced.stderr


def test_the_key_of_the_environment_is_one_websites_alone(env: Env, crisp: Crisp) -> None:
    token = ("--identifier", "I", "--key", "K", "--no-check")
    assert result("connect", "list", env=env)[0]["keys"][0]["label"] == "CONNECTOR_API_KEY"
    second = result("connect", "add", "--website-id", "W2", *token, env=env)
    assert second["key"] != env["CONNECTOR_API_KEY"]
    assert second["key"].startswith("ck_")


def test_the_crisp_key_of_the_environment_is_that_websites_alone(env: Env, crisp: Crisp) -> None:
    token = ("--identifier", env["CRISP_IDENTIFIER"], "--no-check")
    for typed, code in (("", 1), ("K\n", 0)):
        asked = run("connect", "add", "--website-id", "W2", *token, env=env, stdin=typed, program=WITHOUT_TERMINAL)
        assert (asked.returncode, "Token key" in asked.stderr) == (code, True), asked.stderr
        assert "Traceback" not in asked.stderr
    alone = {key: env[key] for key in ("CONNECTOR_DATA_DIR", "CRISP_API_URL", "CRISP_KEY")}
    assert "CRISP_WEBSITE_ID" in refused("connect", "list", env=alone), "of which website it is, nobody said"
    own = run(
        "connect", "add", "--website-id", env["CRISP_WEBSITE_ID"], *token, env=env, stdin="", program=WITHOUT_TERMINAL
    )
    assert (own.returncode, "Token key" in own.stderr) == (0, False), own.stderr


def test_a_command_with_an_older_environment_puts_nothing_back(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    """The key was replaced over HTTP; the container still has the old one, until it is made anew."""
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        service = Service(process.url)
        crisp.set(key="the-second-key")
        path = f"/v1/connections/{env['CRISP_WEBSITE_ID']}"
        token = {"identifier": env["CRISP_IDENTIFIER"], "key": "the-second-key"}
        changed = requests.patch(process.url + path, json=token, headers={"X-API-Key": service.key}, timeout=20)
        assert (changed.status_code, changed.json()["halted"]) == (200, None), changed.text
        listed, found, sent = together(
            lambda: result("connect", "list", env=env),
            lambda: result("doctor", env=env),
            lambda: result("preview", written(tmp_path / "one.json", people(1)), env=env),
        )
        assert (listed[0]["halted"], finding(found, "credential")["ok"]) == (None, True)
        assert sent["totals"]["created"] == 1
        delivered = service.post("/v1/contacts", json={"email": "ada@example.com"})
        assert (delivered.status_code, delivered.json()["status"]) == (200, "created")


def test_the_tier_stays_unless_it_is_said(env: Env, crisp: Crisp) -> None:
    alone = {key: env[key] for key in ("CONNECTOR_DATA_DIR", "CRISP_API_URL")}
    token = ("--website-id", "W2", "--identifier", "I", "--key", "K", "--no-check")
    for said, expected in (
        ((), ("website", 10_000)),
        (("--tier", "plugin"), ("plugin", 5_000)),
        (("--label", "Second"), ("plugin", 5_000)),
        (("--tier", "website"), ("website", 10_000)),
    ):
        result("connect", "add", *token, *said, env=alone)
        [shown] = result("connect", "list", env=alone)
        assert (shown["tier"], shown["daily_quota"]) == expected


def test_a_variable_that_is_misspelt_is_told_and_stops_nothing(env: Env) -> None:
    ended = run("connect", "list", "--json", env={**env, "CONNECTOR_DATADIR": "zebra"})
    assert ended.returncode == 0
    assert (
        ended.stderr == "Warning: CONNECTOR_DATADIR is no setting and changes nothing. Is CONNECTOR_DATA_DIR meant?\n"
    )


def finding(found: list[dict[str, Any]], check: str) -> dict[str, Any]:
    """The finding of this check."""
    return next(each for each in found if each["check"].split(" ·")[0] == check)


def test_doctor_finds_what_is_wrong_and_names_the_remedy(env: Env, crisp: Crisp) -> None:
    away = {"CRISP_API_URL": "http://127.0.0.1:9/v1", "CONNECTOR_DATA_DIR": f"{env['CONNECTOR_DATA_DIR']}-2"}
    missing, unreachable, elsewhere = together(
        lambda: result("doctor", env={"CONNECTOR_DATA_DIR": f"{env['CONNECTOR_DATA_DIR']}-1"}, code=1),
        lambda: result("doctor", env={**env, **away}, code=1),
        lambda: result("doctor", env={**env, "CRISP_WEBSITE_ID": "elsewhere"}, code=1),
    )
    assert "CRISP_WEBSITE_ID" in finding(missing, "connections")["remedy"]
    credential = finding(unreachable, "credential")
    assert (credential["found"], "CRISP_API_URL" in credential["remedy"]) == ("crisp_unreachable", True)
    credential = finding(elsewhere, "credential")
    assert (credential["found"], "website id" in credential["remedy"]) == ("crisp_website_missing", True)


def test_an_api_key_that_opens_nothing_yet_is_told_and_stops_nothing(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    alone = {key: env[key] for key in ("CONNECTOR_DATA_DIR", "CRISP_API_URL", "CONNECTOR_API_KEY")}
    told = finding(result("doctor", env=alone, code=1), "API key")
    assert (told["ok"], "CRISP_WEBSITE_ID" in told["found"]) == (True, True)
    with running("work", "--json", env=alone, folder=tmp_path) as process:
        assert "api_key_idle" in process.messages()
    said = crisp.running.said
    token = ("--website-id", said["website_id"], "--identifier", said["identifier"], "--key", said["key"])
    assert result("connect", "add", *token, env=alone)["key"] == env["CONNECTOR_API_KEY"]
    assert "API key" not in [each["check"] for each in result("doctor", env=alone)]


def test_doctor_looks_at_the_queue_and_at_who_delivers(env: Env, crisp: Crisp) -> None:
    well = result("doctor", env=env)
    assert (finding(well, "queue")["found"], finding(well, "workers")["found"]) == ("answers", "none delivers")
    away = {**env, "CONNECTOR_QUEUE_URL": "redis://:hidden-word@127.0.0.1:9/0"}
    ended = run("doctor", "--json", env=away)
    queue = finding(json.loads(ended.stdout), "queue")
    assert (ended.returncode, ended.stderr, queue["ok"]) == (1, "", False)
    assert "CONNECTOR_QUEUE_URL" in queue["remedy"]
    assert "hidden-word" not in ended.stdout


def test_doctor_finds_a_lost_secret_key_and_connecting_again_mends_it(env: Env, crisp: Crisp) -> None:
    assert result("connect", "list", env=env)[0]["halted"] is None
    Path(env["CONNECTOR_DATA_DIR"], "secret.key").unlink()
    stored = {key: env[key] for key in ("CONNECTOR_DATA_DIR", "CRISP_API_URL")}
    lost = finding(result("doctor", env=stored, code=1), "secret key")
    assert "cannot be opened" in lost["found"]
    assert lost["remedy"] == "Give back the old key, or the credential again: crisp-connector connect add"
    assert not Path(env["CONNECTOR_DATA_DIR"], "secret.key").exists()
    said = crisp.running.said
    token = ("--website-id", said["website_id"], "--identifier", said["identifier"], "--key", said["key"])
    assert result("connect", "list", env=stored)[0]["halted"] == "credential_unreadable"
    result("connect", "add", *token, env=stored)
    shown = run("doctor", env=stored)
    assert (shown.returncode, shown.stderr) == (0, ""), shown.stdout
    assert "Crisp accepts it" in shown.stdout


def test_send_ends_with_4_while_halted_and_doctor_ends_the_halt(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    crisp.set(key="another")
    ended = run("send", written(tmp_path / "three.json", people(3)), "--json", env=env)
    assert ended.returncode == 4
    assert json.loads(ended.stdout)["totals"]["waiting"] == 3
    assert "crisp-connector doctor" in ended.stderr
    wrong = next(each for each in result("doctor", env=env, code=1) if not each["ok"])
    assert (wrong["check"].split()[0], wrong["found"]) == ("credential", "crisp_credential_refused")
    assert "crisp-connector connect add" in wrong["remedy"]
    assert result("connect", "list", env=env)[0]["halted"] == "crisp_credential_refused"

    crisp.set(key=env["CRISP_KEY"])
    well = result("doctor", env=env, code=1)
    assert [each["check"] for each in well if not each["ok"]] == ["workers"], "they wait, and nobody delivers"
    assert "work goes on" in next(each["found"] for each in well if each["check"].startswith("credential"))
    assert result("send", written(tmp_path / "one.json", people(4)), env=env)["totals"]["waiting"] == 0
    until(lambda: len(crisp.people()) == 4, 2, "the delivery of what had waited")
