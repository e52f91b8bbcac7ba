"""What every sink keeps, whoever writes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import pytest

from connector.errors import Problem
from connector.hooks.egress import Egress
from connector.settings import Settings, SettingsProblem, read_settings
from connector.sinks import Sink, SinkModule, opened, registry
from tests.sinks.google import options, service_account

EVENTS = {
    "contact_created",
    "contact_updated",
    "contact_removed",
    "conversation_data_changed",
    "conversation_email_changed",
    "segments_changed",
    "import_completed",
    "record_rejected",
}


@dataclass(frozen=True)
class Case:
    """Options and a credential that a sink takes."""

    options: Mapping[str, Any]
    credential: str


CASES = {"google_sheets": Case(options(), service_account())}


@pytest.fixture(params=sorted(registry()))
def module(request: pytest.FixtureRequest) -> SinkModule:
    return registry()[request.param]


@pytest.fixture
def case(module: SinkModule) -> Case:
    assert module.KEY in CASES, f"{module.KEY} has no case in {__file__}"
    return CASES[module.KEY]


def test_it_says_what_it_is(module: SinkModule) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,31}", module.KEY), "the ledger keeps 32 characters"
    assert module.LABEL
    assert module.HELP.endswith(".")
    assert module.EVENTS
    assert set(module.EVENTS) <= EVENTS
    assert module.ADDRESS in {each.name for each in fields(Settings)}


def test_options_stay_the_same_when_they_are_checked_again(module: SinkModule, case: Case) -> None:
    checked = module.check(case.options, case.credential)
    assert module.check(checked, case.credential) == checked


@pytest.mark.parametrize("wrong", ["", "null", "[]", "{}", "nonsense", '{"a":' * 5_000])
def test_a_credential_that_is_none_is_named_and_not_quoted(module: SinkModule, case: Case, wrong: str) -> None:
    with pytest.raises(Problem) as refused:
        module.check(case.options, wrong)
    assert [each.field for each in refused.value.errors] == ["credential"]
    assert "nonsense" not in refused.value.message


def test_an_option_that_it_does_not_have_is_named(module: SinkModule, case: Case) -> None:
    with pytest.raises(Problem) as refused:
        module.check({**case.options, "colour": "red"}, case.credential)
    assert [(each.field, each.code) for each in refused.value.errors] == [("options.colour", "parameter_invalid")]


def test_all_that_is_wrong_is_told_at_once(module: SinkModule) -> None:
    with pytest.raises(Problem) as refused:
        module.check({"colour": "red"}, "")
    assert {"options.colour", "credential"} < {each.field for each in refused.value.errors}


def test_it_is_opened_without_a_call(module: SinkModule, case: Case) -> None:
    """`address` leads nowhere, and nothing notices."""
    checked = module.check(case.options, case.credential)
    sink: Sink = opened(module.KEY, checked, case.credential, Egress(), Settings(google_api_url="http://127.0.0.1:1"))
    assert callable(sink.write)
    assert callable(sink.look)


@pytest.mark.parametrize(
    "wrong", ["sheets.example", "ftp://sheets.example", "https://", "https://u:p@x.example", "https://x ?"]
)
def test_an_operators_address_that_is_none_stops_the_start(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_GOOGLE_API_URL", wrong)
    with pytest.raises(SettingsProblem, match="CONNECTOR_GOOGLE_API_URL must be an address"):
        read_settings()


@pytest.mark.parametrize("right", ["http://127.0.0.1:8900", "https://proxy.example/google/"])
def test_an_operators_address_is_taken(right: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_GOOGLE_API_URL", right)
    assert read_settings().google_api_url == right
