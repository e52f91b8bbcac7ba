"""Connect: the Crisp website, API keys, addresses for other systems, and what is pasted into other tools."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.api.access import services
from connector.api.answers import base_url
from connector.crisp.probe import MOST_CALLS, STEPS
from connector.errors import Problem
from connector.ledger.connections import SCOPES
from connector.outcomes import HALTED
from connector.platforms import registry
from connector.settings import TIERS
from connector.web import door
from connector.web.boxes import UNKNOWN, boxes
from connector.web.pages import blueprint
from connector.web.speaking import ask
from connector.web.words import _


@blueprint.get("/")
@door.members_only
def connect() -> str:
    """The first page."""
    return _page()


@blueprint.post("/connect/doctor")
@door.members_only
def examine() -> str | Response:
    """What is wrong, and what to do about it."""
    findings = ask("POST", "/v1/doctor").body
    return _part_or_page("findings.html", findings=findings)


@blueprint.post("/connect/probe")
@door.members_only
def probe() -> str | Response:
    """How this Crisp behaves."""
    probed = ask("POST", "/v1/probe").body
    return _part_or_page("probed.html", probed=probed)


@blueprint.post("/connect/website")
@door.members_only
def change_website() -> Response | tuple[str, int]:
    """Another label, or another token."""
    sent = {name: value for name in ("label", "identifier", "key", "tier") if (value := _said(name))}
    if "key" not in sent and "identifier" not in sent:
        sent.pop("tier", None)
    website = door.visitor()
    path = f"/v1/connections/{quote(website.connection.id, safe='')}" if website else ""
    return _done(lambda: ask("PATCH", path, json=sent), _("It is changed."), "website")


@blueprint.post("/connect/websites")
@door.members_only
def add_website() -> str | tuple[str, int]:
    """One more website, whose first API key is on this page and on no other."""
    names = ("website_id", "label", "identifier", "key", "tier")
    sent = {name: value for name in names if (value := _said(name))}
    return _made("made_website", lambda: ask("POST", "/v1/connections", json=sent).body)


@blueprint.post("/connect/websites/<website_id>/remove")
@door.members_only
def remove_website(website_id: str) -> Response | tuple[str, int]:
    """A website that was added here is not connected any more."""
    path = f"/v1/connections/{quote(website_id, safe='')}"
    return _done(lambda: ask("DELETE", path), _("The website is not connected any more."), "websites")


@blueprint.post("/connect/keys")
@door.members_only
def add_key() -> str | tuple[str, int]:
    """A new key, whose secret is on this page and on no other."""
    return _made(
        "made_key", lambda: ask("POST", "/v1/keys", json={"label": _said("label"), "scopes": [_said("scope")]}).body
    )


@blueprint.post("/connect/keys/<key_id>/revoke")
@door.members_only
def revoke_key(key_id: str) -> Response | tuple[str, int]:
    """The key is not taken any more; who is signed in with it is not any more."""
    return _done(lambda: ask("DELETE", f"/v1/keys/{quote(key_id)}"), _("The key is revoked."), "keys")


@blueprint.post("/connect/inbound")
@door.members_only
def add_inbound() -> str | tuple[str, int]:
    """A new address for another system, whose secret is on this page and on no other."""
    names = ("source", "label", "secret", "sender", "credential", "timezone", "country")
    return _made(
        "made_inbound",
        lambda: ask("POST", "/v1/inbound", json={name: value for name in names if (value := _said(name))}).body,
    )


@blueprint.post("/connect/inbound/<inbound_id>/delete")
@door.members_only
def delete_inbound(inbound_id: str) -> Response | tuple[str, int]:
    """The address is gone."""
    return _done(lambda: ask("DELETE", f"/v1/inbound/{quote(inbound_id)}"), _("The address is deleted."), "inbound")


@blueprint.post("/connect/inbound/<inbound_id>/rotate")
@door.members_only
def rotate_inbound(inbound_id: str) -> str | tuple[str, int]:
    """A new secret."""
    return _made("made_inbound", lambda: ask("POST", f"/v1/inbound/{quote(inbound_id)}/rotate").body)


@blueprint.get("/connect/inbound/<inbound_id>/light")
@door.members_only
def light(inbound_id: str) -> str:
    """Whether something has come."""
    return render_template("light.html", inbound=ask("GET", f"/v1/inbound/{quote(inbound_id)}").body)


def _page(**more: Any) -> str:
    """All of it; what a key may not see is left out."""
    me = ask("GET", "/v1/me").body
    admin = door.may("admin")
    made: dict[str, Any] = more.get("made_key") or {}
    told: dict[str, Any] = {
        "keys": ask("GET", "/v1/keys").body if admin else [],
        "others": [each for each in ask("GET", "/v1/connections").body if each["id"] != me["id"]] if admin else [],
        "inbounds": ask("GET", "/v1/inbound", query={"limit": 100}).body if admin else [],
        "boxes": list(boxes(base_url(), made.get("key", UNKNOWN))),
        "packages": {key: each.label for key, each in registry().items()},
        "sources": services().manifest.sources,
        "halted": HALTED.get(me["halted"], me["halted"]) if me["halted"] else None,
        "given": request.form,
    }
    fixed = {"scopes": SCOPES, "tiers": TIERS, "steps": STEPS, "most_calls": MOST_CALLS}
    return render_template("connect.html", me=me, **told, **fixed, **more)


def _said(name: str) -> str:
    return request.form.get(name, "").strip()


def _made(name: str, make: Callable[[], Any]) -> str | tuple[str, int]:
    """Makes it, and shows the page with it; or says why not."""
    try:
        made = make()
    except Problem as problem:
        return _page(problem=problem), problem.status
    return _page(**{name: made})


def _done(act: Any, told: str, place: str) -> Response | tuple[str, int]:
    """Does it, says so, and shows the page again; or says why not."""
    try:
        act()
    except Problem as problem:
        return _page(problem=problem), problem.status
    flash(told)
    return redirect(url_for("web.connect") + f"#{place}", 303)


def _part_or_page(template: str, **told: Any) -> str:
    """The part alone where the page is there already."""
    if "HX-Request" in request.headers:
        return render_template(template, **told)
    return _page(**told)
