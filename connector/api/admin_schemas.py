"""What is said and answered of the connection itself: its quota, its saved mappings, its keys."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from connector.api.shapes import ID, NEW_KEY, WEBSITE, Answer, NoteOut, about, moment
from connector.ledger.connections import SCOPES
from connector.manifest import shipped
from connector.saying import say
from connector.settings import SHAPES
from connector.spoken import Spoken

LONGEST_NAME = 128
NAME = say("Must be 1 to 128 characters, without a slash.")
MAPPING: Mapping[str, Any] = {"email": ["Courriel pro"], "phone": ["Mobile", "Phone"]}
_MINE = shipped().authentication.sample


class QuotaOut(Answer):
    """What this day has of calls: less than the settings say when Crisp refused more."""

    limit = fields.Integer(metadata=about("Calls to Crisp that today allows.", _MINE["quota"]["limit"]))
    used = fields.Integer(metadata=about("Calls that were made today.", _MINE["quota"]["used"]))
    resets_at = moment("When the day of the quota ends.", _MINE["quota"]["resets_at"])
    daily_quota = fields.Integer(metadata=about("What the settings say.", _MINE["quota"]["limit"]))


class MeOut(Answer):
    """The connection of this key."""

    id = fields.String(metadata=about("The connection, which is the website's id in Crisp.", _MINE["id"]))
    website_id = fields.String(metadata=about("Crisp's id of the website.", WEBSITE))
    label = fields.String(metadata=about("What you call it.", _MINE["label"]))
    tier = fields.String(metadata=about("Tier of the Crisp token.", _MINE["tier"]))
    scopes = fields.List(fields.String(), metadata=about("What this key may do.", _MINE["scopes"]))
    quota = fields.Nested(QuotaOut, metadata=about("Today's calls to Crisp."))
    halted = fields.String(allow_none=True, metadata=about("Why nothing is sent to Crisp, as a stable word.", None))
    notes = fields.List(
        fields.Nested(NoteOut), metadata=about("What needs somebody: subscriptions that are not told any more.", [])
    )


class MappingOut(Answer):
    """A saved mapping: contact field, or `ignored`, → list of paths."""

    name = fields.String(metadata=about("What it is called.", "crm"))
    mapping = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata=about("Contact field → your names for it, in order; ignored → names that are not read.", MAPPING),
    )
    updated_at = moment("When it was saved.")


class MappingIn(Spoken):
    """A mapping with its name."""

    name = fields.String(
        required=True,
        validate=validate.Regexp(r"^[^/\x00]{1,128}$", error=NAME),
        metadata=about("What it is to be called.", "crm"),
    )
    mapping = fields.Dict(
        required=True,
        metadata=about("Contact field → your name for it, or a list; ignored → names that are not read.", MAPPING),
    )


def _label(value: str) -> None:
    pattern, sentence = SHAPES["label"]
    if value and not re.fullmatch(pattern, value):
        raise ValidationError(sentence)


class KeyIn(Spoken):
    """A new API key."""

    label = fields.String(
        load_default="", validate=_label, metadata=about("What you call it.", "My automation", maxLength=200)
    )
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        load_default=["write"],
        validate=validate.Length(min=1),
        metadata=about("What it may do: read, write (and read), admin (everything).", ["write"]),
    )


class KeyOut(Answer):
    """An API key, without its secret."""

    id = fields.String(metadata=about("Names the key.", ID))
    label = fields.String(metadata=about("What you call it.", "My automation"))
    scopes = fields.List(fields.String(), metadata=about("What it may do.", ["write"]))
    created_at = moment("When it was made.")
    used_at = moment("When it was last used, to the minute.", None, nullable=True)
    revoked_at = moment("When it was revoked.", None, nullable=True)


class NewKeyOut(KeyOut):
    """A new API key with its secret, which is shown once."""

    key = fields.String(metadata=about("The secret.", NEW_KEY))


class RevokedOut(Answer):
    """It is revoked."""

    revoked = fields.Boolean(metadata=about("It is not taken any more."))
