"""Triggers: what happened in Crisp, who is told of it, and how that went; and the sheets that it is written to."""

from typing import Any
from urllib.parse import quote

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.api.access import services
from connector.api.answers import base_url
from connector.errors import Problem
from connector.events.meaning import EVENTS
from connector.sinking import EVENTS as WRITTEN
from connector.sinking import KINDS
from connector.web import door
from connector.web.pages import blueprint
from connector.web.speaking import ask
from connector.web.words import _, sentence

_PAGE = 20
# Options of a sheet that are asked for; the others have good values of their own.
_OPTIONS = ("spreadsheet", "sheet", "mode")


@blueprint.get("/triggers")
@door.members_only
def triggers() -> str:
    """Subscriptions, deliveries, sheets, and the newest events of a kind."""
    return _page()


@blueprint.post("/triggers/subscriptions")
@door.members_only
def subscribe() -> str | tuple[str, int]:
    """A new subscription, with its secret."""
    said = request.form
    sent = {"event": said.get("event", ""), "target_url": said.get("target_url", "").strip()}
    return _with_secret("POST", "/v1/subscriptions", json={**sent, "include_own": "include_own" in said})


@blueprint.post("/triggers/subscriptions/<subscription_id>/<any(test, rotate, enable, delete):act>")
@door.members_only
def act_on_subscription(subscription_id: str, act: str) -> str | Response | tuple[str, int]:
    """Sends a sample, makes a new secret, lets it go on, or ends it."""
    path = f"/v1/subscriptions/{quote(subscription_id, safe='')}"
    if act == "rotate":
        return _with_secret("POST", f"{path}/rotate")
    try:
        if act == "test":
            _tell(ask("POST", f"{path}/test").body)
        elif act == "enable":
            ask("PATCH", path, json={"enabled": True})
            flash(_("It is told again from now on."))
        else:
            ask("DELETE", path)
            flash(_("The subscription is deleted."))
    except Problem as problem:
        return _page(problem=problem), problem.status
    return redirect(url_for("web.triggers"), 303)


@blueprint.get("/triggers/deliveries/<delivery_id>")
@door.members_only
def delivery(delivery_id: str) -> str:
    """What was said, and what came of each attempt."""
    return render_template("delivery.html", shown=ask("GET", f"/v1/deliveries/{quote(delivery_id, safe='')}").body)


@blueprint.post("/triggers/deliveries/<delivery_id>/replay")
@door.members_only
def replay_delivery(delivery_id: str) -> Response:
    """Tells it once more."""
    ask("POST", f"/v1/deliveries/{quote(delivery_id, safe='')}/replay")
    flash(_("It is told once more."))
    return redirect(url_for("web.delivery", delivery_id=delivery_id), 303)


@blueprint.post("/triggers/sinks")
@door.members_only
def add_sink() -> Response | tuple[str, int]:
    """A sheet to write to."""
    said = request.form
    options = {name: value for name in _OPTIONS if (value := said.get(name, "").strip())}
    sent = {"kind": said.get("kind", ""), "events": said.getlist("events"), "options": options}
    label = said.get("label", "").strip()
    try:
        more = {"credential": said.get("credential", ""), **({"label": label} if label else {})}
        ask("POST", "/v1/sinks", json={**sent, **more})
    except Problem as problem:
        return _page(problem=problem), problem.status
    flash(_("It is added. Test it now."))
    return redirect(url_for("web.triggers") + "#sheets", 303)


@blueprint.post("/triggers/sinks/<sink_id>/<any(test, enable, delete):act>")
@door.members_only
def act_on_sink(sink_id: str, act: str) -> Response | tuple[str, int]:
    """Looks whether it can be written to, lets it go on, or takes it away."""
    path = f"/v1/sinks/{quote(sink_id, safe='')}"
    try:
        if act == "test":
            ask("POST", f"{path}/test")
            flash(_("The sheet can be written to."))
        elif act == "enable":
            ask("PATCH", path, json={"enabled": True})
            flash(_("It is written to again from now on."))
        else:
            ask("DELETE", path)
            flash(_("It is not written to any more. What is in the sheet stays."))
    except Problem as problem:
        return _page(problem=problem), problem.status
    return redirect(url_for("web.triggers") + "#sheets", 303)


def _page(**more: Any) -> str:
    event = request.values.get("kind_of_event", "")
    event = event if event in EVENTS else EVENTS[0]
    told = {
        "subscriptions": ask("GET", "/v1/subscriptions").body,
        "deliveries": ask("GET", "/v1/deliveries", query={"limit": _PAGE}).body,
        "happened": ask("GET", f"/v1/events/{event}", query={"limit": _PAGE}).body,
        "sinks": ask("GET", "/v1/sinks").body,
        "triggers": services().manifest.triggers,
    }
    fixed = {"events": EVENTS, "written": WRITTEN, "kinds": KINDS, "event": event, "base": base_url()}
    return render_template("triggers.html", **told, **fixed, **more)


def _with_secret(method: str, path: str, **sent: Any) -> str | tuple[str, int]:
    try:
        made = ask(method, path, **sent).body
    except Problem as problem:
        return _page(problem=problem), problem.status
    return _page(made=made)


def _tell(tried: dict[str, Any]) -> None:
    answered = tried["status"] or sentence(tried["reason"])
    if tried["delivered"]:
        flash(_("The sample was taken: %(answer)s.", answer=answered))
    else:
        flash(_("The sample was not taken: %(answer)s.", answer=answered), "bad")
