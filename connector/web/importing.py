"""Import: a file is dropped, looked at, tried with two rows, sent, watched, and what failed comes back to be corrected.

No file is kept between looking and importing: the browser holds it and sends it again.
"""

import json
from typing import Any
from urllib.parse import quote

from flask import Response, render_template, request, url_for
from flask import redirect as redirected
from werkzeug.wrappers import Response as BaseResponse

from connector.api.access import services
from connector.errors import Problem
from connector.web import door
from connector.web.choosing import chosen, key_of, mapping_of
from connector.web.pages import blueprint
from connector.web.sending import once
from connector.web.speaking import Answer, ask, fetch
from connector.web.words import _

_TEXTS = ("separator", "encoding", "sheet", "mode", "country", "timezone")
_FORM = "multipart/form-data"
_PAGE = 20


@blueprint.get("/import")
@door.members_only
def importing() -> str:
    """Where a file is dropped; below, earlier imports."""
    return _page()


@blueprint.post("/import/preview")
@door.members_only
def look_at_file() -> str:
    """What is in it; as a part where the page is there already."""
    try:
        seen = _send("/v1/imports/preview").body
    except Problem as problem:
        return _part_or_page(problem=problem)
    return _part_or_page(seen=seen, chosen=chosen(request.form), data_key=key_of)


@blueprint.post("/import/start")
@door.members_only
def start() -> str | BaseResponse | tuple[str, int]:
    """Imports it, or the first rows of it."""
    try:
        made = _send("/v1/imports", is_sent=True).body
    except Problem as problem:
        return _page(problem=problem), problem.status
    address = url_for("web.watch", import_id=made["import_id"])
    if "HX-Request" in request.headers:
        return Response(headers={"HX-Redirect": address})
    return redirected(address, 303)


@blueprint.get("/import/<import_id>")
@door.members_only
def watch(import_id: str) -> str:
    """One import: how far it is, and what failed."""
    return render_template("import.html", **_progress(import_id))


@blueprint.get("/import/<import_id>/progress")
@door.members_only
def progress(import_id: str) -> str:
    """The part that changes."""
    return render_template("import_progress.html", **_progress(import_id))


@blueprint.post("/import/<import_id>/<any(pause, resume, cancel, replay):act>")
@door.members_only
def move(import_id: str, act: str) -> BaseResponse:
    """Pauses, goes on, ends, or sends again what failed."""
    ask("POST", f"/v1/imports/{quote(import_id)}/{act}")
    return redirected(url_for("web.watch", import_id=import_id), 303)


@blueprint.get('/import/<import_id>/<any("failures.csv", "crisp.csv"):name>')
@door.members_only
def download(import_id: str, name: str) -> Response:
    """A file of it."""
    return fetch("GET", f"/v1/imports/{quote(import_id)}/{name}")


def _page(**more: Any) -> str:
    query = {"limit": _PAGE, "cursor": request.args.get("cursor")}
    earlier = ask("GET", "/v1/imports", query=query)
    return render_template(
        "imports.html", earlier=earlier, fields=services().manifest.fields, given=request.form, **more
    )


def _part_or_page(**told: Any) -> str:
    if "HX-Request" in request.headers:
        return render_template("import_seen.html", fields=services().manifest.fields, **told)
    return _page(**told)


def _send(path: str, *, is_sent: bool = False) -> Answer:
    """The file, or where it is, with what was chosen; what is sent for real goes out once."""
    options = {name: value for name in _TEXTS if (value := request.form.get(name, "").strip())}
    if options.get("separator") == "tab":
        options["separator"] = "\t"
    beside: dict[str, Any] = {**options, **_numbers()}
    mapping = mapping_of(request.form)
    if request.form.get("url", "").strip():
        sent = {"url": request.form["url"].strip(), "options": beside, **({"mapping": mapping} if mapping else {})}
        return ask("POST", path, json=sent, headers=once(path, sent) if is_sent else {})
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Problem("file_missing", message=_("Choose a file, or paste a link to one."))
    headers = once(path, beside, mapping, file.filename, file=file.stream) if is_sent else {}
    form: dict[str, Any] = {"file": (file.stream, file.filename), "options": json.dumps(beside)}
    form |= {"mapping": json.dumps(mapping)} if mapping else {}
    return ask("POST", path, data=form, content_type=_FORM, headers=headers)


def _numbers() -> dict[str, Any]:
    """Options that are no text: how many rows at first, in which line the names are, and whether it is forgotten."""
    limit, header = request.form.get("limit", ""), request.form.get("header", "").strip()
    told: dict[str, Any] = {"limit": int(limit)} if limit.isascii() and limit.isdigit() and len(limit) < 9 else {}
    if header:
        told["header"] = int(header) if header.isascii() and header.isdigit() and len(header) < 9 else header != "no"
    return {**told, "forget": True} if "forget" in request.form else told


def _progress(import_id: str) -> dict[str, Any]:
    path = f"/v1/imports/{quote(import_id, safe='')}"
    shown = ask("GET", path).body
    totals = shown["totals"]
    failed = [
        row
        for outcome in ("rejected", "dead")
        if totals[outcome]
        for row in ask("GET", f"{path}/records", query={"outcome": outcome, "limit": _PAGE}).body
    ]
    return {"shown": shown, "failed": failed, "done": totals["records"] - totals["waiting"]}
