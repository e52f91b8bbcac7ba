"""One person in Crisp, by name, read now."""

from typing import Any

from connector import snippet
from connector.convert.email import email
from connector.convert.people import people_id
from connector.convert.times import from_milliseconds
from connector.crisp import plan
from connector.crisp.card import contact_of
from connector.errors import Problem
from connector.services import Services


def name_of(written: str) -> str:
    """The canonical email, or the people_id, that names a person. Raises `who_invalid`."""
    who = email(written) if "@" in written else people_id(written)
    if who is None:
        raise Problem("who_invalid")
    return who


def read(services: Services, connection_id: str, who: str) -> dict[str, Any]:
    """The contact as Crisp has it, flat. Raises `contact_missing`, and what `Courier.run` raises."""
    found = services.courier.run(connection_id, plan.read(who))
    if found is None:
        raise Problem("contact_missing")
    card, data = found
    contact = contact_of(card, data, services.manifest.fields)
    moments = {key: _moment(card.get(key)) for key in ("created_at", "updated_at")}
    return {"people_id": card.get("people_id"), **contact.flat(), **moments}


def snippet_of(services: Services, connection_id: str, who: str) -> dict[str, str]:
    """What tells Crisp's chatbox on a page who this is: `{html, javascript}`. The address is proved where the
    verification secret is known. Raises as `read` does."""
    known, settings = read(services, connection_id, who), services.settings
    default = connection_id == settings.crisp_website_id
    secret = (settings.crisp_verification_secret if default else "") or None
    return {"html": snippet.html(known, secret), "javascript": snippet.javascript(known, secret)}


def _moment(value: Any) -> str | None:
    return from_milliseconds(value) if isinstance(value, int | float) and value > 0 else None
