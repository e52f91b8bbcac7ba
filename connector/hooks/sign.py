"""Signatures of hooks, after Standard Webhooks 1.0 (standardwebhooks.com): made and checked, without any I/O."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX, VERSION = "whsec_", "v1"
# Bytes of a new secret; the standard asks for 24 to 64.
SECRET_BYTES = 32
# Seconds that a message's time may be off, as in the standard's own libraries.
TOLERANCE = 300
_LONGEST_TIME = 12


class Unsigned(Exception):
    """The message was not signed with this secret, or too long ago. Why is nobody's business."""


def secret_of(random: bytes) -> str:
    """A secret as it is shown: `whsec_` and base64 of these bytes."""
    return PREFIX + base64.b64encode(random).decode()


def headers(secrets: Sequence[str], message_id: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers. With several secrets (while one takes another's place) there is a signature of each.

    `at`: UNIX seconds; `message_id`: without a full stop, for that stands between what is signed.
    """
    signed = " ".join(f"{VERSION},{_signature(secret, message_id, str(at), body)}" for secret in secrets)
    return {ID: message_id, TIMESTAMP: str(at), SIGNATURE: signed}


def verify(secret: str, given: Mapping[str, str], body: bytes, now: int, tolerance: int = TOLERANCE) -> None:
    """Raises `Unsigned` unless the headers hold a signature of the raw body with this secret, made within so many
    seconds of `now` (UNIX seconds)."""
    told = {name.lower(): value for name, value in given.items()}
    message_id, at, signatures = (told.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (message_id and _is_time(at)) or abs(now - int(at)) > tolerance:
        raise Unsigned
    wanted = f"{VERSION},{_signature(secret, message_id, at, body)}".encode()
    # All of them are compared, so that how long it takes tells nothing.
    found = [hmac.compare_digest(wanted, each.encode("utf-8", "replace")) for each in signatures.split(" ")]
    if not any(found):
        raise Unsigned


def _is_time(written: str) -> bool:
    return written.isascii() and written.isdecimal() and len(written) <= _LONGEST_TIME


def _signature(secret: str, message_id: str, at: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{at}.".encode("utf-8", "replace") + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
