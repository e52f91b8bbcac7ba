"""Plain fields: whatever no other source claims, flat or nested, one or many, and forms."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from connector.body import read_json
from connector.errors import Problem
from connector.manifest import shipped
from connector.names import normalise
from connector.record import Record, Value, broken
from connector.sources.base import EventId, Inbound, Rule, in_query, is_columns, signed

KEY = "generic"

_ENVELOPES = ("body", "payload", "record", "fields", "properties", "attributes", "item", "object", "result")
_WRAPPERS = (*_ENVELOPES, "data", "contact", "person", "customer", "user", "lead")
_LISTS = ("records", "contacts", "items", "rows", "people", "leads", "results", "list")
_ANSWERS = ("answers", "fields", "data", "questions")
_QUESTION = ("field", "label", "name", "question", "title", "key")
_ANSWER = (
    "value",
    "answer",
    "text",
    "email",
    "phone",
    "phone_number",
    "number",
    "url",
    "boolean",
    "choice",
    "choices",
)
_POINT = ("value", "email", "address", "number", "phone")
_DEEPEST = 4
# Made once: a union that is written where it is used is made anew each time.
_NESTED = (dict, list)

RULES: tuple[Rule, ...] = ()
WHOLE = ("records",)
EVENT_IDS = (EventId((("event_id",),)),)


def claim(payload: Any) -> str | None:
    """Everything can be read as plain fields."""
    if _is_many(payload):
        return "columns"
    if isinstance(payload, list) or _listed(payload) is not None:
        return "records"
    listed = isinstance(payload, dict) and not _names_a_person(payload) and _asked(payload) is not None
    return "answers" if listed else "record"


def records(payload: Any, variant: str) -> Iterator[Record]:
    """The records of a list, of an object that holds a list or is made of lists, or the one that the object is."""
    listed = _rows(payload) if variant == "columns" else payload if isinstance(payload, list) else _listed(payload)
    for member in [payload] if listed is None else listed:
        yield _record(member) if isinstance(member, dict) else broken("record_invalid")


def _listed(payload: Any) -> list[Any] | None:
    """The list under `records` or the like, or the only one that lists people; None where the object is a person."""
    if not isinstance(payload, dict) or _names_a_person(payload):
        return None
    lists = (payload[key] for key in _LISTS if isinstance(payload.get(key), list))
    named: list[Any] | None = next((each for each in lists if not each or any(isinstance(m, dict) for m in each)), None)
    if named is not None:
        return named
    people = [value for value in payload.values() if _lists_people(value)]
    return people[0] if len(people) == 1 else None


def _lists_people(value: Any) -> bool:
    """Whether each member is an object that names a person: line items, whatever their list is called."""
    return bool(value) and isinstance(value, list) and all(isinstance(m, dict) and _names_a_person(m) for m in value)


def _is_many(payload: Any) -> bool:
    """Whether these are columns of several people, not several addresses of one."""
    if not is_columns(payload):
        return False
    key = _naming_key(tuple(payload))
    emails = payload[key] if key is not None and normalise(key) != "emails" else ()
    return len({email for email in emails if isinstance(email, str) and email.strip()}) > 1


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """One object for each place in the lists."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _record(payload: dict[str, Any]) -> Record:
    outer: dict[str, Any] = {}
    inner: Any = payload
    for _ in range(_DEEPEST):
        step = None if _names_a_person(inner) else _inside(inner)
        if step is None:
            break
        outer = {**outer, **{key: value for key, value in inner.items() if isinstance(value, str | int)}}
        inner = step
    values: dict[str, Value] = {}
    _flatten(inner, values)
    return Record(
        {**values, **_outer_names(outer, values)},
        {"event": outer.get("event"), "action": outer.get("action")},
    )


def _outer_names(outer: Mapping[str, Any], values: Mapping[str, Value]) -> dict[str, Value]:
    """Id and times of an outer level, for a record that has none of its own."""
    if not outer:
        return {}
    record_names = shipped().record_names
    inside = {record_names.field_of(name) for name in values}
    wanted = (("id", ("id", "event_id")), ("updated_at", ("updated_at", "submitted_at", "rev")))
    found: dict[str, Value] = {}
    for part, others in wanted:
        names = [key for key in outer if record_names.field_of(key) == part or key in others]
        if part not in inside and names:
            found.update({name: outer[name] for name in names if name not in values})
    return found


def _names_a_person(payload: Mapping[str, Any]) -> bool:
    """Whether a name at this level means an email address or Crisp's people_id."""
    key = _naming_key(tuple(payload))
    return key is not None and (not isinstance(payload[key], list) or normalise(key) == "emails")


@lru_cache(maxsize=1024)
def _naming_key(keys: tuple[str, ...]) -> str | None:
    """The first of these keys that means an email address or Crisp's people_id."""
    names = shipped().names
    return next((k for k in keys if names.field_of(k) == "email" or normalise(k) in ("emails", "peopleid")), None)


def _inside(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The one object that this level merely wraps; a list of answers counts as an object."""
    if (answers := _asked(payload)) is not None:
        return answers
    inner = [_single(payload[key]) for key in _WRAPPERS if key in payload]
    objects = [found for found in inner if found is not None]
    return objects[0] if len(objects) == 1 else None


def _asked(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    return next((found for key in _ANSWERS if (found := _answered(payload.get(key)))), None)


def _single(value: Any) -> dict[str, Any] | None:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else None


def _answered(listed: Any) -> dict[str, Any] | None:
    """Questions and answers, as form tools list them, as one object."""
    if not isinstance(listed, list) or not listed or not all(isinstance(member, dict) for member in listed):
        return None
    pairs = [(_first(member, _QUESTION, str), _first(member, _ANSWER, object)) for member in listed]
    return {name: answer for name, answer in pairs if name} if all(name for name, _ in pairs) else None


def _first(member: Mapping[str, Any], keys: tuple[str, ...], kind: type) -> Any:
    found = next(
        (member[key] for key in keys if isinstance(member.get(key), kind) and member.get(key) is not None),
        None,
    )
    if isinstance(found, dict):  # Typeform's {"field": {"title": …}}, {"choice": {"label": …}}
        return next((found[key] for key in ("label", "title", "ref") if isinstance(found.get(key), str)), None)
    return found


def _flatten(payload: Mapping[str, Any], values: dict[str, Value], prefix: str = "", depth: int = 0) -> None:
    """Leaves with dotted names. Custom data is not taken apart; contact points become lists of their values."""
    for key, value in payload.items():
        name = prefix + key
        if name == "data" and (custom := _custom_data(value)) is not None:
            values.update(custom)
        elif not isinstance(value, _NESTED):
            values[name] = value
        elif isinstance(value, dict) and value and depth < _DEEPEST and not name.startswith("data."):
            _flatten(value, values, f"{name}.", depth + 1)
        elif isinstance(value, list) and value and all(isinstance(member, dict) for member in value):
            values[name] = _points(value)
        else:
            values[name] = value


def _custom_data(value: Any) -> dict[str, Value] | None:
    """`{"plan": "pro"}`, or the pairs `[{"key": "plan", "value": "pro"}]` that no-code platforms send, or either as the
    text that a box for text holds, under names that begin with `data.`; None when it is none of these."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = read_json(value.encode())
        except Problem:
            return None  # told as a field that goes nowhere, like any other text
    if isinstance(value, dict):
        return {f"data.{key}": inner for key, inner in value.items() if key.strip()}
    return _of_pairs(value) if isinstance(value, list) else None


def _of_pairs(listed: list[Any]) -> dict[str, Value]:
    pairs = (pair for pair in listed if isinstance(pair, dict) and isinstance(pair.get("key"), str))
    return {f"data.{pair['key']}": pair.get("value") for pair in pairs if pair["key"].strip()}


def _points(members: list[dict[str, Any]]) -> Value:
    """`[{"value": "a@b.co", "primary": true}]` → the values, the primary first; other lists stay what they are."""
    primary_first = sorted(
        members, key=lambda member: member.get("primary") is not True and member.get("pref") is not True
    )
    found = [
        next((member[key] for key in _POINT if isinstance(member.get(key), str | int)), None)
        for member in primary_first
    ]
    return list(found) if all(value is not None for value in found) else list(members)


def verify(inbound: Inbound, secret: str) -> bool:
    """Ours: `X-Connector-Signature: sha256=<hex HMAC-SHA256 of the raw body>`. Or, as senders may be of any kind, the
    secret in the address as `key`."""
    is_signed = signed(inbound.body, inbound.headers.get("x-connector-signature"), secret)
    return is_signed or in_query(inbound, "key", secret)
