"""Who is at the pages: a session that began with an API key, and ends with it, with signing out, or after 12 hours.

The cookie holds a random ticket, of which the database has the hash: one that was stolen is worth nothing after
signing out. It is never sent along from other sites (SameSite=Strict), and every form has a token against forgery.
"""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Response, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Connection
from werkzeug.wrappers import Response as BaseResponse

from connector.api.access import Caller, of_key, services, used
from connector.ledger import tickets
from connector.ledger.connections import SCOPES, Key

_HOURS = 12
_TICKET = "ticket"
P = ParamSpec("P")
R = TypeVar("R")
csrf = CSRFProtect()


class _Cookie(SecureCookieSessionInterface):
    """Goes over https alone where the service is reached by it, as it says itself or its proxy does."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether it is."""
        public = app.extensions["connector"].settings.public_url.startswith("https://")
        return bool(public or request.is_secure or request.headers.get("X-Forwarded-Proto", "") == "https")


def prepare(app: Flask) -> None:
    """Cookies, and the tokens of forms, which the pages alone check: whoever sends an API key proves more."""
    newest, *older = app.extensions["connector"].vault.derived("pages")
    app.config.update(SECRET_KEY=newest, SECRET_KEY_FALLBACKS=older)
    app.config.update(SESSION_COOKIE_NAME="crisp_connector", SESSION_COOKIE_HTTPONLY=True)
    app.config.update(SESSION_COOKIE_SAMESITE="Strict", SESSION_REFRESH_EACH_REQUEST=False)
    app.config.update(PERMANENT_SESSION_LIFETIME=_HOURS * 3600)
    # No page says where it was asked from (Referrer-Policy), so that cannot be checked; a token lasts with its session.
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_SSL_STRICT=False, WTF_CSRF_TIME_LIMIT=None)
    app.session_interface = _Cookie()
    csrf.init_app(app)


def let_in(connection: Connection, key: Key) -> None:
    """Begins a session, in the place of any that was."""
    now, ticket = services().ledger.clock(), secrets.token_urlsafe(32)
    let_out(connection)
    tickets.add(connection, tickets.SESSION, ticket, now + _HOURS * 3_600_000, key_id=key.id)
    session[_TICKET] = ticket
    session.permanent = True


def let_out(connection: Connection) -> None:
    """Ends the session, if there is one; nothing of it is good any more."""
    ticket = session.get(_TICKET)
    if ticket:
        tickets.spend(connection, tickets.SESSION, ticket, services().ledger.clock())
    session.clear()


def visitor() -> Caller | None:
    """Who is signed in. While a failure of the service is told nothing is looked up, for that may be what fails."""
    if "caller" not in g and not g.get("failing", False) and (ticket := session.get(_TICKET)):
        with services().ledger.read() as connection:
            key = tickets.key_of(connection, tickets.SESSION, ticket, services().ledger.clock())
            found = of_key(connection, key)
        if found is not None:
            used(found.key)
            g.caller = found
    known: Caller | None = g.get("caller")
    return known


def may(scope: str) -> bool:
    """Whether who is signed in may do what needs this scope."""
    found = visitor()
    return found is not None and max(SCOPES.index(each) for each in found.key.scopes) >= SCOPES.index(scope)


def members_only(view: Callable[P, R]) -> Callable[P, R | BaseResponse]:
    """Guards a page: nobody sees it without signing in first, and is led back to it then."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | BaseResponse:
        return view(*args, **kwargs) if visitor() is not None else _to_the_door()

    return guarded


def _to_the_door() -> BaseResponse:
    address = url_for("web.sign_in", next=request.full_path.rstrip("?") if request.method == "GET" else None)
    if "HX-Request" in request.headers:
        return Response(status=401, headers={"HX-Redirect": url_for("web.sign_in")})
    return redirect(address, 303)
