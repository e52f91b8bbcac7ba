"""Sentences for people. They are said in English; each still knows its template and what fills its gaps, so that who
listens (the pages) says it again in another language. A finished sentence is never taken apart. Pure.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar


class Said(str):
    """A finished sentence; `facts` fill the gaps `{name}` of its `template`. A fact that is `Said` is told likewise."""

    __slots__ = ("facts", "template")
    template: str
    facts: Mapping[str, object]


class Moment(str):
    """A fact that is a point in time (RFC 3339, UTC)."""

    __slots__ = ()


class Count(int):
    """A fact that is a number of something, which may be large: 1,000."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec or ",")


Heard = dict[str, Said]
_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


def say(template: str, /, **facts: object) -> Said:
    """The sentence in English. Raises KeyError when a gap is not filled. The templates that are written as the first
    argument are taken up for translation (`make texts`)."""
    said = Said(template.format(**facts))
    said.template, said.facts = template, facts
    return hear(said)


def hear(said: Said) -> Said:
    """The same sentence, told anew to who listens: one that was made before, or in another thread."""
    if (heard := _heard.get()) is not None:
        heard[said] = said
    return said


@contextmanager
def listening() -> Iterator[Heard]:
    """What is said in this thread meanwhile, by the finished sentence."""
    heard: Heard = {}
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)
