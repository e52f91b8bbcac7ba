"""Identifiers: ordered by time, so that what came first sorts first; and secrets for API keys."""

import secrets
import time
from itertools import count

_serial = count(secrets.randbits(16))


def new_id() -> str:
    """32 hex digits: milliseconds, a serial number within this process, randomness (after RFC 9562, version 7)."""
    return f"{time.time_ns() // 1_000_000:012x}{next(_serial) & 0xFFFFFF:06x}{secrets.token_hex(7)}"


def made_at(made: str) -> int:
    """When this id was made (UNIX milliseconds)."""
    return int(made[:12], 16)


def first_id(moment: int) -> str:
    """What every id that is made then (UNIX milliseconds) or later comes after or is."""
    return f"{max(0, moment):012x}"


def new_key() -> str:
    """An API key: `ck_` and 256 random bits."""
    return "ck_" + secrets.token_urlsafe(32)
