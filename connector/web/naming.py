"""What pages call the things that `/v1` names by keys."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from markupsafe import Markup

from connector.api.access import services
from connector.web.words import _

_ALONE = Markup("<bdi>{}</bdi>")


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


def shown(value: Any) -> Any:
    """A value of a contact: a list as a line, yes or no as words, everything else as it is. Each by itself: whichever
    way it is written, what stands beside it keeps its own direction."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping | str) or not hasattr(value, "__iter__"):
        return _ALONE.format(value)
    return Markup(", ").join(map(_ALONE.format, value))


def prepare(app: Flask) -> None:
    """Templates know them as filters."""
    app.jinja_env.filters.update(field=field, event=event, source=source, shown=shown)
