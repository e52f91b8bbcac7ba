"""The switches, each declared once for the command line, the environment and `POST /_sandbox`."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any

from .kinds import Kind, Number, OneOf, Text, Url

# A server that already listens cannot move.
FIXED = frozenset({"host", "port"})


def switch(kind: Kind, default: object, help_text: str, *, secret: bool = False) -> Any:
    """A field of `Options`: what it may hold, its default, its help; a secret is never shown."""
    return field(default=default, repr=not secret, metadata={"kind": kind, "help": help_text, "secret": secret})


def random_key() -> Any:
    """The field for the token key: a new one for every sandbox that is not given one."""
    return field(
        default_factory=lambda: secrets.token_hex(32),
        repr=False,
        metadata={
            "kind": Text(),
            "help": "Token key, the password of Basic auth (default: a random one).",
            "secret": True,
        },
    )


@dataclass(frozen=True)
class Options:
    """Everything that can be set; a bad value raises a ValueError that names the switch."""

    host: str = switch(Text(), "127.0.0.1", "Address to listen on.")
    port: int = switch(Number(int, 0, 65535), 8899, "Port to listen on; 0 picks a free one.")
    website_id: str = switch(Text(), "6f2b4a1e-0000-4000-8000-5a4d0b0c0001", "The one website there is.")
    identifier: str = switch(
        Text(), "6f2b4a1e-0000-4000-8000-5a4d0b0c0002", "Token identifier, the user of Basic auth."
    )
    key: str = random_key()
    tier: str = switch(OneOf(("website", "plugin")), "website", "Tier of the token, asked for in X-Crisp-Tier.")
    latency_ms: int = switch(Number(int), 0, "Wait this long before every answer.")
    daily_quota: int | None = switch(Number(int, optional=True), None, "Calls per UTC day.")
    rate: float | None = switch(
        Number(float, 0.001, optional=True), None, "Calls per second (a bucket that holds one second)."
    )
    limit_status: int = switch(OneOf((429, 420)), 429, "Status of a call over a limit.")
    retry_after: int | None = switch(
        Number(int, optional=True), None, "Seconds to name in Retry-After when over a limit."
    )
    error_rate: float = switch(
        Number(float, 0, 1), 0.0, "Share of calls that fail: 5xx or a reset, half of them after applying."
    )
    timeout_rate: float = switch(
        Number(float, 0, 1), 0.0, "Share of calls that are applied and then answered after --timeout-s."
    )
    seed: int | None = switch(
        Number(int, optional=True), None, "Makes the faults the same in every run (default: they differ)."
    )
    timeout_s: float = switch(Number(float), 2.0, "How long a timed-out answer is held.")
    refusal: str | None = switch(Text(optional=True), None, "Refuse every call (400), with this text as the message.")
    segments: str = switch(
        OneOf(("replace", "append")), "replace", "What PATCH and batch do with the segments that are there."
    )
    nested: str = switch(
        OneOf(("merge", "replace")), "merge", "What PATCH does with employment, geolocation and company."
    )
    data_removal: str = switch(
        OneOf(("null", "empty", "put")),
        "null",
        "What removes a custom data key: null in PATCH, an empty text in PATCH, or only a PUT of the rest.",
    )
    batch: str = switch(OneOf(("on", "off")), "on", "Whether the batch routes exist.")
    hook_url: str | None = switch(Url(), None, "Where plugin hooks are posted: every event, tried again.")
    hook_secret: str | None = switch(
        Text(optional=True), None, "Signs plugin hooks, in X-Crisp-Signature.", secret=True
    )
    hook_retries: int = switch(Number(int, 0, 100), 3, "How often a plugin hook without a 2xx is tried again.")
    hook_pause_ms: int = switch(Number(int, 0, 60_000), 200, "Wait this long before it is tried again.")
    website_hook_url: str | None = switch(
        Url(),
        None,
        "Where website hooks are posted: fewer events, not signed, tried once; the secret is in the query.",
        secret=True,
    )
    rtm: str = switch(OneOf(("on", "off")), "on", "Whether events are told over RTM (socket.io) on the same port.")

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, checked(each, getattr(self, each.name)))
        if self.error_rate + self.timeout_rate > 1:
            raise ValueError("error_rate: must not exceed 1 together with timeout_rate")

    def changed(self, switches: Mapping[str, object]) -> "Options":
        """These options with some switches changed while the sandbox runs."""
        changeable = {each.name for each in fields(self)} - FIXED
        for name in switches:
            if name not in changeable:
                raise ValueError(f"{name}: not a switch that can be changed; there are {sorted(changeable)}")
        return Options(**{**asdict(self), **switches})

    def public(self) -> dict[str, object]:
        """Every switch but those that are or hold a secret."""
        return {each.name: getattr(self, each.name) for each in fields(self) if not each.metadata["secret"]}

    def admits(self, identifier: str, key: str) -> bool:
        """Whether this pair is the token; the answer takes equally long for every pair of one length."""
        given = f"{identifier}:{key}".encode("utf-8", "surrogatepass")
        return hmac.compare_digest(given, f"{self.identifier}:{self.key}".encode())


def checked(each: "Field[Any]", value: object) -> object:
    """The value of one switch as its kind has it."""
    kind: Kind = each.metadata["kind"]
    try:
        return kind(value)
    except ValueError as error:
        raise ValueError(f"{each.name}: {error}") from None
