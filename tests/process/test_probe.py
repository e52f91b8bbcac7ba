"""`doctor --probe`, as somebody would use it, and what it changes for a file of contacts."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connector.crisp.probe import MOST_CALLS
from tests.process.commands import Env, refused, result, written
from tests.process.running import Crisp, clean, run, until

PLANS = ("free", "pro", "team")


@pytest.fixture(autouse=True)
def _plain(crisp: Crisp) -> None:
    crisp.set(segments="replace", nested="merge", data_removal="null", batch="on")


def rows(count: int) -> list[dict[str, Any]]:
    return [{"email": f"p{n}@example.com", "first_name": "P", "data": {"plan": PLANS[n % 3]}} for n in range(count)]


def checked(env: Env, code: int = 0) -> dict[str, Any]:
    """What `doctor` says about the probe."""
    found: dict[str, Any] = next(each for each in result("doctor", env=env, code=code) if "probe" in each["check"])
    return found


def test_it_shows_its_calls_and_asks_first(env: Env, crisp: Crisp) -> None:
    asked = run("doctor", "--probe", env=env, stdin="n\n")
    assert (asked.returncode, asked.stdout, crisp.calls) == (1, "", 0)
    assert f"at most {MOST_CALLS} calls" in asked.stderr
    assert "PATCH batch/data" in asked.stderr
    assert "not probed" in checked(env)["found"]
    assert str(MOST_CALLS) in checked(env)["found"]
    done = run("doctor", "--probe", env=env, stdin="y\n")
    assert (done.returncode, crisp.people()) == (0, {})
    assert "people in one batch" in done.stdout
    assert checked(env)["found"].startswith("probed at 20")


def test_options_of_the_probe_go_with_it_alone(env: Env, crisp: Crisp) -> None:
    for option in (("--yes",), ("--connection", "W")):
        ended = run("doctor", *option, env=env)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "go with --probe" in ended.stderr
    assert "There is no connection W." in refused("doctor", "--probe", "--yes", "--connection", "W", env=env)
    assert crisp.calls == 0


def test_a_file_costs_a_call_for_each_new_contact_and_each_value(env: Env, crisp: Crisp, tmp_path: Path) -> None:
    file = written(tmp_path / "rows.json", rows(40))
    probed = result("doctor", "--probe", "--yes", "--connection", crisp.running.said["website_id"], env=env)
    assert (probed["calls"], probed["left_behind"]) == (crisp.calls, [])
    assert probed["findings"]["batch_size"] == 500
    foreseen = result("preview", file, env=env)["totals"]["calls"]
    before = crisp.calls
    sent = result("send", file, env=env)["totals"]
    assert (sent["created"], sent["calls"], foreseen) == (40, 40 + 3, 40 + 3)
    assert crisp.calls - before == 40 + 3
    assert crisp.people()["p4@example.com"]["data"] == {"plan": "pro"}
    assert result("send", file, env=env)["totals"]["calls"] == 0


def _broken_off(env: Env, crisp: Crisp, number: signal.Signals) -> str:
    """A probe that gets this signal once its contact is there; what it said."""
    crisp.set(latency_ms=100)
    command = [sys.executable, "-m", "connector", "doctor", "--probe", "--yes"]
    with subprocess.Popen(command, env=clean(env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as probe:
        until(crisp.people, what="the contact")
        probe.send_signal(number)
        said = probe.communicate(timeout=30)
    crisp.set(latency_ms=0)
    assert probe.returncode != 0
    return "".join(said)


def test_ctrl_c_removes_the_contact(env: Env, crisp: Crisp) -> None:
    said = _broken_off(env, crisp, signal.SIGINT)
    assert "Traceback" not in said
    assert crisp.people() == {}
    assert "not probed" in checked(env)["found"]


def test_after_a_kill_the_contact_is_named_and_the_next_probe_removes_it(env: Env, crisp: Crisp) -> None:
    _broken_off(env, crisp, signal.SIGKILL)
    [left] = crisp.people()
    found = checked(env, code=1)
    assert left in found["found"]
    assert "doctor --probe" in found["remedy"]
    assert result("doctor", "--probe", "--yes", env=env)["left_behind"] == []
    assert crisp.people() == {}
    assert checked(env)["ok"]


def test_what_keeps_it_from_being_done_is_one_sentence(env: Env, crisp: Crisp) -> None:
    crisp.set(key="another")
    ended = run("doctor", "--probe", "--yes", env=env)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "crisp_credential_refused" in ended.stderr
    assert "may still be in Crisp" not in ended.stderr, "Crisp refused to make it"
    assert "Traceback" not in ended.stderr
