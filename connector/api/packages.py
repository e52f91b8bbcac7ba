"""Manifests: the packages of no-code platforms, made for this very service, and the schemas of the declarations."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, current_app
from marshmallow import fields

from connector import packages
from connector.api.access import services
from connector.api.answers import answer, base_url
from connector.api.blueprint import Blueprint
from connector.api.fact_examples import schema_names
from connector.api.shapes import Answer, about
from connector.errors import Problem
from connector.manifest import manifests_root
from connector.platforms import EXAMPLE, registry, zipped

blueprint = Blueprint(
    "packages",
    __name__,
    url_prefix="/manifests",
    description="Packages for no-code platforms with the address of this service filled in. No API key is needed.",
)


class PackageOut(Answer):
    """A platform that there is a package for."""

    key = fields.String(metadata=about("Names the platform.", "n8n"))
    label = fields.String(metadata=about("What it is called.", registry()["n8n"].label))
    url = fields.String(metadata=about("Where its package is.", f"{EXAMPLE}/manifests/n8n", format="uri"))


# What is no text has no schema (OpenAPI 3.1), and its example is one of itself.
_ZIP = {
    "description": "The package.",
    "content": {
        "application/zip": {"examples": {"n8n": {"summary": "For n8n", "externalValue": f"{EXAMPLE}/manifests/n8n"}}}
    },
}
_SCHEMA = {
    "type": "object",
    "description": "A JSON Schema, draft 2020-12.",
    "example": {"title": "An action: something a builder does with a contact", "type": "object"},
}


@blueprint.route("", methods=["GET"])
@blueprint.response(200, PackageOut(many=True))
@blueprint.doc(security=[])
def list_packages() -> Response:
    """List packages.

    The platforms that there is a package for.
    """
    url = f"{base_url()}/manifests"
    return answer([{"key": key, "label": each.label, "url": f"{url}/{key}"} for key, each in registry().items()])


@blueprint.route("/<platform>", methods=["GET"])
@blueprint.fails("platform_unknown")
@blueprint.doc(security=[], responses={"200": _ZIP})
def get_package(platform: str) -> Response:
    """Download a package.

    A platform's package as a zip, with the address of this service filled in.
    """
    if platform not in registry():
        raise Problem("platform_unknown", names=", ".join(registry()))
    document: Callable[[], Mapping[str, Any]] = current_app.extensions["openapi"]
    told = packages.told(services().manifest, document(), base_url())
    named = {"Content-Disposition": f'attachment; filename="crisp-connector-{platform}.zip"'}
    return Response(zipped(registry()[platform].build(told)), mimetype="application/zip", headers=named)


@blueprint.route("/schema/<schema>", methods=["GET"])
@blueprint.response(200, _SCHEMA, description="The schema.", content_type="application/schema+json")
@blueprint.fails("schema_unknown")
@blueprint.doc(security=[])
def get_manifest_schema(schema: str) -> Response:
    """Get the schema of a manifest.

    What the manifests of fields, actions, triggers, sources and others may say, as a JSON Schema.
    """
    name = schema.removesuffix(".schema.json")
    if name not in schema_names():
        raise Problem("schema_unknown", names=", ".join(schema_names()))
    found = manifests_root().joinpath("schema", f"{name}.schema.json")
    return Response(found.read_bytes(), mimetype="application/schema+json")
