"""Activity: what became of each record, what needs somebody, and charts of it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from connector import outcomes
from connector.api.access import services
from connector.api.answers import answer
from connector.convert.times import from_milliseconds
from connector.crisp.calls import STATUSES
from connector.errors import CODES, Problem
from connector.ids import made_at
from connector.notes import CODES as NOTES
from connector.notes import note
from connector.web import door
from connector.web.pages import blueprint
from connector.web.speaking import ask
from connector.web.words import plural

_FILTERS = ("status", "source", "code", "email", "since", "until")
_PAGE = 50
# Of these whatever failed can be sent again by its kind.
_FAILED = ("rejected", "dead")


@blueprint.get("/activity")
@door.members_only
def activity() -> str | tuple[str, int]:
    """Newest first, those that fit the filter."""
    given = {name: request.args.get(name, "").strip() for name in _FILTERS}
    told: dict[str, Any] = {"given": given, "statuses": STATUSES, "sources": services().manifest.sources}
    try:
        found = _found(given)
    except Problem as problem:
        if "HX-Request" in request.headers:
            raise
        return render_template("activity.html", rows=[], problem=problem, **told), problem.status
    template = "activity_rows.html" if "HX-Request" in request.headers else "activity.html"
    return render_template(template, **found, **told)


@blueprint.get("/activity/numbers")
@door.members_only
def numbers() -> Any:
    """What the charts show, as the API gives it."""
    return answer(ask("GET", "/v1/activity", query={"period": request.args.get("period", "")}).body)


@blueprint.get("/activity/kinds")
@door.members_only
def kinds() -> str:
    """What failed or waits, as lists of work."""
    found = ask("GET", "/v1/activity").body["kinds"]
    return render_template("activity_kinds.html", kinds=[{**each, "why": _why(each)} for each in found])


@blueprint.post("/activity/replay")
@door.members_only
def replay_kind() -> Response:
    """Sends all of a kind again, or one."""
    code, one = request.form.get("code", ""), request.form.get("id", "")
    done = ask("POST", "/v1/outcomes/replay", json={"ids": [one]} if one else {"code": code}).body
    count, left = done["replayed"], done["not_replayable"]
    flash(plural("%(num)s record is sent again.", "%(num)s records are sent again.", count) % {"num": count})
    if left:
        told = plural(
            "%(num)s has no usable contact: correct it and send it anew.",
            "%(num)s have no usable contact: correct them and send them anew.",
            left,
        )
        flash(told % {"num": left}, "bad")
    return redirect(url_for("web.outcome", outcome_id=one) if one else url_for("web.activity"), 303)


@blueprint.get("/activity/<outcome_id>")
@door.members_only
def outcome(outcome_id: str) -> str:
    """Everything that is known of one record."""
    shown = ask("GET", f"/v1/outcomes/{quote(outcome_id, safe='')}").body
    template = "outcome_part.html" if "HX-Request" in request.headers else "outcome.html"
    return render_template(template, shown=shown, fields=services().manifest.fields, failed=_FAILED)


def _why(kind: Mapping[str, Any]) -> str | None:
    """What the code of a kind means, in a sentence."""
    code = kind["code"]
    if kind["status"] == "waiting":
        return outcomes.WAITING.get(code)
    if code in NOTES:
        return note(code, "email" if code.startswith("email") else None).message
    return outcomes.sentence_of(code) if code in CODES else None


def _found(given: dict[str, str]) -> dict[str, Any]:
    wanted = {**given, **{name: _moment(given[name]) for name in ("since", "until")}}
    cursor = request.args.get("cursor")
    found = ask("GET", "/v1/outcomes", query={**wanted, "limit": _PAGE, "cursor": cursor})
    rows = [{**each, "came_at": from_milliseconds(made_at(each["outcome_id"]))} for each in found.body]
    return {"rows": rows, "cursor": found.cursor, "first": cursor is None}


def _moment(written: str) -> str:
    """What a browser's field for a date gives, in UTC; anything else as it is, for `/v1` to say what it must be."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return written
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
