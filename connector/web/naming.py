"""What pages call the things that `/v1` names by keys, and how they write values."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from markupsafe import Markup

from connector.api.access import services
from connector.web.states import time
from connector.web.words import _

_ALONE = Markup("<bdi>{}</bdi>")
_CODE = Markup("<code>{}</code>")
_AT = Markup("@<wbr>")


def field(key: str) -> str:
    """The label of a contact field; custom data by their key."""
    known = services().manifest.fields.get(key)
    return key if known is None else _(known.label)


def event(key: str) -> str:
    """The label of a kind of event."""
    known = services().manifest.triggers.get(key)
    return key if known is None else _(known.label)


def source(key: str) -> str:
    """The label of where something came from."""
    known = services().manifest.sources.get(key)
    return _("a file") if known is None else _(known.label)


def shown(value: Any, key: str = "") -> Any:
    """A value of a contact, of the field that is named: a point in time as such, a list as a line, yes or no as words,
    everything else as it is. Each by itself: whichever way it is written, what stands beside it keeps its own
    direction."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str):
        known = services().manifest.fields.get(key)
        return time(value) if known is not None and known.type == "datetime" else _ALONE.format(breakable(value))
    if isinstance(value, Mapping) or not hasattr(value, "__iter__"):
        return _ALONE.format(value)
    return Markup(", ").join(map(_ALONE.format, value))


def declared(text: str) -> Markup:
    """A text of a manifest in the language of the page, names of other systems in it (between grave accents) as
    code."""
    parts = enumerate(_(text).split("`"))
    return Markup().join(_CODE.format(part) if place % 2 else part for place, part in parts)


def breakable(text: str) -> Markup:
    """A text in which an e-mail address may go on in the next line: after its @, and not amid a word."""
    return _AT.join(text.split("@"))


def prepare(app: Flask) -> None:
    """Templates know them as filters."""
    shown_as = (field, event, source, shown, declared, breakable)
    app.jinja_env.filters.update({each.__name__: each for each in shown_as})
