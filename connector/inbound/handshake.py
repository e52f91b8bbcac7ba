"""Notion's handshake: it makes the secret itself, and tells it once, unsigned (Notion reference, webhooks)."""

import json
import re
from collections.abc import Mapping
from typing import Any

# What Notion makes looks like secret_….
_TOKEN = re.compile(r"[!-~]{1,200}")
_LONGEST = 1_000


def token_of(source: str, body: bytes) -> str | None:
    """The token, when this is a handshake."""
    if source != "notion" or len(body) > _LONGEST:
        return None
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    token = said.get("verification_token") if isinstance(said, dict) and len(said) == 1 else None
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def is_awaited(state: Mapping[str, Any]) -> bool:
    """Whether a token is taken: as long as nothing true has come to the address, else anybody could take it over."""
    return state.get("verified_at") is None
