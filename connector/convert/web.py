"""Web addresses and domains."""

import re
from urllib.parse import urlsplit

from connector.convert.given import Given
from connector.convert.text import clean

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?!\d)")
# What nearly every address is; the others are taken apart by `urlsplit`.
_PLAIN = re.compile(
    r"(?P<scheme>https?://)?(?=[^/]{4,253}(?:/|$))"
    r"(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9])(?:[/?#][!-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_HOST = re.compile(
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]\.?|\[[0-9A-Fa-f:.]+\]|(?:\d{1,3}\.){3}\d{1,3}"
)


def url(value: str | float | bool, given: Given) -> str | None:
    """An http(s) address; a bare host gets `https://`. Other schemes, spaces and things without a host are refused."""
    del given
    written = clean(value) if isinstance(value, str) else ""
    if plain := _PLAIN.fullmatch(written):
        return written if plain["scheme"] else "https://" + written
    if len(written.split()) != 1:
        return None
    scheme = _SCHEME.match(written)
    if scheme and scheme[1].lower() not in ("http", "https"):
        return None
    full = written if scheme else "https://" + written.removeprefix("//")
    return full if _host(full) else None


def domain(value: str | float | bool, given: Given) -> str | None:
    """The host of an address or a bare domain: lower case, without `www.`."""
    plain = _PLAIN.fullmatch(clean(value)) if isinstance(value, str) else None
    full = None if plain else url(value, given)
    host = plain["host"].lower() if plain else _host(full) if full else None
    return host.removeprefix("www.") if host else None


def _host(full: str) -> str | None:
    """The host in lower case, or None when there is none or it is not one (RFC 3986; user names are refused)."""
    try:
        parts = urlsplit(full)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or "@" in parts.netloc or len(host) > 253:
        return None
    shown = f"[{host}]" if ":" in host else host
    return host if _HOST.fullmatch(shown) else None
