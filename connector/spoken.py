"""Schemas whose messages are said, so that pages can say marshmallow's in another language."""

from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, fields, validate

from connector.saying import say

_TEXTS = ("error", "message_min", "message_max", "message_all")
# What marshmallow has messages of, as far as it is used here.
_CHECKS = (validate.Length(min=1), validate.Range(0, 1), validate.OneOf(()))
_KINDS: tuple[fields.Field[Any], ...] = (
    *(fields.String(), fields.Integer(), fields.Float(), fields.Boolean(), fields.Dict()),
    *(fields.List(fields.String()), fields.AwareDateTime()),
)


class _Message(str):
    """A message that marshmallow fills in with `format`."""

    __slots__ = ()

    def format(self, *_: object, **facts: object) -> str:
        facts.pop("input", None)  # the value itself, which is nobody's business
        return say(str(self), **facts)


class Spoken(Schema):
    """A schema of what somebody sends."""

    error_messages = {  # noqa: RUF012 - as marshmallow declares it
        "unknown": say("There is no such parameter here. Look at /docs.")
    }

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:  # noqa: ARG002
        """marshmallow's way to change a field once it is known where it belongs."""
        _speak(field_obj)


def _speak(field: fields.Field[Any]) -> None:
    field.error_messages = {key: _Message(text) for key, text in field.error_messages.items()}
    for check in field.validators:
        for name, text in _messages(check):
            setattr(check, name, _Message(text))
    for inner in ("inner", "key_field", "value_field"):
        if isinstance(within := getattr(field, inner, None), fields.Field):
            _speak(within)


def _messages(check: object) -> Iterator[tuple[str, str]]:
    found = ((name, getattr(check, name, None)) for name in _TEXTS)
    return ((name, text) for name, text in found if isinstance(text, str))


def declared() -> Iterator[str]:
    """marshmallow's own messages."""
    for kind in _KINDS:
        yield from (str(text) for text in kind.error_messages.values() if "{input}" not in text)
    for check in _CHECKS:
        yield from (text for _, text in _messages(check))
