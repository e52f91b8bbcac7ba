"""What a user says of a Google Sheet: which one, which of its columns, and how rows get there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from connector.errors import Detail, Problem
from connector.saying import say
from connector.sinks.sheet_table import field_of
from connector.spoken import Spoken

MODES = ("append", "upsert")
_MOST_COLUMNS = 200
_ID = re.compile(r"[A-Za-z0-9_-]{20,200}")
_ADDRESS = re.compile(
    r"https://docs\.google\.com/(?:a/[^/]+/)?spreadsheets/(?:u/[0-9]+/)?d/([A-Za-z0-9_-]{20,200})(?:[/?#].*)?"
)
_TITLE = re.compile(r"(?=.*\S)[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,100}")


def _title(name: str) -> None:
    if not _TITLE.fullmatch(name):
        raise ValidationError(say("It must be 1 to 100 characters, without line breaks."))


def _column(name: str) -> None:
    _title(name)
    if field_of(name) is None:
        raise ValidationError(say("This is no contact field. GET /v1/fields lists them; custom data are data.KEY."))


class _Spreadsheet(fields.String):
    """The ID of a spreadsheet, also out of its address."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        written = str(super()._deserialize(value, attr, data, **more)).strip()
        found = _ADDRESS.fullmatch(written)
        wanted = found[1] if found else written
        if not _ID.fullmatch(wanted):
            raise ValidationError(
                say(
                    "It must be the spreadsheet's address as the browser shows it "
                    "(https://docs.google.com/spreadsheets/d/…/edit), or the ID in it."
                )
            )
        return wanted


class OptionsIn(Spoken):
    """The options of a Google Sheet, in their one form."""

    error_messages = {  # noqa: RUF012 - as marshmallow declares it
        "unknown": say("There is no such option.")
    }

    spreadsheet = _Spreadsheet(required=True)
    sheet = fields.String(load_default=None, allow_none=True, validate=_title)
    mode = fields.String(load_default=MODES[0], validate=validate.OneOf(MODES))
    key_column = fields.String(load_default=None, allow_none=True, validate=_title)
    columns = fields.List(
        fields.String(validate=_column), load_default=list, validate=validate.Length(max=_MOST_COLUMNS)
    )


def checked(options: Mapping[str, Any], credential: str) -> dict[str, Any]:
    """`{spreadsheet (ID), sheet, mode, key_column, columns}`. Raises `Problem` naming each wrong field."""
    errors: list[Detail] = []
    read: dict[str, Any] = {}
    try:
        read = OptionsIn().load(options)
    except ValidationError as wrong:
        errors += _details(wrong.messages, "options")
    from connector.sinks.google.credential import Unusable, read_credential  # loaded when it is needed

    try:
        read_credential(credential)
    except Unusable as unusable:
        errors.append(Detail(unusable.args[0], "parameter_invalid", "credential"))
    if errors:
        raise Problem("parameter_invalid", errors=errors)
    return read


def _details(messages: Any, field: str) -> Iterator[Detail]:
    """marshmallow's messages, however deep, as one list."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _details(inner, f"{field}.{key}")
    else:
        for message in messages:
            yield Detail(message, "parameter_invalid", field)
