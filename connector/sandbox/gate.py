"""What every call under /v1/ passes around its view: counts, latency, credentials, limits, faults."""

import time

from flask import Flask, Response, g, request

from .card import same_email
from .envelope import json_body
from .faults import ANSWERS, Fault
from .refusal import RefusalError, invalid
from .state import Sandbox, sandbox

API = "/v1/"
ADD_PROFILE = "profiles.add"


def register(app: Flask) -> None:
    app.before_request(enter)
    app.after_request(leave)


def enter() -> Response | None:
    """Let the call through to its view, or answer in its place."""
    if not request.path.startswith(API):
        return None
    state = sandbox()
    rule = request.url_rule
    state.stats.count(request.method, rule.rule if rule else None)
    if email := named_email(state):
        state.stats.count_email(email)
    if state.options.latency_ms:
        time.sleep(state.options.latency_ms / 1000)
    if rule is None:  # Flask answers 404 or 405.
        return None
    check_credentials(state)
    check_limits(state)
    check_website(state)
    check_refusal(state)
    return fail_before(state)


def leave(response: Response) -> Response:
    """Put the drawn fault in the place of the answer, or hold it; mark what the edge cache did."""
    if not request.path.startswith(API):
        return response
    fault: Fault | None = g.pop("fault", None)
    if fault and fault.kind == "timeout":
        time.sleep(sandbox().options.timeout_s)
    elif fault:
        response = ANSWERS[fault.kind]()
    # As recorded. Nothing is cached here: an answer is never stale.
    response.headers["Bloom-Status"] = "MISS" if request.method in ("GET", "HEAD") else "DIRECT"
    return response


def named_email(state: Sandbox) -> str | None:
    """Whom the call is about, when that is one person: the one in the path, or the one to be added."""
    if request.endpoint == ADD_PROFILE:
        return posted_email()
    who: str = (request.view_args or {}).get("people_id", "")
    person = state.store.find(who)
    if person is not None:
        return same_email(person.card["email"])
    return same_email(who) if "@" in who else None


def posted_email() -> str | None:
    try:
        email = json_body().get("email")
    except RefusalError:  # The view refuses it.
        return None
    return same_email(email) if isinstance(email, str) else None


def check_credentials(state: Sandbox) -> None:
    """Basic auth with the token and the tier of the token in X-Crisp-Tier, or 401."""
    given, options = request.authorization, state.options
    if given is None or given.type != "basic":
        raise RefusalError(401, "invalid_session", "Basic auth with identifier and key is required")
    if not options.admits(f"{given.username}", f"{given.password}"):
        raise RefusalError(401, "invalid_session", "identifier or key is wrong")
    if request.headers.get("X-Crisp-Tier") != options.tier:
        raise RefusalError(401, "invalid_session", f"X-Crisp-Tier must be {options.tier}")


def check_limits(state: Sandbox) -> None:
    """Count the call against quota and rate, or refuse it as the switches say."""
    options = state.options
    reason = state.limits.take(state.clock(), daily_quota=options.daily_quota, rate=options.rate)
    if reason is None:
        return
    state.stats.count_over_limit()
    headers = {} if options.retry_after is None else {"Retry-After": str(options.retry_after)}
    raise RefusalError(options.limit_status, reason, headers=headers)


def check_website(state: Sandbox) -> None:
    """404 for any website but ours; the views need not know the website, and some routes have none."""
    view_args = request.view_args or {}
    ours = state.options.website_id
    if view_args.pop("website_id", ours) != ours:
        raise RefusalError(404, "website_not_found")


def check_refusal(state: Sandbox) -> None:
    """400 with the message that the switch says, when it says one."""
    if state.options.refusal is not None:
        raise invalid([state.options.refusal])


def fail_before(state: Sandbox) -> Response | None:
    """Draw what becomes of this call: a fault before its view is answered now, another waits for `leave`."""
    options = state.options
    fault = state.faults.draw(error_rate=options.error_rate, timeout_rate=options.timeout_rate)
    if fault and not fault.after:
        return ANSWERS[fault.kind]()
    g.fault = fault
    return None
