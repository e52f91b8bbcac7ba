"""The block of a web page that tells Crisp's chatbox who somebody is. Needs nothing but Python: take it anywhere.

Crisp, Web SDK reference: `$crisp.push(["set", NAME, VALUES])`; identity verification: HMAC-SHA256 of the address.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

# What ends a script or begins a comment in HTML, and what ends a line in older JavaScript, is written as an escape.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def html(contact: Mapping[str, Any], secret: str | None = None) -> str:
    """A `<script>` element for the page of somebody who is signed in; `javascript` is what is in it."""
    return f"<script>\n{javascript(contact, secret)}</script>\n"


def javascript(contact: Mapping[str, Any], secret: str | None = None) -> str:
    """One `$crisp.push` a line, safe within HTML. `contact`: flat, as `GET /v1/contacts/{who}` answers; `secret`: the
    website's verification secret, with which the address is proved."""
    lines = (f"window.$crisp.push({_written(['set', name, values])});" for name, values in settings(contact, secret))
    return "\n".join(["window.$crisp = window.$crisp || [];", *lines, ""])


def settings(contact: Mapping[str, Any], secret: str | None = None) -> Iterator[tuple[str, list[Any]]]:
    """Name and values of everything that the chatbox can be told of a contact; what is not there is not told."""
    email, name = contact.get("email"), _name(contact)
    if email:
        yield "user:email", [email, verification(email, secret)] if secret else [email]
    simple = {"user:phone": contact.get("phone"), "user:nickname": name, "user:avatar": contact.get("avatar")}
    yield from ((key, [value]) for key, value in simple.items() if value)
    if contact.get("company_name"):
        yield "user:company", [contact["company_name"], _company(contact)]
    data = [[key, value] for key, value in (contact.get("data") or {}).items() if value is not None]
    if data:
        yield "session:data", [data]
    if contact.get("segments"):
        yield "session:segments", [list(contact["segments"]), False]  # added to those that the session has


def verification(email: str, secret: str) -> str:
    """What proves to Crisp that the address was given by whoever runs the website: hex HMAC-SHA256."""
    return hmac.new(secret.encode(), email.encode(), hashlib.sha256).hexdigest()


def _name(contact: Mapping[str, Any]) -> str | None:
    parts = [contact.get("first_name"), contact.get("last_name")]
    whole = " ".join(part for part in parts if part)
    return contact.get("nickname") or contact.get("full_name") or whole or None


def _company(contact: Mapping[str, Any]) -> dict[str, Any]:
    about = {"url": contact.get("company_url"), "description": contact.get("company_description")}
    pairs = {
        "employment": [contact.get("job_title"), contact.get("role")],
        "geolocation": [contact.get("country"), contact.get("city")],
    }
    told = {key: [part or "" for part in pair] for key, pair in pairs.items() if any(pair)}
    return {key: value for key, value in about.items() if value} | told


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
