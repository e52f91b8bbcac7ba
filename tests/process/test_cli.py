"""The command line: results on stdout, everything else on stderr, and exit codes that a script can use."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from connector.cli import main
from tests.process.commands import Env, people, refused, result, written
from tests.process.running import KEY, PROGRAM, ROOT, Crisp, Service, run, running, together


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
    "import sys; from connector.cli import main, following; following._PATIENCE = 2; main(sys.argv[1:])",
)


def test_send_ends_with_4_when_crisp_is_away_for_long(env: Env, tmp_path: Path) -> None:
    file = written(tmp_path / "one.json", people(1))
    away = {**env, "CRISP_API_URL": "http://127.0.0.1:9/v1", "CONNECTOR_RETRY_CAP": "1"}
    ended = run("send", file, "--json", env=away, program=_IMPATIENT)
    assert (ended.returncode, json.loads(ended.stdout)["totals"]["waiting"]) == (4, 1)
    assert "Crisp does not take the rest just now." in ended.stderr


def test_mappings_from_a_file_and_by_name_and_keys_while_the_service_runs(
    env: Env, crisp: Crisp, tmp_path: Path
) -> None:
    rows = written(tmp_path / "rows.json", [{"Who": "ada@example.com", "Handle": "Ada"}])
    mapping = {"email": "Who", "nickname": "Handle"}
    loud = {**env, "CONNECTOR_LOG_LEVEL": "debug"}
    with running("serve", "--port", "0", "--json", env=loud, folder=tmp_path) as process:
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


def test_xml_and_forms_are_files_of_records_too(env: Env, crisp: Crisp) -> None:
    shop = str(ROOT / "manifests" / "samples" / "prestashop" / "customer.xml")
    form = str(ROOT / "manifests" / "samples" / "woocommerce" / "ping.form")
    seen, nothing, sent = together(
        lambda: result("preview", shop, "--timezone", "Europe/Paris", env=env),
        lambda: result("preview", form, env=env),
        lambda: result("send", "-", env=env, stdin="<contact><email>ada@example.com</email></contact>"),
    )
    [record] = seen["records"]
    assert (record["source"], record["updated_at"]) == ("prestashop", "2026-03-02T09:15:07Z")
    assert (nothing["records"], sent["totals"]["created"]) == ([], 1)
    told = refused("preview", "-", env=env, stdin="<!DOCTYPE a><a/>")
    assert "DOCTYPE" in told
    assert set(crisp.people()) == {"ada@example.com"}


def test_dead_records_are_replayed_and_a_contact_is_erased(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    away = {**env, "CRISP_API_URL": "http://127.0.0.1:9/v1", "CONNECTOR_RETRY_AGE": "1", "CONNECTOR_RETRY_CAP": "1"}
    # One that fails alone: when several do, that is an outage, which gives nobody up.
    sent = result("send", written(tmp_path / "one.json", people(1)), env=away, code=3)
    assert (sent["totals"]["dead"], {each["code"] for each in sent["failures"]}) == (1, {"crisp_unreachable"})
    unnamed, outcome, import_, none = together(
        lambda: refused("replay", env=env),
        lambda: refused("replay", "nosuchid", sent["failures"][0]["outcome_id"], env=env),
        lambda: refused("replay", "--import", "nosuchimport", env=env),
        lambda: result("replay", "--import", sent["id"], "--code", "other", env=env),
    )
    assert "Name outcome ids, or one of" in unnamed
    assert ("no outcome" in outcome, outcome.strip().endswith("Not there: nosuchid")) == (True, True)
    assert ("no import" in import_, "nosuchimport" in import_) == (True, True)
    assert none == {"replayed": 0, "not_replayable": 0, "waiting": 0}
    assert result("replay", "--import", sent["id"], env=env) == {"replayed": 1, "not_replayable": 0, "waiting": 0}
    result("send", written(tmp_path / "two.json", people(2)), env=env)
    assert set(crisp.people()) == {"p0@example.com", "p1@example.com"}

    erased = result("erase", "P0@example.com", "--yes", env=env)
    assert (erased["in_crisp"], erased["records"]) == (True, 2)
    assert set(crisp.people()) == {"p1@example.com"}
    assert "Crisp has no contact" in refused("erase", "p0@example.com", "--yes", env=env)


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
