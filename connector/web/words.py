"""The words of the pages, in the language that the browser asks for.

Texts are written in English where they are used; `locale` has them in other languages (gettext). What `/v1` says is
translated by its sentence: errors and notes are sentences with gaps, so what fills the gaps is found again.
"""

import re
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations, NullTranslations, find, translation
from pathlib import Path
from string import Formatter

from flask import Flask, g, has_request_context, request

from connector.crisp.probe import STEPS
from connector.errors import CODES as ERRORS
from connector.manifest import shipped
from connector.notes import CODES as NOTES
from connector.outcomes import HALTED, WAITING

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("en", "fr")


def language() -> str:
    """Of this request: the best that there is of those that the browser names."""
    if not has_request_context():
        return LANGUAGES[0]
    found: str | None = g.get("language")
    if found is None:
        found = g.language = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    return found


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


def sentence(message: str) -> str:
    """What `/v1` said, in the language of the page; as it is where it is not one of its sentences."""
    if language() == LANGUAGES[0] or not message:
        return message
    plain = _(message)
    return plain if plain != message else next(_retold(message), message)


def _retold(message: str) -> Iterator[str]:
    for pattern, template in _templates():
        if (found := pattern.fullmatch(message)) is not None:
            told = _(template)
            if told != template:
                yield told.format(**found.groupdict())


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Sentences with gaps, those that say most first, for a gap takes anything."""
    sentences = {*(each[2] for each in ERRORS.values()), *(each[1] for each in NOTES.values())}
    with_gaps = [each for each in sentences if "{" in each]
    return [(_pattern(each), each) for each in sorted(with_gaps, key=len, reverse=True)]


def _pattern(template: str) -> re.Pattern[str]:
    parts, seen = [], set[str]()
    for before, name, _spec, _conversion in Formatter().parse(template):
        parts.append(re.escape(before))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.*?)")
            seen.add(name)
    return re.compile("".join(parts), re.DOTALL)


def declared() -> Iterator[str]:
    """Texts that pages show and that are written elsewhere."""
    manifest = shipped()
    yield from (step.question for step in STEPS)
    yield from (sentence for _status, _title, sentence in ERRORS.values())
    yield from (sentence for _level, sentence in NOTES.values())
    yield from (*WAITING.values(), *HALTED.values())
    yield from (field.label for field in manifest.fields.values())
    yield from (trigger.label for trigger in manifest.triggers.values())


def prepare(app: Flask) -> None:
    """Templates know `_`, `sentence` and `language`."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    install = app.jinja_env.install_gettext_callables  # type: ignore[attr-defined] # of the extension
    install(_plain, plural, newstyle=True)
    app.jinja_env.globals.update(language=language)
    app.jinja_env.filters["sentence"] = sentence


def _plain(text: str) -> str:
    return _texts(language()).gettext(text)
