"""Reasons that the ledger keeps as texts: why something could not be told or written. Their gaps hold a number, an
email address or another such sentence, so that each of them can be read in one way only. Pure.
"""

import re
from functools import cache
from string import Formatter

from connector.saying import Said, say

TEMPLATES = (
    "it answered {status}",
    "it takes longer than {seconds} seconds",
    "Google answers {status} just now.",
    "Google does not take these cells ({status}). If it takes no others, see to the sheet.",
    "The credential may not edit this sheet. {remedy}",
    "Share the sheet with {address} as an editor.",
    "The credential's token_uri must not be contacted: {reason}.",
    "The credential's token_uri cannot be used just now: {reason}.",
    "The sink's credential cannot be used. {reason}",
    "Its token_uri cannot be used: {reason}.",
)
_GAPS = {"address": r"\S+@\S+", "remedy": ".+", "reason": ".+"}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_SENTENCES = ("remedy", "reason")


def recalled(text: str) -> Said | None:
    """The sentence again with its gaps, if it is one of these."""
    found = next(((each, read) for pattern, each in _patterns() if (read := pattern.fullmatch(text))), None)
    if found is None:
        return None
    template, read = found
    return say(template, **{name: _fact(name, value) for name, value in read.groupdict().items()})


def _fact(name: str, value: str) -> str:
    plain = name not in _SENTENCES or "{" in value or "}" in value
    return value if plain else recalled(value) or say(value)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(_pattern(each)), each) for each in TEMPLATES]


def _pattern(template: str) -> str:
    return "".join(
        re.escape(before) + (f"(?P<{name}>{_GAPS.get(name, _NUMBER)})" if name else "")
        for before, name, _spec, _conversion in Formatter().parse(template)
    )
