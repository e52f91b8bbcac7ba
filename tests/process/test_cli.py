"""The command line: results on stdout, everything else on stderr, and exit codes that a script can use."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from connector.cli import main
from tests.process.running import KEY, PROGRAM, Crisp, Service, run, running, together, until

Env = dict[str, str]


def every_command(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group, as it is typed."""
    yield path
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("command", list(every_command()), ids=" ".join)
def test_every_command_explains_itself_with_an_example(command: tuple[str, ...]) -> None:
    told = CliRunner().invoke(main, [*command, "--help"], prog_name="crisp-connector")
    assert told.exit_code == 0, told.output
    _, example, rest = told.output.partition("Example:\n")
    assert example, "there is no example"
    assert " ".join(("crisp-connector", *command)) in rest


@pytest.fixture
def env(crisp: Crisp, tmp_path: Path) -> Env:
    """The sandbox as the default connection, and a data directory of the test's own."""
    return {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path / "data"), "CONNECTOR_LOG_LEVEL": "debug"}


def result(*command: str, env: Env, code: int = 0, **more: Any) -> Any:
    """The JSON on stdout of a command that ends with this exit code."""
    ended = run(*command, "--json", env=env, **more)
    assert ended.returncode == code, ended.stderr + ended.stdout
    return json.loads(ended.stdout)


def refused(*command: str, env: Env, **more: Any) -> str:
    """What a command says that ends with 1: one sentence on stderr, nothing on stdout."""
    ended = run(*command, env=env, **more)
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr + ended.stdout
    assert ended.stderr.startswith("Error: "), ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def written(path: Path, value: Any) -> str:
    """A JSON file with this in it."""
    path.write_text(json.dumps(value))
    return str(path)


def people(count: int) -> list[dict[str, str]]:
    """So many records."""
    return [{"email": f"p{number}@example.com", "first_name": "P"} for number in range(count)]


def test_send_a_file_stdin_and_lines(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    sent = result("send", written(tmp_path / "three.json", people(3)), env=env)
    assert (sent["state"], sent["totals"]["created"], sent["failures"]) == ("completed", 3, [])
    lines = "\n".join(json.dumps(each) for each in people(5))
    (tmp_path / "five.ndjson").write_text(lines)
    assert result("send", "-", env=env, stdin=lines)["totals"]["unchanged"] == 3
    again, nothing = together(
        lambda: result("send", str(tmp_path / "five.ndjson"), env=env),
        lambda: result("send", "-", env=env, stdin='{"verification_token": "secret_x"}'),
    )
    assert (again["totals"]["unchanged"], nothing) == (5, {"records": 0})
    assert (len(crisp.people()), crisp.calls) == (5, 5)


def test_send_says_what_failed_and_ends_with_3(env: Env, tmp_path: Path) -> None:
    lines = tmp_path / "some.ndjson"
    wrong = {"email": "nobody", "[/bold] :boom:": "markup"}
    lines.write_text('{"email": "a@example.com"}\n{not json\n' + json.dumps(wrong) + '\n{"name": "Nobody"}\n')
    sent, looked = together(
        lambda: result("send", str(lines), env=env, code=3), lambda: run("preview", str(lines), env=env)
    )
    assert looked.returncode == 0
    assert "[/bold] :boom:" in looked.stdout, "what a user wrote is shown as it was written"
    assert (sent["state"], sent["totals"]["created"]) == ("completed_with_errors", 1)
    told = {each["row"]: (each["status"], each["code"]) for each in sent["failures"]}
    codes = {2: "record_invalid", 3: "email_invalid", 4: "email_missing"}
    assert told == {row: ("rejected", code) for row, code in codes.items()}
    shown = run("send", str(lines), env=env)
    assert shown.returncode == 3
    assert "Error" not in shown.stderr
    assert all(code in shown.stdout for code in codes.values())


def test_send_ends_with_4_while_the_quota_is_used_up(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    little = {**env, "CRISP_DAILY_QUOTA": "4"}
    ended = run("send", written(tmp_path / "ten.json", people(10)), "--json", env=little)
    assert ended.returncode == 4
    totals = json.loads(ended.stdout)["totals"]
    assert totals["created"] + totals["waiting"] == 10
    assert totals["waiting"] >= 6
    assert "quota" in ended.stderr
    assert crisp.calls == totals["created"] <= 4
    found = result("doctor", env=little, code=1)
    quota = next(finding for finding in found if finding["check"].startswith("quota"))
    assert not quota["ok"]
    assert "CRISP_DAILY_QUOTA" in quota["remedy"]


# The program with less patience than two minutes.
_IMPATIENT = (
    PROGRAM[0],
    "-c",
    "import sys; from connector.cli import main, send; send._PATIENCE = 2; main(sys.argv[1:])",
)


def test_send_ends_with_4_when_crisp_is_away_for_long(env: Env, tmp_path: Path) -> None:
    file = written(tmp_path / "one.json", people(1))
    away = {**env, "CRISP_API_URL": "http://127.0.0.1:9/v1", "CONNECTOR_RETRY_CAP": "1"}
    ended = run("send", file, "--json", env=away, program=_IMPATIENT)
    assert (ended.returncode, json.loads(ended.stdout)["totals"]["waiting"]) == (4, 1)
    assert "Crisp does not take the rest just now." in ended.stderr


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


def test_mappings_from_a_file_and_by_name_and_keys_while_the_service_runs(
    env: Env, crisp: Crisp, tmp_path: Path
) -> None:
    rows = written(tmp_path / "rows.json", [{"Who": "ada@example.com", "Handle": "Ada"}])
    mapping = {"email": "Who", "nickname": "Handle"}
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        admin = Service(process.url)
        file = written(tmp_path / "mapping.json", mapping)
        sent, missing = together(
            lambda: result("send", rows, "--mapping", file, env=env),
            lambda: refused("send", rows, "--mapping", "letter", env=env),
        )
        assert sent["totals"]["created"] == 1
        assert crisp.people()["ada@example.com"]["person"]["nickname"] == "Ada"
        assert "nor a saved mapping of that name" in missing
        assert admin.put("/v1/mappings/letter", json=mapping).status_code == 200
        again, made = together(
            lambda: result("send", rows, "--mapping", "letter", env=env),
            lambda: result("connect", "key", "--label", "n8n", "--scope", "read", env=env),
        )
        assert again["totals"]["unchanged"] == 1
        reader = Service(process.url, made["key"])
        assert reader.get("/v1/me").json()["scopes"] == ["read"]
        assert reader.post("/v1/contacts", json={"email": "a@example.com"}).status_code == 403
        shown, as_json = together(
            lambda: run("connect", "list", env=env).stdout, lambda: result("connect", "list", env=env)
        )
        listed = shown + json.dumps(as_json)
        revoked, unknown = together(
            lambda: result("connect", "key", "--revoke", made["id"], env=env),
            lambda: refused("connect", "key", "--revoke", "nobody", env=env),
        )
        assert revoked == {"revoked": made["id"]}
        assert made["id"] in shown
        assert "There is no key nobody" in unknown
        assert reader.get("/v1/me").status_code == 401

        commands = b"".join(path.read_bytes() for path in _own_command_lines(process.process.pid))
        assert b"serve" in commands
        assert process.stop() == 0
        assert '"route": "/v1/me"' in process.messages()
        for secret in (KEY, made["key"], env["CRISP_KEY"], env["CRISP_IDENTIFIER"]):
            assert secret not in listed + process.messages()
            assert secret.encode() not in commands


def _own_command_lines(pid: int) -> Iterator[Path]:
    """What `ps` shows of a process and its children."""
    yield Path(f"/proc/{pid}/cmdline")
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield Path(f"/proc/{child}/cmdline")


def test_preview_shows_the_calls_and_makes_none(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    file = written(tmp_path / "one.json", [{"email": "ada@example.com", "data": {"plan": "pro"}}])
    seen = result("preview", file, env=env)
    assert [call["method"] for call in seen["records"][0]["plan"]] == ["POST", "PATCH"]
    assert (seen["totals"]["created"], seen["totals"]["calls"]) == (1, 2)
    assert crisp.calls == 0
    assert result("send", file, env=env)["totals"]["calls"] == 2, "it was not stored either"


def test_dead_records_are_replayed_and_a_contact_is_erased(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    away = {**env, "CRISP_API_URL": "http://127.0.0.1:9/v1", "CONNECTOR_RETRY_AGE": "1", "CONNECTOR_RETRY_CAP": "1"}
    sent = result("send", written(tmp_path / "two.json", people(2)), env=away, code=3)
    assert (sent["totals"]["dead"], {each["code"] for each in sent["failures"]}) == (2, {"crisp_unreachable"})
    unnamed, none = together(
        lambda: refused("replay", env=env),
        lambda: result("replay", "--import", sent["id"], "--code", "other", env=env),
    )
    assert "Name outcome ids, or one of" in unnamed
    assert none == {"replayed": 0, "waiting": 0}
    assert result("replay", "--import", sent["id"], env=env) == {"replayed": 2, "waiting": 0}
    assert set(crisp.people()) == {"p0@example.com", "p1@example.com"}

    erased = result("erase", "P0@example.com", "--yes", env=env)
    assert (erased["in_crisp"], erased["records"]) == (True, 1)
    assert set(crisp.people()) == {"p1@example.com"}
    assert "Crisp has no contact" in refused("erase", "p0@example.com", "--yes", env=env)


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


def test_what_cannot_be_read_is_an_error(env: Env, tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("Dear Sirs")
    unreadable, text, bad = together(
        lambda: refused("send", str(tmp_path / "[/x].json"), env=env),
        lambda: refused("send", str(tmp_path / "text.json"), env=env),
        lambda: run("send", "-", "--country", "France", env=env, stdin="[]"),
    )
    assert "[/x].json cannot be read" in unreadable
    assert "not valid JSON" in text
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "two-letter country code" in bad.stderr
