"""`/metrics`: what Prometheus scrapes. A tenant sees its own lines; who has the metrics key, and the machine that the
service runs on, see all."""

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Response, current_app, request
from prometheus_client.exposition import choose_encoder

from connector.api.access import connection_id, given_key, needs, services
from connector.api.described import Described
from connector.api.failures import KEY
from connector.api.shapes import WEBSITE
from connector.metrics import DECLARED, PREFIX, registry
from connector.overview import Kept

blueprint = Described(
    "metrics", __name__, description="Figures of what waits, what was called and what is left, for Prometheus."
)
_SHOWN = next(each for each in DECLARED if each.name == "dead_letters")
_EXAMPLE = f"""# HELP {PREFIX}{_SHOWN.name} {_SHOWN.help}
# TYPE {PREFIX}{_SHOWN.name} {_SHOWN.kind}
{PREFIX}{_SHOWN.name}{{connection="{WEBSITE}"}} 0.0
"""
_TEXT = {"schema": {"type": "string"}, "example": _EXAMPLE}
_ANSWER = {
    "description": "Prometheus' text format, or OpenMetrics where that is accepted.",
    "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
}
# Any of these, or of X-Forwarded-…, says that a proxy brought the request, which may come from anywhere.
_FORWARDED = ("Forwarded", "X-Real-Ip", "Via")


@blueprint.route("/metrics", methods=["GET"])
@blueprint.fails(*KEY, "scope_missing/admin")
@blueprint.doc(responses={"200": _ANSWER}, security=[{"key": []}, {"key_header": []}, {}])
def get_metrics() -> Response:
    """Get metrics.

    Of the key's connection (scope admin); of all connections with the key of CONNECTOR_METRICS_KEY, and on the machine
    itself without a key.
    """
    key = given_key()
    sees_all = _from_this_machine() if key is None else _is_metrics_key(key)
    return _shown(None) if sees_all else _own()


def _is_metrics_key(key: str) -> bool:
    """Whether it is the operator's; how long the answer takes says nothing of how near it is."""
    wanted = services().settings.metrics_key
    return bool(wanted) and hmac.compare_digest(key.encode(), wanted.encode())


@needs("admin")
def _own() -> Response:
    return _shown(connection_id())


def _shown(connection_id: str | None) -> Response:
    kept: Kept = current_app.extensions["overviews"]
    found = registry(kept.look(connection_id))
    try:
        encoder, content_type = choose_encoder(request.headers.get("Accept", ""))
    except TypeError:  # a version that is no number
        encoder, content_type = choose_encoder("")
    return Response(encoder(found), content_type=content_type)


def _from_this_machine() -> bool:
    """Whether it was sent here directly: the peer is loopback, and no proxy says that it brought it.

    Loopback must also be what it was sent to: a page in a browser on this machine may make its own name lead here.
    """
    brought = any(name in _FORWARDED or name.startswith("X-Forwarded-") for name, _ in request.headers)
    return not brought and _is_loopback(request.remote_addr) and _is_loopback(_host())


def _host() -> str | None:
    try:
        return urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        return None


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host or "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
