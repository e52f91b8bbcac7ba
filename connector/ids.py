"""Identifiers: ordered by time, so that what came first sorts first; and secrets for API keys."""

import secrets
import time
from itertools import count

_serial = count(secrets.randbits(16))


def new_id() -> str:
    """32 hex digits: milliseconds, a serial number within this process, randomness (after RFC 9562, version 7)."""
    return f"{time.time_ns() // 1_000_000:012x}{next(_serial) & 0xFFFFFF:06x}{secrets.token_hex(7)}"


def new_key() -> str:
    """An API key: `ck_` and 256 random bits."""
    return "ck_" + secrets.token_urlsafe(32)
