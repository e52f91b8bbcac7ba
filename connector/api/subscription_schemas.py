"""What is said and answered of subscriptions."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from connector.api.schemas import Filled
from connector.api.shapes import ID, SECRET, Answer, about, moment
from connector.events.meaning import EVENTS
from connector.hooks.conditions import HELP, OWN
from connector.saying import say
from connector.spoken import Spoken

_WORDS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_FILTER = {
    "type": ["object", "string", "null"],
    "description": "Only events for which all of these hold; of a list, one is enough.",
    "properties": {name: {**_WORDS, "description": told} for name, told in HELP.items()},
    "example": {"segment": "vip"},
}
_TARGET = "https://hooks.example.com/crisp"


def _url(**more: Any) -> fields.String:
    told = about("Where events are posted to: https://…", _TARGET, format="uri")
    return fields.String(metadata=told, **more)


def _own(**more: Any) -> fields.Boolean:
    return fields.Boolean(metadata={"description": OWN}, **more)


class SubscriptionIn(Filled):
    """Who wants to be told of what."""

    event = fields.String(required=True, validate=validate.OneOf(EVENTS), metadata=about("Of what."))
    target_url = _url(required=True)
    filter = fields.Raw(metadata=_FILTER)
    include_own = _own()


class SubscriptionChangesIn(Filled):
    """What is to change; what is not said stays as it is."""

    EXAMPLE: ClassVar = {"target_url": _TARGET, "filter": {"segment": ["vip", "beta"]}}

    target_url = _url()
    filter = fields.Raw(metadata={**_FILTER, "description": "In the place of the one before; {}: none any more."})
    include_own = _own()
    enabled = fields.Boolean(
        validate=validate.Equal(True, error=say("Only true: delete the subscription to end it.")),
        metadata={"description": "true: it goes on after it was disabled."},
    )

    @validates_schema
    def _not_empty(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError(say("Name at least one of target_url, filter, include_own, enabled."), "target_url")


class TokenQuery(Spoken):
    """A capability."""

    token = fields.String(metadata=about("From the Location of the subscription: no API key is needed then.", SECRET))


class LastDeliveryOut(Answer):
    """The newest delivery of a subscription."""

    id = fields.String(metadata=about("Names it: GET /v1/deliveries/{id}.", ID))
    status = fields.String(metadata=about("waiting, delivered or dead.", "delivered"))
    created_at = moment("When it was written.")


class SubscriptionOut(Answer):
    """A subscription, without its secret."""

    id = fields.String(metadata=about("Names the subscription.", ID))
    event = fields.String(validate=validate.OneOf(EVENTS), metadata=about("Of what it is told."))
    target_url = fields.String(metadata=about("Where events are posted to.", _TARGET))
    filter = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata=about("Only events for which all of these hold.", {"segment": ["vip"]}),
    )
    include_own = fields.Boolean(metadata=about("Also what Crisp tells of our own writes.", False))
    created_at = moment("When it was made.")
    failing_since = moment("Since when nothing but failures came of it.", None, nullable=True)
    disabled_at = moment("When it was given up.", None, nullable=True)
    disabled_reason = fields.String(allow_none=True, metadata=about("What came of the last attempt.", None))
    last_delivery = fields.Nested(
        LastDeliveryOut, allow_none=True, metadata=about("The newest; null when there is none yet.")
    )


class NewSubscriptionOut(SubscriptionOut):
    """A subscription with the secret that its deliveries are signed with."""

    secret = fields.String(metadata=about("What its deliveries are signed with.", f"whsec_{SECRET}"))


class TestedOut(Answer):
    """What came of one attempt: a status, or the reason why there is none."""

    delivered = fields.Boolean(metadata=about("It was taken."))
    status = fields.Integer(allow_none=True, metadata=about("The HTTP status that came back.", 200))
    reason = fields.String(allow_none=True, metadata=about("Why none came back.", None))
    ms = fields.Integer(metadata=about("Milliseconds that it took.", 85))


class EndedOut(Answer):
    """The subscription has ended."""

    deleted = fields.Boolean(metadata=about("It is gone."))
    id = fields.String(metadata=about("Which one.", ID))
