"""What pages call the things that `/v1` names by keys."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from connector.api.access import services
from connector.web.words import _


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
    """A value of a contact: a list as a line, yes or no as words, everything else as it is."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping | str) or not hasattr(value, "__iter__"):
        return value
    return ", ".join(map(str, value))


def prepare(app: Flask) -> None:
    """Templates know them as filters."""
    app.jinja_env.filters.update(field=field, event=event, source=source, shown=shown)
