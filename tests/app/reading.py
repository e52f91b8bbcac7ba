"""What a page says to somebody who reads it: its texts, apart from code, and from what it says to be in English."""

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

# What stands in these is data, code or a point in time.
_DATA = {"script", "style", "pre", "code", "textarea", "time"}
_VOID = {"meta", "link", "input", "br", "img", "hr", "rect", "circle"}
_SAID_BY = {"title", "aria-label", "data-label", "data-confirm", "data-away", "data-back", "data-done", "alt", "label"}
# Where a clause ends; before some of these signs French has a space of its own.
_ENDS = re.compile(r"[.:;?!·«»]\s|\s[:;?!»]|«\s")
# A word, and no name of a program: of a field, a route, a file.
_WORD = re.compile(r"[^\w]*[^\W\d_]+(?:[’'-][^\W\d_]+)*[^\w]*")
_CAMEL = re.compile(r"[a-z][A-Z]")


class Texts(HTMLParser):
    """The texts of a page: each node's, and those of the attributes that are shown or read out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if not self._silent():
            self.found += [value for name, value in given.items() if name in _SAID_BY and value]
        if tag not in _VOID:
            self._open.append((tag, tag in _DATA or (tag != "html" and given.get("lang") == "en")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._silent() and data.strip():
            self.found.append(" ".join(data.split()))

    def _silent(self) -> bool:
        return any(silent for _, silent in self._open)


def clauses(texts: Iterable[str]) -> set[str]:
    """The texts, and each clause of them by itself, without the sign that ends it."""
    found = {clause for text in texts for clause in (text, *_ENDS.split(text))}
    return {clause.strip().rstrip(".?!") for clause in found}


def sentences(html: str) -> set[str]:
    """What a page says in more than two words, clause by clause."""
    return {each for each in clauses(Texts(html).found) if sum(map(_is_word, each.split())) > 2}


def _is_word(text: str) -> bool:
    return _WORD.fullmatch(text) is not None and not _CAMEL.search(text)


def values(told: Any) -> Iterator[str]:
    """Everything in JSON that is data: no sentence of the service."""
    if isinstance(told, dict):
        for name, value in told.items():
            if name not in ("message", "reason", "steps", "found", "remedy"):
                yield from (str(name), *values(value))
    elif isinstance(told, list):
        for value in told:
            yield from values(value)
    elif told is not None:
        yield " ".join(str(told).split())
