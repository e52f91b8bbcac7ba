"""States as pages show them: a sign and a word; and times. They are remembered, for a list shows them in every row."""

from functools import cache, lru_cache

from flask import Flask
from markupsafe import Markup

from connector.saying import say
from connector.web.words import _, language
from connector.web.words import moment as written

# Of what: its states, each with a sign (a class of the style sheet) and a word.
_OUTCOMES = {
    "created": ("good", say("created")),
    "updated": ("good", say("updated")),
    "unchanged": ("", say("unchanged")),
    "superseded": ("", say("merged into a newer one")),
    "rejected": ("bad", say("rejected")),
    "dead": ("bad", say("gave up")),
    "waiting": ("live", say("waiting")),
}
_IMPORTS = {
    "running": ("live", say("running")),
    "paused": ("warn", say("paused")),
    "completed": ("good", say("done")),
    "completed_with_errors": ("warn", say("done, some failed")),
    "cancelled": ("", say("cancelled")),
}
_DELIVERIES = {
    "waiting": ("live", say("waiting")),
    "delivered": ("good", say("delivered")),
    "dead": ("bad", say("gave up")),
}
_STATE = Markup('<span class="state %s">%s</span>')
_TIME = Markup('<time datetime="%s" title="%s">%s</time>')


def outcome_word(status: str) -> str:
    """How a record's outcome is called in the language of the page."""
    return _(_OUTCOMES[status][1])


def outcome_state(status: str) -> Markup:
    """A record's outcome."""
    return _state(*_OUTCOMES[status], language())


def import_state(state: str) -> Markup:
    """How far an import is."""
    return _state(*_IMPORTS[state], language())


def delivery_state(status: str) -> Markup:
    """Whether something was told."""
    return _state(*_DELIVERIES[status], language())


def time(when: str | None) -> str:
    """A point in time (RFC 3339, UTC), which the browser puts into its own zone; `never` without one."""
    return _time(when, language()) if when else _("never")


@lru_cache(maxsize=4096)
def _time(when: str, _language: str) -> Markup:
    return _TIME % (when, when, written(when))


@cache
def _state(sign: str, word: str, _language: str) -> Markup:
    return _STATE % (sign, _(word))


def prepare(app: Flask) -> None:
    """Templates know them as filters, which cost less than calls: a list has many."""
    shown = (outcome_word, outcome_state, import_state, delivery_state, time)
    app.jinja_env.filters.update({each.__name__: each for each in shown})
