"""What is said of inbound addresses, and what is answered."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from connector.api.schemas import Checked, Credential
from connector.api.shapes import ID, SECRET, Answer, Totals, about, moment, sometimes
from connector.crisp.calls import MODES
from connector.inbound.signing import agreed
from connector.intake.options import country_code, deletion, zone_name
from connector.platforms import EXAMPLE
from connector.settings import SHAPES
from connector.sources import registry
from connector.spoken import Spoken

_PULLED = {"database_id": "5f0d2c1e-8a47-4b39-9c62-1e7a40d3b5f8"}
_PULL = about(
    "What is pulled: of Notion {database_id} or {data_source_id}, of Google Sheets {spreadsheet, sheet}, else all. "
    "every_minutes: how often by itself.",
    _PULLED,
)
_CREDENTIAL = (
    "With what the other system is asked for contacts: a token, or an object of what its page in the docs names. It is "
    "never shown again."
)
_MAPPING = about("Contact field, or ignored, → path or list of paths.", {"email": "Courriel pro"})
_SENDER = "From which account over there alone something is taken: of HubSpot the portal (Hub ID), of Zoho the channel."
_SIGNATURE = (
    "Where the sender signs in a way of its own: {header, algorithm, encoding}. algorithm is sha256 (if not said), "
    "sha512 or sha1, encoding hex (if not said) or base64: the header holds the HMAC of the body, made with the secret."
)
_ON_DELETE = "What a deletion in the source does: note (when not said), ignore, erase, or segment:NAME."
_MADE_THERE = "Where the other system makes the secret (HubSpot, Shopify): that secret. Else one is made."


def _shape(name: str, value: str) -> None:
    """Never shows the value."""
    pattern, sentence = SHAPES[name]
    if not re.fullmatch(pattern.removesuffix("$"), value):
        raise ValidationError(sentence)


def _label(value: str) -> None:
    _shape("label", value)


def _secret(value: str) -> None:
    _shape("inbound_secret", value)


def _signature(value: Mapping[str, Any]) -> None:
    try:
        agreed(value)
    except ValueError as problem:
        raise ValidationError(problem.args[0]) from None


def _options(*, nullable: bool) -> dict[str, Any]:
    """Label, credential, and how what comes is read."""
    told = about(_CREDENTIAL, SECRET, type=["object", "string"])
    return {
        "label": fields.String(validate=_label, metadata=about("What you call it.", "Our CRM")),
        "mapping": fields.Dict(metadata=_MAPPING, allow_none=nullable),
        "timezone": Checked(zone_name, metadata={"description": "Zone of times without one."}, allow_none=nullable),
        "country": Checked(
            country_code, metadata={"description": "Country of national phone numbers."}, allow_none=nullable
        ),
        "mode": fields.String(
            validate=validate.OneOf(MODES), metadata={"description": "upsert when not said."}, allow_none=nullable
        ),
        "unmapped": fields.String(
            validate=validate.OneOf(("note", "data")),
            metadata={"description": "data: fields that go nowhere are kept as custom data; note: they are named."},
            allow_none=nullable,
        ),
        "on_delete": Checked(deletion, metadata={"description": _ON_DELETE}, allow_none=nullable),
        "credential": Credential(load_only=True, metadata=told, allow_none=nullable),
        "sender": fields.String(validate=_label, metadata={"description": _SENDER}, allow_none=nullable),
        "signature": fields.Dict(validate=_signature, metadata={"description": _SIGNATURE}, allow_none=nullable),
        "secret": fields.String(validate=_secret, load_only=True, metadata={"description": _MADE_THERE}),
        "pull": fields.Dict(metadata=_PULL, allow_none=nullable),
    }


def _source() -> fields.String:
    told = about("The system that will send.", "notion")
    return fields.String(required=True, validate=validate.OneOf(sorted(registry())), metadata=told)


InboundIn = Spoken.from_dict({"source": _source(), **_options(nullable=False)}, name="InboundIn")
PatchIn = Spoken.from_dict(_options(nullable=True), name="InboundPatchIn")
InboundIn.__doc__ = "Who will send, and how what comes is read."
PatchIn.__doc__ = "What is to change; what is not said stays, and null takes it away."


class PulledOut(Answer):
    """How far the system of an inbound address was read."""

    state = fields.String(
        metadata=about(
            "scheduled, running, waiting, stopped (until somebody pulls again), given_up or completed.",
            "running",
        )
    )
    code = fields.String(allow_none=True, metadata=about("What keeps it, or has ended it.", None))
    import_id = fields.String(allow_none=True, metadata=about("What it comes in as.", ID))
    pages = fields.Integer(metadata=about("Pages that were read.", 12))
    records = fields.Integer(metadata=about("Records that were on them.", 1200))
    since = moment("What has changed since then alone; null: everything.", None, nullable=True)
    began_at = moment("When it began.", nullable=True)
    ended_at = moment("When it ended.", None, nullable=True)
    next_at = moment("When it goes on or begins again by itself.", None, nullable=True)


class LeftOut(Answer):
    """Something of a system that does not reach Crisp."""

    what = fields.String(metadata=about("In that system's words.", "`password`"))
    why = fields.String(metadata=about("The reason.", "It is nobody's business."))


class ArrivalOut(Answer):
    """Something that came to an inbound address."""

    id = fields.String(metadata=about("Names it.", ID))
    received_at = moment("When it came.")
    attempts = fields.Integer(metadata=about("How often it was tried to take it in.", 1))
    retry_at = moment("When it is tried again; null once it has ended.", None, nullable=True)
    outcome = fields.String(
        allow_none=True, metadata=about("accepted, no_records, gone, or the code of what is wrong.", "accepted")
    )
    outcome_id = fields.String(allow_none=True, metadata=about("The record: GET /v1/outcomes/{outcome_id}.", ID))
    import_id = fields.String(allow_none=True, metadata=about("Of several records: their import.", None))


class InboundOut(Answer):
    """An inbound address, without its secret."""

    id = fields.String(metadata=about("Names the address.", ID))
    source = fields.String(metadata=about("The system that sends.", "notion"))
    label = fields.String(metadata=about("What you call it.", "Our CRM"))
    url = fields.String(metadata=about("Where the other system sends.", f"{EXAMPLE}/in/notion/{ID}"))
    mapping = fields.Raw(metadata={**_MAPPING, "example": {"email": ["Courriel pro"]}, "type": ["object", "null"]})
    timezone = fields.String(allow_none=True, metadata=about("Zone of times without one.", None))
    country = fields.String(allow_none=True, metadata=about("Country of national phone numbers.", None))
    mode = fields.String(allow_none=True, metadata=about("How its records are written; null: upsert.", None))
    unmapped = fields.String(allow_none=True, metadata=about("What becomes of fields that go nowhere.", None))
    on_delete = fields.String(allow_none=True, metadata=about("What a deletion in the source does.", None))
    sender = fields.String(allow_none=True, metadata=about(_SENDER, None))
    signature = fields.Raw(metadata=about(_SIGNATURE, None, type=["object", "null"]))
    pull = fields.Raw(metadata={**_PULL, "type": ["object", "null"]})
    has_credential = fields.Boolean(metadata=about("There is one to fetch the rest of a notification with."))
    created_at = moment("When it was made.")
    verified_at = moment("When something came that was proved for the first time.", None, nullable=True)
    old_secret_until = moment("The secret before the last rotation is taken until then.", None, nullable=True)
    steps = fields.List(
        fields.String(), metadata=about("What to do in the other system, in order.", ["Share the database with …"])
    )
    left_out = fields.List(fields.Nested(LeftOut), metadata=about("What is not carried over from there."))
    last_arrival = fields.Nested(
        ArrivalOut, allow_none=True, metadata=about("What came last; null when nothing came yet.")
    )
    pulled = fields.Nested(PulledOut, metadata=sometimes("How far its system was read."))
    verification_token = fields.String(metadata=sometimes("Notion's, to be pasted there."))


class PullQuery(Spoken):
    """What is pulled of it."""

    since = fields.AwareDateTime(
        metadata=about("What has changed since then alone; everything when not said.", "2026-01-01T00:00:00Z")
    )


class PullPreviewOut(Answer):
    """What would become of what its system has."""

    totals = fields.Nested(Totals, metadata=about("How many records would end how."))
    eta_seconds = fields.Float(metadata=about("How long the quota makes it take.", 62.5))
    whole = fields.Boolean(metadata=about("All of it was seen; false: the first of it alone."))


class NewInboundOut(InboundOut):
    """An inbound address with its newest secret, which is shown once."""

    secret = fields.String(metadata=about("With what senders prove themselves.", SECRET))
