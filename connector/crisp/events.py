"""Crisp's events: their signature, and what they say (Crisp hooks reference; its official Node client)."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

# How an event came: by a signed hook, an unsigned one, the RTM, or made of a list of profiles after a gap in that.
Way = Literal["plugin", "website", "rtm", "listing"]

# Crisp gives no rule; a signature is good for so long before and after the moment that it names (milliseconds).
TOLERANCE = 300_000
_LONGEST_NAME = 64


class Forged(Exception):
    """It is not from who has the secret, or not of now."""


class Unreadable(Exception):
    """It is no event of Crisp."""


@dataclass(frozen=True, slots=True)
class Told:
    """What Crisp told: the `event` by Crisp's own name, its `data`, and when it happened (UNIX milliseconds, None when
    it does not say)."""

    event: str
    website_id: str
    data: Mapping[str, Any] = field(repr=False)
    at: int | None

    @property
    def digest(self) -> str:
        """What makes it the same, by whichever way and however often it comes."""
        said = json.dumps([self.event, self.website_id, self.data, self.at], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def verify(body: bytes, timestamp: str | None, signature: str | None, secrets: Sequence[str], now: int) -> str:
    """The signature of a plugin hook, when one of these secrets made it a short while ago. Raises `Forged`.

    Hex HMAC-SHA256 of `[timestamp;body]`. Crisp's client signs `JSON.stringify` of the parsed body; so the bytes are
    tried first, and then the body written anew without spaces.
    """
    given = _hex(signature)
    moment = _moment(timestamp)
    if given is None or moment is None or abs(now - moment) > TOLERANCE:
        raise Forged
    texts = [body, *_written_anew(body)]
    good = [hmac.compare_digest(_signed(text, timestamp or "", key), given) for text in texts for key in secrets]
    if not any(good):
        raise Forged
    return given


def sign(body: bytes, timestamp: str, secret: str) -> str:
    """The signature that Crisp gives a plugin hook."""
    return _signed(body, timestamp, secret)


def _signed(body: bytes, timestamp: str, secret: str) -> str:
    said = b"[" + timestamp.encode() + b";" + body + b"]"
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()


def _hex(signature: str | None) -> str | None:
    """As Crisp writes it: in lower case, for another writing of the same would be another request."""
    given = signature or ""
    return given if len(given) == 64 and all(char in "0123456789abcdef" for char in given) else None


def _moment(timestamp: str | None) -> int | None:
    given = timestamp or ""
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 16 else None


def _written_anew(body: bytes) -> list[bytes]:
    try:
        parsed = json.loads(body)
        return [json.dumps(parsed, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()]
    except (ValueError, RecursionError):
        return []


def read(value: Any) -> Told:
    """The event that this body is. Raises `Unreadable`."""
    if not isinstance(value, dict):
        raise Unreadable
    event, website, data = value.get("event"), value.get("website_id"), value.get("data")
    named = isinstance(event, str) and 0 < len(event) <= _LONGEST_NAME and event.isprintable()
    if not named or not isinstance(website, str) or not isinstance(data, dict):
        raise Unreadable
    return Told(str(event), website, data, _time(value.get("timestamp")))


def _time(written: Any) -> int | None:
    number = isinstance(written, int | float) and not isinstance(written, bool)
    return int(written) if number and 0 < written < 1e14 else None
