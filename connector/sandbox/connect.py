"""Where the RTM API is to be found, for a token of either tier."""

from flask import Blueprint, Response, request

from .envelope import answer
from .refusal import RefusalError, route_not_found
from .rtm import PATH
from .state import sandbox

blueprint = Blueprint("connect", __name__, url_prefix="/v1")


@blueprint.get("/website/connect/endpoints")
def for_websites() -> Response:
    """Get Connect Endpoints, with a website token."""
    return endpoints("website")


@blueprint.get("/plugin/connect/endpoints")
def for_plugins() -> Response:
    """Get Connect Endpoints, with a plugin token."""
    return endpoints("plugin")


def endpoints(tier: str) -> Response:
    """`{"socket": {"app": url}}`: on the port on which this was asked."""
    options = sandbox().options
    if options.rtm == "off":
        raise route_not_found()
    if options.tier != tier:
        raise RefusalError(403, "not_allowed", f"for the {tier} tier only")
    return answer("resolved", {"socket": {"app": f"{request.url_root.rstrip('/')}{PATH}"}})
