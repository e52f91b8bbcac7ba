"""The words of the pages, in the language that the browser asks for.

Texts are written in English where they are used; `locale` has them in other languages (gettext). What `/v1` says stays
English on its way; the pages listen meanwhile, so they know of each sentence its template and what fills its gaps.
"""

import re
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations, find, translation
from pathlib import Path

from flask import Flask, g, has_request_context, request

from connector.saying import Heard, Moment, Said
from connector.web.kept import recalled

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("en", "fr")
# What turns the direction of writing until it is ended: in a sentence it would turn what is said after it.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_asked_for: ContextVar[str | None] = ContextVar("asked_for", default=None)
# What stands between the thousands of a number, and before its decimals.
_SIGNS = {"en": (",", "."), "fr": ("\u202f", ",")}


def language() -> str:
    """Of this request: the best that there is of those that the browser names. A page asks hundreds of times, so it is
    not looked for in what Flask keeps of a request."""
    found = _asked_for.get()
    if found is None:
        if not has_request_context():
            return LANGUAGES[0]
        found = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
        _asked_for.set(found)
    return found


def _forget(_failure: BaseException | None) -> None:
    _asked_for.set(None)


@cache
def _texts(code: str) -> NullTranslations:
    if code == LANGUAGES[0] or find("messages", LOCALE, [code]) is None:
        return NullTranslations()
    found: GNUTranslations = translation("messages", LOCALE, [code])
    return found


def _(text: str, **facts: object) -> str:
    """This text, with the facts filled in where it says %(name)s."""
    told = _texts(language()).gettext(text)
    return told % facts if facts else told


def plural(one: str, many: str, count: int) -> str:
    """The text for this many."""
    return _texts(language()).ngettext(one, many, count)


def heard(said: Heard) -> None:
    """Keeps, for this page, what was said when `/v1` was asked for it."""
    g.setdefault("heard", {}).update(said)


def upright(text: str) -> str:
    """A sentence in which what would turn its direction is shown as what it is: `\\u202e`."""
    return _TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def sentence(message: str) -> str:
    """What `/v1` said, upright and in the language of the page; as it is where it is not one of its sentences."""
    return upright(_told(message)) if message else message


def _told(message: str) -> str:
    if language() == LANGUAGES[0]:
        return message
    said = message if isinstance(message, Said) else g.get("heard", {}).get(message) or recalled(message)
    return _retold(said) if said is not None else _(message)


def _retold(said: Said) -> str:
    return _(said.template).format(**{name: _fact(fact) for name, fact in said.facts.items()})


def _fact(fact: object) -> object:
    """What fills a gap, as it is written in the language of the page."""
    if isinstance(fact, Said):
        return _retold(fact)
    if isinstance(fact, Moment):
        return moment(fact)
    return number(fact) if isinstance(fact, int | float) and not isinstance(fact, bool) else fact


def number(value: float) -> str:
    """A number as it is written in the language of the page."""
    thousands, decimals = _SIGNS[language()]
    return f"{value:,}".replace(",", "\0").replace(".", decimals).replace("\0", thousands)


def moment(when: str) -> str:
    """A point in time (RFC 3339, UTC), as a page shows it until the browser puts it into its own zone."""
    return datetime.fromisoformat(when).strftime(_("%Y-%m-%d %H:%M UTC"))


def prepare(app: Flask) -> None:
    """Templates know `_`, `ngettext` and `language`, and how to write sentences, numbers and times. The extension of
    Jinja for this would fill gaps and escape at every text, also where there is nothing to fill."""
    app.teardown_request(_forget)
    app.jinja_env.globals.update(_=_, ngettext=_counted, language=language)
    app.jinja_env.filters.update(sentence=sentence, upright=upright, number=number, moment=moment)


def _counted(one: str, many: str, num: int) -> str:
    return plural(one, many, num) % {"num": number(num)}
