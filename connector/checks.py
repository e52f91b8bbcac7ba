"""What settings must look like, each by itself and all together."""

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from marshmallow.validate import OneOf, Range, Regexp

from connector.hooks.addresses import opened

if TYPE_CHECKING:
    from connector.settings import Settings

_DATABASE = re.compile(r"(sqlite|postgresql\+psycopg)://\S*")
_QUEUES = ("redis", "rediss", "postgresql", "sqlite")


def shape(pattern: str, sentence: str) -> Regexp:
    """A text of this pattern, to its very end."""
    return Regexp(pattern.replace("$", r"\Z"), error=sentence)


def whole(least: int, most: int) -> Range:
    """A whole number."""
    return Range(least, most, error=f"It must be a whole number from {least} to {most}.")


def choice(words: tuple[str, ...]) -> OneOf:
    """One of these words."""
    return OneOf(words, error=f"It must be {', '.join(words[:-1])} or {words[-1]}.")


def wrong(settings: "Settings") -> Iterator[str]:
    """What makes no sense, in sentences that name the variable and never show its value."""
    yield from _addresses(settings)
    if settings.database_url and not _DATABASE.fullmatch(settings.database_url):
        yield "CONNECTOR_DATABASE_URL must look like postgresql+psycopg://user@host/name or sqlite:////path/file."
    if settings.queue_url and urlsplit(settings.queue_url).scheme.partition("+")[0] not in _QUEUES:
        yield (
            "CONNECTOR_QUEUE_URL must look like redis://host:6379/0, postgresql+psycopg://user@host/name or "
            "sqlite:////path/queue.db."
        )
    if not _are_openings(settings.allowed):
        yield "CONNECTOR_EGRESS_ALLOW must be host:port, host, IP address or network (10.0.0.0/8), separated by commas."
    yield from _parts_of_a_token(settings)


def _addresses(settings: "Settings") -> Iterator[str]:
    for name in ("crisp_api_url", "google_api_url", "public_url"):
        if (url := getattr(settings, name)) and not _is_address(url):
            yield (
                f"{_variable(settings, name)} must be an address that begins with http:// or https:// and names a "
                "host, without spaces, password, ? and #."
            )
    if not all(name and _is_address(url) for name, url in settings.source_bases.items()):
        yield "CONNECTOR_SOURCE_URLS must look like notion=http://127.0.0.1:8000,hubspot=http://127.0.0.1:8001."


def _parts_of_a_token(settings: "Settings") -> Iterator[str]:
    """Website, identifier and key: none is of use without the others."""
    parts = ("crisp_website_id", "crisp_identifier", "crisp_key")
    given = [name for name in parts if getattr(settings, name)]
    for name in parts if given else ():
        if name not in given:
            yield f"{_variable(settings, name)} is missing: {_variable(settings, given[0])} needs it beside it."


def _variable(settings: "Settings", name: str) -> str:
    return next(str(setting.metadata["variable"]) for setting in fields(settings) if setting.name == name)


def _is_address(url: str) -> bool:
    """Whether it is the address of a server, to which paths can be added."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port != 0  # raises when it is no port
    except ValueError:
        return False
    plain = url.isprintable() and not any(mark in url for mark in " ?#@\\")
    return plain and port_is_fine and parts.scheme in ("http", "https") and bool(parts.hostname)


def _are_openings(allowed: frozenset[str]) -> bool:
    try:
        opened(allowed)
    except ValueError:
        return False
    return True
