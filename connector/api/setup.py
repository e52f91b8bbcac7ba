"""The first start: the first website and the first key, for who has the one-time code from the service's log."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from connector import first_start
from connector.api.access import braked, services
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.connections import CRISP_ASKED, ConnectionIn, NewConnectionOut, about_of, token_of, with_key
from connector.api.failures import SHARED
from connector.api.shapes import about
from connector.saying import say

blueprint = Blueprint(
    "setup",
    __name__,
    url_prefix="/v1/setup",
    description="The first start, as long as nobody has an API key. The one-time code from the log is asked for.",
)
_FAILS = ("setup_code_wrong", "setup_done", "setup_token_missing", "key_slowed", *CRISP_ASKED, "connection_exists")
_TOKEN = ("website_id", "identifier", "key")


class SetupIn(ConnectionIn):
    """The code, and the website to connect unless one is connected already."""

    code = fields.String(
        required=True,
        load_only=True,
        validate=validate.Length(min=1, max=100),
        metadata=about("The one-time code that serve wrote to its log.", "AB2C-DE3F-GH4J"),
    )

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        for name in _TOKEN:
            self.fields[name].required = False

    @validates_schema
    def _whole(self, data: Mapping[str, Any], **_: Any) -> None:
        missing = [name for name in _TOKEN if name not in data]
        if len(missing) not in (0, len(_TOKEN)):
            raise ValidationError({name: [say("Send website_id, identifier and key together.")] for name in missing})


@blueprint.route("", methods=["POST"])
@blueprint.arguments(SetupIn, location="json")
@blueprint.response(201, NewConnectionOut)
@blueprint.fails(*SHARED["Unavailable"], *_FAILS)
@blueprint.doc(security=[])
def set_up(sent: Mapping[str, Any]) -> Response:
    """Set up the service.

    Connects the first website and makes the first API key, which is in this answer and nowhere else. No API key is
    needed, but the one-time code that stands in the log as long as nobody has one.
    """
    token = token_of(sent) if "key" in sent else None
    with braked():
        made, key = first_start.set_up(services(), sent["code"], token, about_of(sent), checked=sent["check"])
    return answer(with_key(made, key), 201)
