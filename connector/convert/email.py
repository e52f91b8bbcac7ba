"""Email addresses: found in a cell, checked, and in the one form that identifies a person."""

import re
from collections.abc import Iterator
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from connector.convert.text import clean

_NAMED = re.compile(r"[^,;<>\n]*<([^<>]*)>")
_BETWEEN = re.compile(r"[,;\r\n]+")
_QUOTES = "\"'«»“”‘’"
_LONGEST = 320
_MOST = 50
# What email-validator allows an address (254) and its local part (64) to have.
_LONGEST_ASCII = 254
# More than the ASCII form of a Unicode domain (IDNA) ever has for each of its characters.
_WIDEST = 8
_LONGEST_LOCAL = 64
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def addresses(value: str) -> Iterator[str]:
    """The texts in a cell that could each be an address: `Ada <a@b.co>, c@d.co; mailto:e@f.co` gives three."""
    written = clean(value)
    if written.isascii() and written.replace("@", "", 1).replace(".", "").replace("-", "").isalnum():
        yield written
        return
    named_apart = _NAMED.sub(r",\1,", written[: _LONGEST * _MOST])
    for token in (each for part in _BETWEEN.split(named_apart, maxsplit=_MOST) for each in _apart(part)):
        bare = token.strip(_QUOTES)
        if bare[:7].lower() == "mailto:":
            bare = bare[7:].split("?", 1)[0]
        if bare:
            yield bare


def _apart(part: str) -> list[str]:
    """White space stands between whole addresses only: `jean dupont@example.com` is a typing mistake and somebody
    else's address is in it."""
    words = [word for word in part.split() if any(map(str.isalnum, word))]
    return words if all("@" in word for word in words) else [part.strip()]


def email(written: str) -> str | None:
    """The canonical address, or None: NFC, lower case, Unicode domain (punycode decoded), no look-up of the domain.

    What a plain local part (RFC 5322 dot-atom) adds to its domain cannot be wrong, so that domains, which repeat,
    are checked once; every other address is checked whole.
    """
    local, mark, domain = written.rpartition("@")
    longest = len(local) + len(domain) * (1 if domain.isascii() else _WIDEST)
    if mark and longest < _LONGEST_ASCII and len(local) <= _LONGEST_LOCAL and _DOT_ATOM.fullmatch(local):
        checked = _domain(domain)
        return f"{local.lower()}@{checked}" if checked else None
    return _checked(written)


@lru_cache(maxsize=4096)
def _domain(written: str) -> str | None:
    checked = _checked(f"a@{written}")
    return checked[2:] if checked else None


def _checked(written: str) -> str | None:
    if len(written) > _LONGEST:
        return None
    try:
        found = validate_email(written, check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{found.local_part.lower()}@{found.domain}"
