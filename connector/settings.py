"""Settings: read once from the environment, checked, frozen. The names are those of the documentation."""

from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from environs import Env
from environs.exceptions import EnvError
from marshmallow.validate import OneOf, Range

TIERS = ("website", "plugin")
_QUOTAS = {"website": 10_000, "plugin": 5_000}


class SettingsProblem(Exception):
    """A setting makes no sense: which one, what it must look like. Never its value."""


def _variable(name: str, help_: str, *, secret: bool = False) -> Any:
    return {"variable": name, "help": help_, "secret": secret}


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Each field's metadata names its variable and says what it does."""

    data_dir: Path = field(
        default=Path("data"),
        metadata=_variable("CONNECTOR_DATA_DIR", "Where the embedded database and the secret key live"),
    )
    database_url: str = field(
        default="",
        repr=False,
        metadata=_variable(
            "CONNECTOR_DATABASE_URL",
            "SQLAlchemy URL; empty: SQLite in the data directory; postgresql+psycopg://… to share between machines",
            secret=True,
        ),
    )
    secret_key: str = field(
        default="",
        repr=False,
        metadata=_variable(
            "CONNECTOR_SECRET_KEY",
            "Key(s) that encrypt credentials, comma-separated, newest first; empty: a file in the data directory",
            secret=True,
        ),
    )
    api_key: str = field(
        default="",
        repr=False,
        metadata=_variable("CONNECTOR_API_KEY", "Makes one admin key for the default connection", secret=True),
    )
    concurrency: int = field(default=32, metadata=_variable("CONNECTOR_CONCURRENCY", "Calls in flight per connection"))
    drains: int = field(
        default=8, metadata=_variable("CONNECTOR_DRAINS", "Connections that one process delivers for at once")
    )
    public_url: str = field(
        default="", metadata=_variable("CONNECTOR_PUBLIC_URL", "How the outside reaches this service, for links")
    )
    retry_cap: int = field(
        default=300,
        metadata=_variable("CONNECTOR_RETRY_CAP", "Longest pause between two tries of a record, in seconds"),
    )
    retry_age: int = field(
        default=259_200,
        metadata=_variable("CONNECTOR_RETRY_AGE", "A record whose delivery has failed for so many seconds is dead"),
    )
    log_level: str = field(default="info", metadata=_variable("CONNECTOR_LOG_LEVEL", "debug, info, warning or error"))
    crisp_website_id: str = field(
        default="", metadata=_variable("CRISP_WEBSITE_ID", "The default connection: id of the Crisp website")
    )
    crisp_tier: str = field(default="website", metadata=_variable("CRISP_TIER", "Tier of its token: website or plugin"))
    crisp_identifier: str = field(
        default="", repr=False, metadata=_variable("CRISP_IDENTIFIER", "Identifier of its token", secret=True)
    )
    crisp_key: str = field(default="", repr=False, metadata=_variable("CRISP_KEY", "Key of its token", secret=True))
    crisp_api_url: str = field(
        default="https://api.crisp.chat/v1", metadata=_variable("CRISP_API_URL", "Base URL of Crisp's API")
    )
    crisp_daily_quota: int = field(
        default=0,
        metadata=_variable("CRISP_DAILY_QUOTA", "Calls per day; empty: 10000 (website tier), 5000 (plugin tier)"),
    )
    crisp_rate: int = field(default=0, metadata=_variable("CRISP_RATE", "Calls per second; empty: no limit"))

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'connector.db'}"

    @property
    def has_default_connection(self) -> bool:
        """Whether the environment describes a Crisp website."""
        return bool(self.crisp_website_id)

    def quota_of(self, tier: str) -> int:
        """Calls a day for a token of this tier."""
        return self.crisp_daily_quota or _QUOTAS[tier]


_CHECKS: dict[str, Any] = {
    "concurrency": Range(min=1, max=256),
    "drains": Range(min=1, max=256),
    "retry_cap": Range(min=1),
    "retry_age": Range(min=1),
    "crisp_daily_quota": Range(min=0),
    "crisp_rate": Range(min=0, max=1000),
    "crisp_tier": OneOf(TIERS),
    "log_level": OneOf(("debug", "info", "warning", "error")),
}
_WITH_WEBSITE = ("crisp_identifier", "crisp_key")


def read_settings() -> Settings:
    """Settings from the environment. Raises `SettingsProblem` naming the variable and what it must look like."""
    env = Env(eager=True)
    settings = Settings(**{setting.name: _read(env, setting) for setting in fields(Settings)})
    _check_together(settings)
    return settings


def _read(env: Env, setting: Field[Any]) -> Any:
    variable, default = setting.metadata["variable"], setting.default
    if not (env.str(variable, "") or "").strip():
        return default
    read: Any = env.int if isinstance(default, int) else env.path if isinstance(default, Path) else env.str
    try:
        return read(variable, validate=_CHECKS.get(setting.name))
    except EnvError as problem:
        raise SettingsProblem(f"{variable} makes no sense: {_reason(problem)}") from None


def _reason(problem: EnvError) -> str:
    """What a validator said, without the value."""
    messages = getattr(problem, "error_messages", None)
    return str(messages[0]) if isinstance(messages, list) else "it must be a whole number."


def _check_together(settings: Settings) -> None:
    for name in ("crisp_api_url", "public_url"):
        url = getattr(settings, name)
        if url and urlsplit(url).scheme not in ("http", "https"):
            raise SettingsProblem(f"{_variable_of(name)} must be an address that begins with http:// or https://.")
    if settings.database_url and "://" not in settings.database_url:
        raise SettingsProblem(
            "CONNECTOR_DATABASE_URL must look like postgresql+psycopg://user@host/name or sqlite:///file."
        )
    for name in _WITH_WEBSITE:
        if settings.has_default_connection and not getattr(settings, name):
            raise SettingsProblem(f"{_variable_of(name)} is missing: CRISP_WEBSITE_ID needs it beside it.")


def _variable_of(name: str) -> str:
    return next(str(setting.metadata["variable"]) for setting in fields(Settings) if setting.name == name)
