"""The command line: every switch is an option and a variable, and a bad one is named."""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import pytest
from click.testing import CliRunner

from connector.sandbox import Options, command

Run = Callable[..., Options]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("--rate", "5", SANDBOX_PORT="0")`: the options that would be served."""
    served: list[Options] = []
    monkeypatch.setattr("connector.sandbox.command_line.serve", served.append)

    def run(*flags: str, **environment: str) -> Options:
        result = CliRunner(env=environment).invoke(command, flags, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return served.pop()

    return run


def test_without_flags_the_defaults_hold(run: Run) -> None:
    given, defaults = asdict(run()), asdict(Options())
    assert len(given.pop("key")) == len(defaults.pop("key")) == 64
    assert given == defaults


VALUES: list[tuple[str, str, Any]] = [
    ("host", "0.0.0.0", "0.0.0.0"),
    ("port", "0", 0),
    ("website_id", "W", "W"),
    ("identifier", "I", "I"),
    ("key", "K", "K"),
    ("tier", "plugin", "plugin"),
    ("latency_ms", "50", 50),
    ("daily_quota", "10000", 10_000),
    ("daily_quota", "none", None),
    ("rate", "2.5", 2.5),
    ("limit_status", "420", 420),
    ("retry_after", "5", 5),
    ("retry_after", "none", None),
    ("error_rate", "0.1", 0.1),
    ("timeout_rate", "0.05", 0.05),
    ("seed", "7", 7),
    ("timeout_s", "0.5", 0.5),
    ("refusal", "not today", "not today"),
    ("refusal", "none", None),
    ("segments", "append", "append"),
    ("nested", "replace", "replace"),
    ("data_removal", "put", "put"),
    ("batch", "off", "off"),
    ("hook_url", "http://127.0.0.1:9/crisp", "http://127.0.0.1:9/crisp"),
    ("hook_url", "none", None),
    ("hook_secret", "S", "S"),
    ("hook_secret", "none", None),
    ("hook_retries", "0", 0),
    ("hook_pause_ms", "5", 5),
    ("website_hook_url", "http://127.0.0.1:9/crisp?key=s", "http://127.0.0.1:9/crisp?key=s"),
    ("rtm", "off", "off"),
]


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_every_switch_by_flag_and_by_variable(run: Run, name: str, text: str, value: Any) -> None:
    assert getattr(run(f"--{name.replace('_', '-')}", text), name) == value
    assert getattr(run(**{f"SANDBOX_{name.upper()}": text}), name) == value


def test_every_switch_is_in_the_table_above() -> None:
    assert {name for name, _, _ in VALUES} == {each.name for each in fields(Options)}


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (["--port", "70000"], "--port"),
        (["--error-rate", "2"], "--error-rate"),
        (["--rate", "0"], "--rate"),
        (["--nested", "maybe"], "--nested"),
        (["--key", ""], "--key"),
        (["--hook-url", "ftp://127.0.0.1"], "--hook-url"),
        (["--hook-secret", " "], "--hook-secret"),
        (["--error-rate", "0.6", "--timeout-rate", "0.6"], "error_rate"),
    ],
)
def test_a_bad_flag_is_named(flags: list[str], name: str) -> None:
    result = CliRunner().invoke(command, flags)
    assert result.exit_code == 2
    assert name in result.output


def test_the_help_explains_every_switch_and_shows_an_example() -> None:
    text = CliRunner().invoke(command, ["--help"]).output
    assert "crisp-connector sandbox --port 8899" in text
    for each in fields(Options):
        assert f"--{each.name.replace('_', '-')} " in text
        assert f"SANDBOX_{each.name.upper()}" in "".join(text.split())


def test_options_check_themselves() -> None:
    with pytest.raises(ValueError, match=r"segments: must be one of replace, append"):
        Options(segments="merge")
