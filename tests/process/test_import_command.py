"""`import`, `resume`, `failures`: a file into Crisp from the command line, as somebody does it who has one."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.files.sheets import SAMPLES
from tests.process.commands import Env, cells, outcomes, refused, result, written
from tests.process.running import PROGRAM, Crisp, clean, run, together, until

HUBSPOT = str(SAMPLES / "hubspot.csv")


def test_a_dry_run_shows_everything_and_writes_nothing(env: Env, crisp: Crisp) -> None:
    shown, seen = together(
        lambda: run("import", HUBSPOT, "--dry-run", env=env),
        lambda: result("import", HUBSPOT, "--dry-run", "--limit", "2", env=env),
    )
    assert shown.returncode == 0
    for told in ("HubSpot's export has it", "company_name", "email_invalid", "ada.placeholder@example.com", "created"):
        assert told in shown.stdout
    for told in ("CSV · 25 rows", "export of HubSpot", "4 (by 19)", "22 calls"):
        assert told in shown.stderr
    assert outcomes(seen) == {"records": 25, "created": 22, "superseded": 1, "rejected": 2}
    assert seen["contacts"][0]["contact"]["nickname"] == "Ada Placeholder"
    assert seen["mapping"]["email"] == ["Email"]
    assert crisp.calls == 0
    assert "There is no import nothing.\n" in refused("failures", "nothing", env=env)


def test_two_contacts_first_then_the_rest_without_repeating_them(env: Env, crisp: Crisp) -> None:
    first = result("import", HUBSPOT, "--limit", "2", "--yes", env=env, code=3)
    assert (first["state"], first["file_name"]) == ("paused", "hubspot.csv")
    assert outcomes(first) == {"records": 25, "created": 2, "rejected": 2, "waiting": 21}
    assert (len(crisp.people()), crisp.calls) == (2, 2)
    rest = result("resume", first["id"], env=env, code=3)
    assert (rest["id"], rest["state"]) == (first["id"], "completed_with_errors")
    assert outcomes(rest) == {"records": 25, "created": 22, "superseded": 1, "rejected": 2}
    assert (crisp.calls, set(crisp.stats()["creations"].values())) == (22, {1})
    over, nobody = together(
        lambda: refused("resume", first["id"], env=env), lambda: refused("resume", "nothing", env=env)
    )
    assert "completed_with_errors" in over
    assert f"The newest are: {first['id']} (hubspot.csv)" in nobody


def test_it_asks_and_without_a_yes_nothing_is_imported(env: Env, crisp: Crisp, good: str) -> None:
    for ended in together(
        *[lambda answer=answer: run("import", good, env=env, stdin=answer) for answer in ("n\n", "")]
    ):
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "Import it? [y/N]" in ended.stderr
        assert "ada@example.com" in ended.stderr
    assert crisp.calls == 0
    ended = run("import", good, "--json", env=env, stdin="y\n")
    assert ended.returncode == 0
    assert "Import it? [y/N]" in ended.stderr
    assert outcomes(json.loads(ended.stdout)) == {"records": 3, "created": 3}
    assert set(crisp.people()) == {"ada@example.com", "bo@example.com", "cy@example.com"}


def test_results_are_on_stdout_and_messages_on_stderr(env: Env) -> None:
    ended = run("import", HUBSPOT, "--yes", env=env)
    assert ended.returncode == 3
    assert "email_missing" in ended.stdout
    assert "crisp-connector" not in ended.stdout
    assert ended.stderr.startswith("Import ")
    import_id = ended.stderr.split()[1]
    assert f"crisp-connector failures {import_id} --output" in ended.stderr


def test_a_first_try_with_which_nothing_is_wrong_ends_with_0_and_says_how_to_go_on(env: Env, good: str) -> None:
    ended = run("import", good, "--limit", "1", "--yes", env=env)
    import_id = ended.stderr.split()[1]
    assert ended.returncode == 0
    assert f"2 wait. Go on with: crisp-connector resume {import_id}\n" in ended.stderr


def test_it_ends_with_4_while_the_quota_is_used_up(env: Env, crisp: Crisp, good: str) -> None:
    ended = run("import", good, "--yes", "--json", env={**env, "CRISP_DAILY_QUOTA": "1"})
    assert (ended.returncode, json.loads(ended.stdout)["state"]) == (4, "running")
    assert "quota" in ended.stderr
    assert crisp.calls <= 1


def interrupted(*command: str, env: Env, when: Callable[[], object]) -> tuple[int, str, str]:
    """Exit code and output of a command at which Ctrl-C is pressed when this comes about."""
    with subprocess.Popen(
        [*PROGRAM, *command],
        env=clean(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        until(when, 60)
        process.send_signal(signal.SIGINT)
        told, messages = process.communicate(timeout=30)
    return process.returncode, told, messages


def test_ctrl_c_leaves_an_import_that_can_be_gone_on_with(env: Env, crisp: Crisp) -> None:
    crisp.set(latency_ms=400)
    slow = {**env, "CONNECTOR_CONCURRENCY": "1"}
    code, told, messages = interrupted("import", HUBSPOT, "--yes", "--json", env=slow, when=lambda: crisp.calls > 1)
    shown = json.loads(told)
    assert (code, shown["state"]) == (4, "running")
    assert shown["totals"]["waiting"] > 10
    assert f"Go on with: crisp-connector resume {shown['id']}" in messages
    crisp.set(latency_ms=0)
    rest = result("resume", shown["id"], env=env, code=3)
    assert outcomes(rest) == {"records": 25, "created": 22, "superseded": 1, "rejected": 2}
    assert set(crisp.stats()["creations"].values()) == {1}


def test_ctrl_c_while_a_file_comes_in_leaves_nothing_of_it(env: Env, tmp_path: Path) -> None:
    file, data = tmp_path / "many.csv", tmp_path / "data"
    file.write_text("Email\n" + "".join(f"p{number}@example.com\n" for number in range(60_000)))
    assert "no rows" in refused("import", written(tmp_path / "nothing.csv", "Email"), "--yes", env=env)
    ledger = sqlite3.connect(data / "connector.db")
    coming = "SELECT count(*) FROM records"
    code, told, messages = interrupted(
        "import", str(file), "--yes", env=env, when=lambda: ledger.execute(coming).fetchone()[0]
    )
    assert (code, told, "Aborted!" in messages) == (1, "", True)
    assert ledger.execute(coming).fetchone()[0] == 0
    ledger.close()
    assert not [path for path in (data / "files").rglob("*") if path.is_file()]
    assert "There is no import nothing.\n" in refused("failures", "nothing", env=env)


# The program with less patience than two minutes.
_IMPATIENT = "import sys; from connector.cli import main, following; following._PATIENCE = 2; main(sys.argv[1:])"


def test_it_waits_while_others_have_their_turn_first(env: Env, crisp: Crisp, good: str) -> None:
    crisp.set(latency_ms=250)
    slow = {**env, "CONNECTOR_CONCURRENCY": "1"}
    command, program = [*PROGRAM, "import", HUBSPOT, "--yes"], (PROGRAM[0], "-c", _IMPATIENT)
    with subprocess.Popen(command, env=clean(slow), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        until(lambda: crisp.calls > 0)
        shown = result("import", good, "--yes", env=slow, program=program)
        assert first.wait(60) == 3
    assert outcomes(shown) == {"records": 3, "created": 3}


def test_the_same_file_twice_at_once_is_one_import(env: Env, crisp: Crisp, good: str) -> None:
    assert result("import", good, "--dry-run", env=env)["totals"]["created"] == 3  # The database is there.
    crisp.set(latency_ms=1500)
    one, other = together(*[lambda: result("import", good, "--yes", env=env)] * 2)
    assert one["id"] == other["id"]
    # Three profiles, and custom data of two: of a new person there is nothing to clear.
    assert (outcomes(one), crisp.calls) == ({"records": 3, "created": 3}, 5)


def test_what_failed_is_corrected_and_imported_again_and_only_that_is_sent(
    env: Env, crisp: Crisp, tmp_path: Path
) -> None:
    shown = result("import", HUBSPOT, "--yes", env=env, code=3)
    file = tmp_path / "failures.csv"
    screen, wrote = together(
        lambda: run("failures", shown["id"], env=env),
        lambda: run("failures", shown["id"], "--output", str(file), env=env),
    )
    assert (screen.returncode, wrote.returncode, wrote.stdout) == (0, 0, "")
    # As bytes: a CSV has its own line ends.
    assert file.read_bytes().decode().replace("\r\n", "\n") == screen.stdout.replace("\r\n", "\n")
    assert file.stat().st_mode & 0o077 == 0
    head, missing, invalid = cells(screen.stdout)
    assert head[:2] + head[-3:] == ["Record ID", "First Name", "error_code", "error_field", "error_message"]
    assert (missing[1], missing[-3:-1]) == ("Walter", ["email_missing", "email"])
    assert (invalid[1], invalid[-3:-1]) == ("Anaïs", ["email_invalid", "email"])
    before = file.read_bytes()
    assert "is there already" in refused("failures", shown["id"], "--output", str(file), env=env)
    assert file.read_bytes() == before
    nowhere = refused("failures", shown["id"], "--output", str(tmp_path / "no" / "f.csv"), env=env)
    assert "cannot be written: No such file or directory" in nowhere

    calls = crisp.calls
    text = before.decode().replace("not-an-email", "anais@example.com")
    file.write_text(text.replace("Walter,Fillin,,", "Walter,Fillin,walter@example.com,"), newline="")
    again = result("import", str(file), "--yes", env=env)
    assert outcomes(again) == {"records": 2, "created": 2}
    assert again["notes"][0]["code"] == "read_as_before"
    assert (again["notes"][1:], crisp.calls - calls) == (shown["notes"], 2)
    assert crisp.people()["walter@example.com"]["person"]["phone"] == "+12125550119"
    nothing = run("failures", again["id"], env=env)
    assert (nothing.returncode, nothing.stderr, len(cells(nothing.stdout))) == (0, "No row of it failed.\n", 1)
