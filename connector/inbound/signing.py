"""Signing: how a sender signs that has a way of its own, such as a shop's module; said when its address is made."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from connector.saying import say
from connector.sources import Inbound
from connector.sources.base import same

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_ALGORITHMS = ("sha256", "sha512", "sha1")
_ENCODINGS = ("hex", "base64")


def agreed(said: Mapping[str, Any]) -> dict[str, str]:
    """`{header, algorithm, encoding}`, SHA-256 and hex where nothing is said. Raises ValueError with a sentence."""
    found = {"algorithm": "sha256", "encoding": "hex", **said}
    if found.keys() != {"header", "algorithm", "encoding"}:
        raise ValueError(say("Give header, and algorithm and encoding if they are not sha256 and hex."))
    if not (isinstance(found["header"], str) and _HEADER.fullmatch(found["header"])):
        raise ValueError(say("The header must be the name of one: letters, digits and hyphens."))
    if found["algorithm"] not in _ALGORITHMS or found["encoding"] not in _ENCODINGS:
        raise ValueError(
            say("The algorithm must be one of {names}, the encoding hex or base64.", names=", ".join(_ALGORITHMS))
        )
    return {**found, "header": found["header"].lower()}


def is_signed(way: Mapping[str, str], inbound: Inbound, secret: str) -> bool:
    """Whether the header holds the HMAC of the body, with `sha256=` or the like before it or without."""
    algorithm, encoding = way["algorithm"], way["encoding"]
    digest = hmac.new(secret.encode(), inbound.body, getattr(hashlib, algorithm)).digest()
    written = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    given = inbound.headers.get(way["header"], "")
    return same(given.removeprefix(f"{algorithm}="), written)
