"""What is said of inbound addresses, and what is answered."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from connector.api.schemas import Checked, ImportOut
from connector.crisp.calls import MODES
from connector.inbound.pulling import KINDS
from connector.intake.options import country_code, zone_name
from connector.settings import SHAPES
from connector.sources import registry

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_MOMENT = {"format": "date-time"}
_PULL = "Of Notion: what is pulled, as {database_id} or {data_source_id}."
_MAPPING = "Contact field → path or list of paths."


def _shape(name: str, value: str) -> None:
    """Never shows the value."""
    pattern, sentence = SHAPES[name]
    if not re.fullmatch(pattern.removesuffix("$"), value):
        raise ValidationError(sentence)


def _label(value: str) -> None:
    _shape("label", value)


def _credential(value: str) -> None:
    _shape("key", value)


def _pull(value: Mapping[str, Any]) -> None:
    if len(value) != 1 or not value.keys() <= KINDS.keys():
        raise ValidationError(f"Give one of {' and '.join(KINDS)}.")
    its_id = next(iter(value.values()))
    if not (isinstance(its_id, str) and _ID.fullmatch(its_id)):
        raise ValidationError("It must be the id of a database or data source: 32 hex digits, with hyphens or without.")


def _options(*, nullable: bool) -> dict[str, Any]:
    """Label, credential, and how what comes is read."""
    about = {"description": "With what the rest of a notification is fetched: of Notion, an integration's token."}
    return {
        "label": fields.String(validate=_label, metadata={"description": "What you call it."}),
        "mapping": fields.Dict(metadata={"description": _MAPPING}, allow_none=nullable),
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
        "on_delete": fields.String(
            validate=validate.OneOf(("note",)),
            metadata={"description": "What a deletion in the source does: it is noted, nothing is deleted."},
            allow_none=nullable,
        ),
        "credential": fields.String(validate=_credential, load_only=True, metadata=about, allow_none=nullable),
        "pull": fields.Dict(validate=_pull, metadata={"description": _PULL}, allow_none=nullable),
    }


def _source() -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(sorted(registry())))


InboundIn = Schema.from_dict({"source": _source(), **_options(nullable=False)}, name="InboundIn")
PatchIn = Schema.from_dict(_options(nullable=True), name="InboundPatchIn")


class InboundOut(Schema):
    """An inbound address, without its secret."""

    id = fields.String()
    source = fields.String()
    label = fields.String()
    url = fields.String(metadata={"description": "Where the other system sends."})
    mapping = fields.Raw(metadata={"type": ["object", "null"]})
    timezone = fields.String(allow_none=True)
    country = fields.String(allow_none=True)
    mode = fields.String(allow_none=True)
    unmapped = fields.String(allow_none=True)
    on_delete = fields.String(allow_none=True)
    pull = fields.Raw(metadata={"type": ["object", "null"]})
    has_credential = fields.Boolean()
    created_at = fields.String(metadata=_MOMENT)
    verified_at = fields.String(
        allow_none=True, metadata={**_MOMENT, "description": "When something came that was proved for the first time."}
    )
    old_secret_until = fields.String(
        allow_none=True, metadata={**_MOMENT, "description": "The secret before the last rotation is taken until then."}
    )
    steps = fields.List(fields.String(), metadata={"description": "What to do in the other system, in order."})
    verification_token = fields.String(metadata={"description": "Notion's, to be pasted there."})


class NewInboundOut(InboundOut):
    """A new inbound address with its secret, which is shown once."""

    secret = fields.String()


class NewSecretOut(InboundOut):
    """An inbound address with its new secret, which is shown once."""

    secret = fields.String()


class PulledOut(ImportOut):
    """The import that was pulled."""


class ArrivalOut(Schema):
    """Something that came to an inbound address."""

    id = fields.String()
    received_at = fields.String(metadata=_MOMENT)
    attempts = fields.Integer()
    retry_at = fields.String(allow_none=True, metadata={**_MOMENT, "description": "null once it has ended."})
    outcome = fields.String(
        allow_none=True,
        metadata={"description": "accepted, no_records, gone, or the code of what is wrong."},
    )
    outcome_id = fields.String(allow_none=True, metadata={"description": "The record: GET /v1/outcomes/{outcome_id}."})
    import_id = fields.String(allow_none=True, metadata={"description": "Of several records."})
