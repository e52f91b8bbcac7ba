"""What Crisp takes in a body: profile cards, custom data, events, conversation metas."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .countries import CODES
from .refusal import invalid
from .rules import Rule, each, fields, is_email, is_number, is_scalar, is_text, is_url, is_whole, one_of, when

# Crisp help, "What's custom data": letters, digits, `_` and `-`.
DATA_KEY = re.compile(r"[A-Za-z0-9_-]+")
LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
# Crisp REST reference, Add A People Event.
COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "grey", "black")

TEXT = when(is_text, "must be a text")
FILLED = when(lambda value: is_text(value) and value != "", "must be a text that is not empty")
EMAIL = when(is_email, "must be an email address")
URL = when(is_url, "must be an http or https address")
NUMBER = when(is_number, "must be a number")
FLAG = when(lambda value: isinstance(value, bool), "must be true or false")
COUNTRY = when(lambda value: is_text(value) and value in CODES, "must be an ISO 3166-1 alpha-2 code")
LOCALES = each(when(lambda value: is_text(value) and bool(LOCALE.fullmatch(value)), "must be a language code"))
MILLISECONDS = when(lambda value: is_whole(value) and value >= 0, "must be a time in milliseconds")
# JavaScript's getTimezoneOffset: from UTC+14 to UTC-12.
TIMEZONE = when(lambda value: is_whole(value) and -840 <= value <= 720, "must be minutes, as UTC minus local time")
SEGMENTS = each(FILLED)

COORDINATES = fields(
    latitude=when(lambda value: is_number(value) and -90 <= value <= 90, "must be a latitude"),
    longitude=when(lambda value: is_number(value) and -180 <= value <= 180, "must be a longitude"),
)
GEOLOCATION = fields(country=COUNTRY, region=TEXT, city=TEXT, coordinates=COORDINATES)
PERSON = fields(
    nickname=FILLED,
    avatar=URL,
    gender=one_of("male", "female", "other"),
    phone=TEXT,
    address=TEXT,
    description=TEXT,
    website=URL,
    timezone=TIMEZONE,
    profiles=each(fields(type=FILLED, handle=TEXT, url=URL)),
    employment=fields(name=TEXT, domain=TEXT, title=TEXT, role=TEXT, seniority=TEXT),
    geolocation=GEOLOCATION,
    locales=LOCALES,
)
COMPANY = fields(
    name=TEXT,
    legal_name=TEXT,
    domain=TEXT,
    url=URL,
    description=TEXT,
    timezone=TIMEZONE,
    phones=each(TEXT),
    emails=each(EMAIL),
    geolocation=GEOLOCATION,
    metrics=fields(employees=NUMBER, market_cap=NUMBER, raised=NUMBER, arr=NUMBER),
    tags=each(TEXT),
)
# Crisp REST reference, Update People Profile; created_at is no field of a write.
PROFILE = fields(email=EMAIL, person=PERSON, company=COMPANY, segments=SEGMENTS, notepad=TEXT, active=MILLISECONDS)


def custom_data(*, nulls: bool = False) -> Rule:
    """Custom data: any key of the allowed characters, a scalar each; null only where it removes a key."""

    def rule(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: must be an object"
            return
        for key, item in value.items():
            if not DATA_KEY.fullmatch(key):
                yield f"{path}.{key}: a key has only letters, digits, _ and -"
            elif not (is_scalar(item) or (nulls and item is None)):
                yield f"{path}.{key}: must be a text, a number, true or false"

    return rule


EVENT = fields(text=FILLED, data=custom_data(), color=one_of(*COLORS))
SUBSCRIPTION = fields(email=FLAG)


def conversation_meta(*, nulls: bool) -> Rule:
    """Crisp REST reference, Update Conversation Metas."""
    texts = dict.fromkeys(("nickname", "phone", "address", "subject", "ip"), TEXT)
    device = when(lambda value: isinstance(value, dict), "must be an object")
    return fields(email=EMAIL, avatar=URL, segments=SEGMENTS, data=custom_data(nulls=nulls), device=device, **texts)


def require(body: Mapping[str, Any], rule: Rule, *required: str) -> None:
    """Refuse a body that breaks the rule or lacks a required field (a dotted path)."""
    missing = [f"{path}: required" for path in required if not present(body, path)]
    problems = missing + list(rule(body, ""))
    if problems:
        raise invalid(problems)


def present(body: Mapping[str, Any], path: str) -> bool:
    value: Any = body
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True
