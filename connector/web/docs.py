"""The documentation. Everything comes from this service: no address outside is asked."""

from typing import Any

from flask import current_app, render_template

from connector.api.access import services
from connector.api.answers import base_url
from connector.errors import CODES as ERRORS
from connector.notes import CODES as NOTES
from connector.web.pages import blueprint


@blueprint.get("/docs")
def docs() -> str:
    """How to send, every route, field, note and error."""
    manifest = services().manifest
    told = {"fields": manifest.fields.values(), "sources": manifest.sources.values(), "routes": _routes()}
    return render_template("docs.html", base=base_url(), notes=NOTES, errors=ERRORS, **told)


def _routes() -> list[dict[str, Any]]:
    """Every operation of the OpenAPI, flat."""
    document = current_app.extensions["openapi"]()
    return [
        {"path": path, "method": method.upper(), **operation}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if isinstance(operation, dict)
    ]
