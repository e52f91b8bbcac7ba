"""The start page and the documentation. Everything comes from this service: no address outside is asked."""

from collections import Counter
from typing import Any

from flask import Blueprint, current_app, render_template

from connector.api.access import services
from connector.api.answers import base_url
from connector.errors import CODES as ERRORS
from connector.ledger import connections as tenants
from connector.notes import CODES as NOTES
from connector.outcomes import HALTED
from connector.version import __version__

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def start() -> str:
    """What this is, whether it can work, and what to do next."""
    with services().ledger.read() as connection:
        known = tenants.every(connection)
    # Everybody may look: how many there are and why, but not whose.
    reasons = Counter(HALTED.get(tenant.halted, tenant.halted) for tenant in known if tenant.halted)
    told = {"connected": len(known), "halted": reasons.total(), "reasons": reasons.most_common()}
    return render_template("start.html", version=__version__, base=base_url(), **told)


@blueprint.get("/docs")
def docs() -> str:
    """How to send, every route, field, note and error."""
    manifest = services().manifest
    told = {
        "fields": manifest.fields.values(),
        "sources": manifest.sources.values(),
        "notes": NOTES,
        "errors": ERRORS,
        "routes": _routes(),
    }
    return render_template("docs.html", version=__version__, base=base_url(), **told)


def _routes() -> list[dict[str, Any]]:
    """Every operation of the OpenAPI, flat."""
    spec = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    return [
        {"path": path, "method": method.upper(), **operation}
        for path, operations in spec["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict)
    ]
