"""The blueprint of all pages: what holds for each, how a problem looks, and what every template knows."""

from functools import cache
from typing import Any

from flask import Blueprint, Response, current_app, g, render_template, request, url_for
from flask_wtf.csrf import CSRFError

from connector.errors import Problem
from connector.files.limits import MOST_COLUMNS
from connector.uploads.store import LARGEST
from connector.version import __version__
from connector.web import door

NAME = "web"
blueprint = Blueprint(NAME, __name__)
# A payload may be pasted into a form; what is larger comes as a file.
_PASTED = 2_000_000
# Where a file may come along, of who is signed in.
_WITH_FILES = (f"{NAME}.look_at_file", f"{NAME}.start")
# Fields of a form: of each column of a file its name and what it feeds, and a few more.
_FIELDS = 2 * MOST_COLUMNS + 100
# Below these there are only programs.
_NO_PAGES = ("/v1", "/in/", "/crisp/")
_POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # What a page showed is not shown again after signing out.
    "Cache-Control": "no-store",
}


@blueprint.before_request
def check_form() -> None:
    """A form that was not made here is not taken."""
    takes_files = request.endpoint in _WITH_FILES and door.visitor() is not None
    files = LARGEST if takes_files else 0
    request.max_form_memory_size, request.max_content_length = _PASTED, _PASTED + files
    request.max_form_parts = _FIELDS
    if request.method == "POST":
        if not all(request.form):  # a part of a body may have no name
            raise Problem("form_expired")
        try:
            door.csrf.protect()
        except CSRFError:
            raise Problem("form_expired") from None


@blueprint.before_request
def come_again() -> str | None:
    """Who follows a link from elsewhere is sent without the session (SameSite=Strict), and would be given a new one in
    its place: the page is asked for once more, from here."""
    elsewhere = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if request.method == "GET" and elsewhere and current_app.config["SESSION_COOKIE_NAME"] not in request.cookies:
        return render_template("again.html", address=request.full_path.rstrip("?"))
    return None


@blueprint.after_request
def guard(response: Response) -> Response:
    """A page runs nothing but what this service serves."""
    for name, value in _POLICY.items():
        response.headers.setdefault(name, value)
    return response


@blueprint.app_context_processor
def known() -> dict[str, Any]:
    """What every template knows."""
    return {"visitor": door.visitor(), "may": door.may, "version": __version__, "static": static}


def static(name: str) -> str:
    """The address of a file that this version's pages load."""
    return _static(name, request.script_root)


@cache
def _static(name: str, _prefix: str) -> str:
    """`_prefix`: where the service is mounted for who asks."""
    return url_for("static", filename=name, v=__version__)


def wants_page() -> bool:
    """Whether a browser asks, as far as that can be seen, and for a page, or for what is nowhere."""
    if request.blueprint != NAME and (request.blueprint is not None or request.path.startswith(_NO_PAGES)):
        return False
    return "HX-Request" in request.headers or "text/html" in request.headers.get("Accept", "")


def page_of(problem: Problem) -> Response:
    """A problem as a page, or, where a part of a page was asked for, as a part."""
    g.failing = problem.status >= 500
    template = "problem_part.html" if "HX-Request" in request.headers else "problem.html"
    body = render_template(template, problem=problem, request_id=g.request_id)
    return guard(Response(body, status=problem.status, mimetype="text/html"))
