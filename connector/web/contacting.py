"""Contact: somebody in Crisp, what came here of the person, and erasing both."""

from typing import Any
from urllib.parse import quote

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector.api.access import services
from connector.convert.times import from_milliseconds
from connector.errors import Problem
from connector.ids import made_at
from connector.web import door
from connector.web.pages import blueprint
from connector.web.speaking import ask
from connector.web.words import _

_PAGE = 20


@blueprint.get("/contacts")
@door.members_only
def contacts() -> str | tuple[str, int]:
    """Who is asked for, if somebody is."""
    who = request.args.get("who", "").strip()
    told: dict[str, Any] = {"who": who, "fields": services().manifest.fields, "sources": services().manifest.sources}
    if not who:
        return render_template("contact.html", **told)
    history = _history(who)
    try:
        person = ask("GET", f"/v1/contacts/{quote(who, safe='')}").body
    except Problem as problem:
        return render_template("contact.html", problem=problem, history=history, **told), problem.status
    return render_template("contact.html", person=person, history=history, **told)


@blueprint.post("/contacts/erase")
@door.members_only
def erase() -> Response:
    """Erases the person in Crisp and here."""
    ask("DELETE", f"/v1/contacts/{quote(request.form.get('who', '').strip(), safe='')}")
    flash(_("The person is erased, in Crisp and here."))
    return redirect(url_for("web.contacts"), 303)


def _history(who: str) -> list[dict[str, Any]]:
    """What came of the person; nothing of one who is named by an id, which is no email."""
    try:
        found = ask("GET", "/v1/outcomes", query={"email": who, "limit": _PAGE}).body
    except Problem as problem:
        if problem.status != 422:
            raise
        return []
    return [{**each, "came_at": from_milliseconds(made_at(each["outcome_id"]))} for each in found]
