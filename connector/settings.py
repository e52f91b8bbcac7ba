"""Settings: read once from the environment, checked, frozen. The names are those of the documentation."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from environs import Env
from environs.exceptions import EnvError

from connector import checks
from connector.hooks.plan import SCHEDULE, read_schedule
from connector.saying import say

TIERS = ("website", "plugin")
QUOTAS: Mapping[str, int] = {"website": 10_000, "plugin": 5_000}
# The most that may be said of a quota (calls a day) and of a rate (calls a second).
MOST_CALLS, MOST_RATE = 10_000_000, 1_000
# Controls, line ends, marks that turn the direction of writing (they make a text read as another), half characters.
_UNSEEN = r"\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
# The parts of a token, and what something is called: pattern, and what it must look like. Identifier and key go into
# a header of Basic auth (RFC 7617), where neither a colon nor white space can be in the first.
SHAPES: Mapping[str, tuple[str, str]] = {
    "website_id": (r"^[A-Za-z0-9_-]{1,64}$", say("It must be 1 to 64 letters, digits, hyphens or underscores.")),
    "identifier": (r"^[!-9;-~]{1,200}$", say("It must be 1 to 200 characters of ASCII, without spaces and colons.")),
    "key": (r"^[!-~]{1,500}$", say("It must be 1 to 500 characters of ASCII, without spaces and line breaks.")),
    "inbound_secret": (
        rf"^[^{_UNSEEN}]{{8,200}}$",
        say("It must be 8 to 200 characters, without line breaks and other characters that cannot be seen."),
    ),
    "label": (
        rf"^[^{_UNSEEN}]{{1,200}}$",
        say("It must be 1 to 200 characters, without line breaks and other characters that cannot be seen."),
    ),
}
_PREFIXES = ("CONNECTOR_", "CRISP_")


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
    queue_url: str = field(
        default="",
        repr=False,
        metadata=_variable(
            "CONNECTOR_QUEUE_URL",
            "Where wake-ups between processes go: redis://…, a postgresql+psycopg:// or sqlite:/// URL; "
            "empty: the database when that is PostgreSQL, else a file in the data directory",
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
    metrics_key: str = field(
        default="",
        repr=False,
        metadata=_variable(
            "CONNECTOR_METRICS_KEY",
            "Bearer token with which a monitor sees every connection at /metrics, and nothing else",
            secret=True,
        ),
    )
    concurrency: int = field(default=32, metadata=_variable("CONNECTOR_CONCURRENCY", "Calls in flight per connection"))
    drains: int = field(
        default=8, metadata=_variable("CONNECTOR_DRAINS", "Connections that one process delivers for at once")
    )
    public_url: str = field(
        default="", metadata=_variable("CONNECTOR_PUBLIC_URL", "How the outside reaches this service, for links")
    )
    call_timeout: int = field(
        default=30,
        metadata=_variable("CONNECTOR_CALL_TIMEOUT", "How long a call to Crisp may take to be answered, in seconds"),
    )
    retry_cap: int = field(
        default=300,
        metadata=_variable("CONNECTOR_RETRY_CAP", "Longest pause between two tries of a record, in seconds"),
    )
    retry_age: int = field(
        default=259_200,
        metadata=_variable("CONNECTOR_RETRY_AGE", "A record whose delivery has failed for so many seconds is dead"),
    )
    live_reserve: int = field(
        default=5,
        metadata=_variable(
            "CONNECTOR_LIVE_RESERVE",
            "Percent of the day's quota that bulk work leaves to single contacts, until the last hour",
        ),
    )
    retention_days: int = field(
        default=30,
        metadata=_variable(
            "CONNECTOR_RETENTION_DAYS",
            "Days after which finished records lose everything but their outcome; 0: they keep it for ever",
        ),
    )
    files_dir: str = field(
        default="",
        metadata=_variable(
            "CONNECTOR_FILES_DIR",
            "Where uploaded files are kept, a directory that all machines share; empty: the database when that is "
            "PostgreSQL, else a folder in the data directory",
        ),
    )
    egress_allow: str = field(
        default="",
        metadata=_variable(
            "CONNECTOR_EGRESS_ALLOW",
            "Addresses inside your network that may be fetched and called all the same: host:port, host, IP address "
            "or network, comma-separated",
        ),
    )
    source_urls: str = field(
        default="",
        metadata=_variable(
            "CONNECTOR_SOURCE_URLS",
            "Where systems that contacts are read from are asked instead of at their own addresses, for stand-ins: "
            "notion=http://127.0.0.1:8000, comma-separated",
        ),
    )
    read_window: int = field(
        default=2,
        metadata=_variable(
            "CONNECTOR_READ_WINDOW",
            "Seconds from a notification that only names a contact until it is read, once for all that name it until "
            "then; 0: at once, for each",
        ),
    )
    hook_schedule: str = field(
        default=SCHEDULE,
        metadata=_variable(
            "CONNECTOR_HOOK_SCHEDULE",
            "When a subscriber is told: seconds from one attempt to the next, comma-separated, the first 0; each may "
            "be a tenth longer or shorter",
        ),
    )
    hook_timeout: int = field(
        default=10,
        metadata=_variable("CONNECTOR_HOOK_TIMEOUT", "How long a subscriber may take to answer, in seconds"),
    )
    hook_concurrency: int = field(
        default=64,
        metadata=_variable("CONNECTOR_HOOK_CONCURRENCY", "Deliveries to subscribers in flight in one process"),
    )
    google_api_url: str = field(
        default="",
        metadata=_variable(
            "CONNECTOR_GOOGLE_API_URL",
            "Base URL that Google's Sheets API and its tokens are asked for at, for a stand-in; empty: Google's own",
        ),
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
    crisp_hook_secret: str = field(
        default="",
        repr=False,
        metadata=_variable(
            "CRISP_HOOK_SECRET",
            "Secret(s) that sign the default connection's plugin hooks, comma-separated, newest first",
            secret=True,
        ),
    )
    crisp_hook_key: str = field(
        default="",
        repr=False,
        metadata=_variable(
            "CRISP_HOOK_KEY",
            "Key(s) in the address of the default connection's website hooks (?key=…), comma-separated, newest first",
            secret=True,
        ),
    )
    crisp_verification_secret: str = field(
        default="",
        repr=False,
        metadata=_variable(
            "CRISP_VERIFICATION_SECRET",
            "The default connection's verification secret, with which snippets prove an address to the chatbox",
            secret=True,
        ),
    )
    crisp_rtm: int = field(
        default=0,
        metadata=_variable("CRISP_RTM", "1: listen to Crisp's events over its RTM, which needs no public address"),
    )
    event_window: int = field(
        default=2,
        metadata=_variable(
            "CONNECTOR_EVENT_WINDOW",
            "Seconds in which the same event about one contact is told once; 0: each time",
        ),
    )
    crisp_rate: int = field(default=0, metadata=_variable("CRISP_RATE", "Calls per second; empty: no limit"))

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'connector.db'}"

    @property
    def reserve(self) -> float:
        """The share of the day's quota that is kept for live work."""
        return self.live_reserve / 100

    @property
    def allowed(self) -> frozenset[str]:
        """Addresses inside the network that may be reached all the same."""
        return frozenset(each.strip() for each in self.egress_allow.split(",") if each.strip())

    @property
    def source_bases(self) -> Mapping[str, str]:
        """Source → where it is asked instead of at its own address."""
        entries = (each.strip().partition("=") for each in self.source_urls.split(",") if each.strip())
        return {name.strip(): url.strip() for name, _, url in entries}

    @property
    def hook_pauses(self) -> tuple[int, ...]:
        """Seconds from one attempt to tell a subscriber to the next."""
        return read_schedule(self.hook_schedule)

    @property
    def has_default_connection(self) -> bool:
        """Whether the environment describes a Crisp website."""
        return bool(self.crisp_website_id)


# The least and the most of each setting that is a whole number.
SPANS: Mapping[str, tuple[int, int]] = {
    "concurrency": (1, 256),
    "drains": (1, 256),
    "call_timeout": (1, 300),
    "live_reserve": (0, 50),
    "retry_cap": (1, 86_400),
    "retry_age": (1, 31_536_000),
    "retention_days": (0, 3_650),
    "event_window": (0, 3_600),
    "read_window": (0, 60),
    "hook_timeout": (1, 60),
    "hook_concurrency": (1, 256),
    "crisp_daily_quota": (1, MOST_CALLS),
    "crisp_rate": (1, MOST_RATE),
    "crisp_rtm": (0, 1),
}
_CHECKS: dict[str, Any] = {
    **{name: checks.whole(*span) for name, span in SPANS.items()},
    "api_key": checks.shape(*SHAPES["key"]),
    "metrics_key": checks.shape(*SHAPES["key"]),
    "crisp_website_id": checks.shape(*SHAPES["website_id"]),
    "crisp_identifier": checks.shape(*SHAPES["identifier"]),
    "crisp_key": checks.shape(*SHAPES["key"]),
    "crisp_hook_secret": checks.shape(*SHAPES["key"]),
    "crisp_verification_secret": checks.shape(*SHAPES["key"]),
    "crisp_hook_key": checks.shape(*SHAPES["key"]),
    "crisp_tier": checks.choice(TIERS),
    "hook_schedule": checks.shape(
        r"^0(?:,[0-9]{1,6}){0,29}$",
        "It must be 1 to 30 whole numbers of seconds, at most 6 digits each, separated by commas, the first 0.",
    ),
    "log_level": checks.choice(("debug", "info", "warning", "error")),
}


def read_settings() -> Settings:
    """Settings from the environment. Raises `SettingsProblem` naming the variable and what it must look like."""
    env = Env(eager=True)
    settings = Settings(**{setting.name: _read(env, setting) for setting in fields(Settings)})
    if wrong := next(checks.wrong(settings), None):
        raise SettingsProblem(wrong)
    return settings


def misspelt(names: Iterable[str] = os.environ) -> list[tuple[str, str]]:
    """Variables that no setting has and that look like one: the name as it is, and as it was probably meant."""
    known = [str(setting.metadata["variable"]) for setting in fields(Settings)]
    strange = [name for name in names if name.upper().startswith(_PREFIXES) and name not in known]
    near = ((name, get_close_matches(name.upper(), known, n=1, cutoff=0.85)) for name in sorted(strange))
    return [(name, found[0]) for name, found in near if found]


def _read(env: Env, setting: Field[Any]) -> Any:
    variable, default = setting.metadata["variable"], setting.default
    if not (env.str(variable, "") or "").strip():
        return default
    read: Any = env.int if isinstance(default, int) else env.path if isinstance(default, Path) else env.str
    check: Any = _CHECKS.get(setting.name)
    try:
        return read(variable, validate=check)
    except EnvError:
        # Each check says by itself what the value must look like, also when it is not even a number.
        raise SettingsProblem(f"{variable} makes no sense. {check.error}") from None
    except UnicodeError:
        raise SettingsProblem(f"{variable} makes no sense. It must be text in UTF-8.") from None
