"""Settings: every value that makes no sense is refused by name, and none is ever shown."""

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from connector.services import open_files, open_ledger
from connector.settings import SPANS, Settings, SettingsProblem, misspelt, read_settings

TOKEN = {"CRISP_WEBSITE_ID": "W", "CRISP_IDENTIFIER": "I", "CRISP_KEY": "K"}
DECLARED = {str(each.metadata["variable"]): each for each in fields(Settings)}
NUMBERS = ("many", "-1", "1.5", "9" * 30, "1e3", "0x10", "ten\n", "½")
ADDRESSES = (
    "api.crisp.chat/v1",
    "ftp://host/",
    "http://",
    "http:///v1",
    "http://[",
    "http://host:port",
    "http://host:99999",
    "http://host:0",
    "http://me:zebra-secret@host",
    "http://host/?q=1",
    "http://host/#x",
    "http://a host/",
    "http://host\n",
    "//host",
)
# Beside what holds for every number and every address.
OTHERS: dict[str, tuple[str, ...]] = {
    "CONNECTOR_CONCURRENCY": ("0", "257"),
    "CONNECTOR_DRAINS": ("0", "257"),
    "CONNECTOR_RETRY_CAP": ("0", "86401"),
    "CONNECTOR_RETRY_AGE": ("0",),
    "CONNECTOR_RETENTION_DAYS": ("3651",),
    "CONNECTOR_LOG_LEVEL": ("loud", "info,debug", "20"),
    "CONNECTOR_DATABASE_URL": (
        "connector.db",
        "nosuch://user:zebra-secret@host/name",
        "mysql://user:zebra-secret@host/name",
        "postgresql://user:zebra-secret@host/name",
        "postgresql+psycopg://user:zebra-secret@host:port/name",
        "postgresql+psycopg://user:zebra secret@host/name",
        "sqlite:///a\nb",
    ),
    "CONNECTOR_QUEUE_URL": ("queue.db", "amqp://user:zebra-secret@host", "http://host", "redis", "://"),
    "CONNECTOR_CALL_TIMEOUT": ("0", "301"),
    "CONNECTOR_LIVE_RESERVE": ("51",),
    "CONNECTOR_SECRET_KEY": (
        "zebra-secret",
        ",",
        "zebra-secret,,",
        f"{'A' * 43}=,zebra-secret",
        "é",
    ),
    "CONNECTOR_API_KEY": ("zebra secret", "zebra-secret\n", "zebra\tsecret", "zebra-sécret", "z" * 501),
    "CONNECTOR_METRICS_KEY": ("zebra secret", "zebra-secret\n", "zebra-sécret", "z" * 501),
    "CONNECTOR_DATA_DIR": ("{file}", "{file}/below"),
    "CONNECTOR_FILES_DIR": ("{file}", "{file}/below"),
    "CONNECTOR_SOURCE_URLS": ("hubspot", "hubspot=", "=http://host", "hubspot=ftp://host", "hubspot=http://u:p@host"),
    "CONNECTOR_EGRESS_ALLOW": ("http://host", "host:port", "10.0.0.0/99", "a b"),
    "CONNECTOR_HOOK_SCHEDULE": ("5,300", "0,-1", "0;5", "0,5,", "0, 5", "0,5s", "0,1234567", "0" + ",1" * 30),
    "CRISP_WEBSITE_ID": ("a b", "a/b", "../a", "w\n", "é", "w" * 65, "?"),
    "CRISP_TIER": ("gold", "WEBSITE", "website plugin"),
    "CRISP_IDENTIFIER": ("zebra secret", "zebra:secret", "zebra\nsecret", "é", "z" * 201),
    "CRISP_KEY": ("zebra secret", "zebra-secret\n", "é", "z" * 501),
    "CRISP_HOOK_SECRET": ("zebra secret", "zebra-secret\n", "é", "z" * 501),
    "CRISP_VERIFICATION_SECRET": ("zebra secret", "zebra-secret\n", "é", "z" * 501),
    "CRISP_HOOK_KEY": ("zebra secret", "zebra-secret\n", "é", "z" * 501),
    "CRISP_DAILY_QUOTA": ("0", "10000001"),
    "CRISP_RATE": ("0", "1001"),
}


def nonsense(setting: "Field[Any]") -> tuple[str, ...]:
    """Values that this setting cannot have."""
    variable = setting.metadata["variable"]
    of_kind = NUMBERS if isinstance(setting.default, int) else ADDRESSES if variable.endswith("API_URL") else ()
    if variable == "CONNECTOR_PUBLIC_URL":
        of_kind = ADDRESSES
    return (*of_kind, *OTHERS.get(variable, ()))


CASES = [(variable, value) for variable, setting in DECLARED.items() for value in nonsense(setting)]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of ours but a data directory."""
    for variable in DECLARED:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CONNECTOR_DATA_DIR", str(tmp_path / "data"))


def test_every_setting_has_values_that_make_no_sense() -> None:
    assert {variable for variable, _ in CASES} == set(DECLARED)


@pytest.mark.parametrize(("variable", "value"), CASES, ids=[f"{name}={value[:24]!r}" for name, value in CASES])
def test_what_makes_no_sense_stops_the_start_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str
) -> None:
    (tmp_path / "a-file").write_text("")
    for name, given in {**TOKEN, variable: value.format(file=tmp_path / "a-file")}.items():
        monkeypatch.setenv(name, given)
    with pytest.raises(SettingsProblem) as caught:
        _started()
    said = str(caught.value)
    assert variable in said
    assert "\n" not in said
    assert len(said) > len(variable) + 30, "it says what it must look like"
    assert "zebra" not in said
    assert "secret" not in said.replace("connect secret", "").replace("secret.key", "")
    assert [path.name for path in tmp_path.rglob("*.db")] == [], "nothing was begun"


def test_a_number_is_asked_for_with_its_least_and_its_most(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {name for name, each in Settings.__dataclass_fields__.items() if isinstance(each.default, int)} == set(SPANS)
    for name, value in TOKEN.items():
        monkeypatch.setenv(name, value)
    for name, (least, most) in SPANS.items():
        variable = Settings.__dataclass_fields__[name].metadata["variable"]
        for wrong in ("many", "1.5", str(least - 1), str(most + 1)):
            monkeypatch.setenv(variable, wrong)
            with pytest.raises(SettingsProblem) as caught:
                read_settings()
            assert str(caught.value) == f"{variable} makes no sense. It must be a whole number from {least} to {most}."
        for right in (least, most):
            monkeypatch.setenv(variable, str(right))
            assert getattr(read_settings(), name) == right
        monkeypatch.delenv(variable)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("CRISP_TIER", "It must be website or plugin."),
        ("CONNECTOR_LOG_LEVEL", "It must be debug, info, warning or error."),
    ],
)
def test_a_choice_is_told_whole(monkeypatch: pytest.MonkeyPatch, variable: str, said: str) -> None:
    monkeypatch.setenv(variable, "zebra")
    with pytest.raises(SettingsProblem, match=f"^{variable} makes no sense. {said}$"):
        read_settings()


def _started() -> None:
    """As far as the settings matter to a start."""
    settings = read_settings()
    open_files(settings)
    open_ledger(settings).close()


GOOD = {
    **TOKEN,
    "CRISP_API_URL": "http://[::1]:8899/v1",
    "CRISP_TIER": "plugin",
    "CRISP_DAILY_QUOTA": "",
    "CRISP_RATE": "5",
    "CONNECTOR_PUBLIC_URL": "https://connector.example.com/crisp/",
    "CONNECTOR_RETENTION_DAYS": "0",
    "CONNECTOR_SECRET_KEY": " , ".join(Fernet.generate_key().decode() for _ in range(2)),
    "CONNECTOR_API_KEY": "",
    "CONNECTOR_CONCURRENCY": " ",
}


def test_what_makes_sense_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    _started()
    settings = read_settings()
    assert (settings.crisp_tier, settings.crisp_rate, settings.retention_days) == ("plugin", 5, 0)
    assert (settings.concurrency, settings.api_key) == (32, ""), "an empty value is none"


@pytest.mark.parametrize("alone", ["CRISP_IDENTIFIER", "CRISP_KEY"])
def test_a_token_without_its_website_is_refused(monkeypatch: pytest.MonkeyPatch, alone: str) -> None:
    monkeypatch.setenv(alone, "zebra")
    with pytest.raises(SettingsProblem, match=f"^CRISP_WEBSITE_ID is missing: {alone} needs it beside it.$"):
        read_settings()


def test_an_api_key_without_a_website_is_none_the_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_API_KEY", "ck_alone")
    assert read_settings().api_key == "ck_alone"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CONNECTOR_DATADIR", ["CONNECTOR_DATA_DIR"]),
        ("CRISP_WEBSITEID", ["CRISP_WEBSITE_ID"]),
        ("crisp_key", ["CRISP_KEY"]),
        ("CONNECTOR_CONCURENCY", ["CONNECTOR_CONCURRENCY"]),
        ("CRISP_KEY", []),
        ("CRISP_SOMETHING_ELSE", []),
        ("DATA_DIR", []),
    ],
)
def test_a_variable_that_looks_like_a_setting_is_told(name: str, meant: list[str]) -> None:
    assert [each for _, each in misspelt([name])] == meant
