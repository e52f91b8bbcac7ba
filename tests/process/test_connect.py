"""Connections and `doctor`: what is wrong is found, and what is said to mend it mends it."""

import json
from pathlib import Path
from typing import Any

from tests.process.commands import Env, people, refused, result, written
from tests.process.running import Crisp, run, together, until


def test_connections_are_added_chosen_and_removed(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    said = crisp.running.said
    alone = {key: env[key] for key in ("CONNECTOR_DATA_DIR", "CRISP_API_URL")}
    with_key = {**alone, "CRISP_KEY": said["key"]}
    one = written(tmp_path / "one.json", people(1))
    nobody, none = together(lambda: refused("send", one, env=alone), lambda: result("connect", "list", env=alone))
    assert ("No Crisp website is connected." in nobody, none) == (True, [])

    token = ("--identifier", said["identifier"])
    first = result("connect", "add", "--website-id", said["website_id"], *token, "--label", "Main", env=with_key)
    assert (first["id"], first["label"], first["refused"]) == (said["website_id"], "Main", None)
    again, sent = together(
        lambda: result("connect", "add", "--website-id", said["website_id"], *token, env=with_key),
        lambda: result("send", one, env=alone),
    )
    assert (again["key"], again["label"]) == (None, "Main"), "it has a key and a label already"
    assert sent["totals"]["created"] == 1, "the only one is meant"

    wrong = refused("connect", "add", "--website-id", "W2", *token, env=with_key)
    assert "crisp_website_missing" in wrong
    assert "Nothing was stored" in wrong
    assert [each["id"] for each in result("connect", "list", env=alone)] == [said["website_id"]]
    assert result("connect", "add", "--website-id", "W2", *token, "--no-check", env=with_key)["id"] == "W2"
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


def test_doctor_finds_a_lost_secret_key_and_connecting_again_mends_it(env: Env, crisp: Crisp) -> None:
    assert result("connect", "list", env=env)[0]["halted"] is None
    Path(env["CONNECTOR_DATA_DIR"], "secret.key").unlink()
    stored = {key: env[key] for key in ("CONNECTOR_DATA_DIR", "CRISP_API_URL")}
    lost = finding(result("doctor", env=stored, code=1), "secret key")
    assert "cannot be opened" in lost["found"]
    assert lost["remedy"] == "Give back the old key, or connect again."
    said = crisp.running.said
    token = ("--website-id", said["website_id"], "--identifier", said["identifier"])
    assert result("connect", "add", *token, env={**stored, "CRISP_KEY": said["key"]})["refused"] is None
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
    well = result("doctor", env=env)
    assert all(each["ok"] for each in well)
    assert "work goes on" in next(each["found"] for each in well if each["check"].startswith("credential"))
    assert result("send", written(tmp_path / "one.json", people(4)), env=env)["totals"]["waiting"] == 0
    until(lambda: len(crisp.people()) == 4, 2, "the delivery of what had waited")
