"""Coming in and going out: an API key, a link good for one, the code of the first start; and signing out."""

from flask import flash, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector import first_start
from connector.api.access import braked, of_key, services
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.ledger import tickets
from connector.ledger.connections import Key
from connector.settings import TIERS
from connector.web import door
from connector.web.pages import blueprint
from connector.web.speaking import ask
from connector.web.words import _

_TOKEN = ("website_id", "identifier", "key", "tier", "label")


@blueprint.get("/sign-in")
def sign_in() -> str | Response:
    """Where a key is given; at the first start, where the code is."""
    if door.visitor() is not None:
        return redirect(url_for("web.connect"), 303)
    return _first_page() if first_start.is_open(services()) else render_template("sign_in.html", next=_next())


@blueprint.post("/sign-in")
def enter() -> str | Response | tuple[str, int]:
    """Takes the key."""
    try:
        with braked():
            _let_in_with(request.form.get("key", "").strip())
    except Problem as problem:
        return render_template("sign_in.html", next=_next(), problem=problem), problem.status
    return redirect(_next() or url_for("web.connect"), 303)


@blueprint.get("/sign-in/<code>")
def link(code: str) -> str:
    """A link good for one: it is used up by a button, for programs that look at links before people do push none."""
    return render_template("sign_in_once.html", code=code)


@blueprint.post("/sign-in/<code>")
def enter_once(code: str) -> Response | tuple[str, int]:
    """Uses the link up."""
    try:
        with braked():
            _let_in_by(code)
    except Problem as problem:
        return render_template("sign_in.html", next=None, problem=problem), problem.status
    return redirect(url_for("web.connect"), 303)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends the session."""
    with services().ledger.write(durable=True) as connection:
        door.let_out(connection)
    flash(_("You are signed out."))
    return redirect(url_for("web.sign_in"), 303)


@blueprint.post("/setup")
def set_up() -> str | tuple[str, int]:
    """The first start: the code, and the first website."""
    sent = {name: request.form[name].strip() for name in ("code", *_TOKEN) if request.form.get(name, "").strip()}
    try:
        made = ask("POST", "/v1/setup", json=sent).body
    except Problem as problem:
        return _first_page(problem), problem.status
    _let_in_with(made["key"])
    return render_template("first_key.html", made=made)


def _first_page(problem: Problem | None = None) -> str:
    with services().ledger.read() as connection:
        known = tenants.every(connection)
    return render_template("setup.html", connected=bool(known), tiers=TIERS, problem=problem, given=request.form)


def _let_in_with(secret: str) -> None:
    with services().ledger.write(durable=True) as connection:
        _let_in(connection, tenants.find_key(connection, secret) if secret else None, "key_invalid")


def _let_in_by(code: str) -> None:
    now = services().ledger.clock()
    with services().ledger.write(durable=True) as connection:
        key = tickets.key_of(connection, tickets.LINK, code, now)
        spent = tickets.spend(connection, tickets.LINK, code, now)
        _let_in(connection, key if spent else None, "link_used")


def _let_in(connection: Connection, key: Key | None, otherwise: str) -> None:
    """Raises the problem of this code when there is no such key any more."""
    caller = of_key(connection, key)
    if caller is None:
        raise Problem(otherwise)
    door.let_in(connection, caller.key)


def _next() -> str | None:
    """Where somebody wanted to go; an address of this service and no other."""
    wanted = request.values.get("next", "")
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if local else None
