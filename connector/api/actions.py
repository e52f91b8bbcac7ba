"""What the OpenAPI says of the actions and triggers that manifests declare: bodies, and examples that they have."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector import samples
from connector.api.schemas import contact_schema
from connector.manifest import Action, shipped
from connector.outcomes import WAITING
from connector.platforms.openapi import CONTACT_FIELDS

CONTACT = {"$ref": f"#/components/schemas/{CONTACT_FIELDS}"}
# The names of the examples of what sources send.
SOURCES = {key: key for key, each in shipped().sources.items() if each.sample}
_RECORD = {"type": "object", "description": "A record as one of the sources sends it."}
_LIST = {"type": "array", "items": {}, "description": "A list as one of the sources sends it."}
# What the examples of plain fields have; of a change, what a change is likely to have.
_NEW, _CHANGED = ("email", "first_name", "last_name", "segments", "data"), ("company_name", "job_title")
_RESET = shipped().authentication.sample["quota"]["resets_at"]


def documented(action_key: str) -> dict[str, Any]:
    """Summary, description and body of the operation that does an action."""
    action = shipped().actions[action_key]
    body = {"requestBody": _body(action)} if action.input_fields else {}
    return {"summary": action.label, "description": action.help, **body}


def sample_of(action_key: str) -> Mapping[str, Any]:
    """What the action answers."""
    return shipped().actions[action_key].sample


def waiting(action_key: str) -> dict[str, Any]:
    """What it answers when the record has to wait."""
    why = {"reason": "quota_used_up", "message": WAITING["quota_used_up"], "retry_at": _RESET}
    return {**sample_of(action_key), "status": "waiting", "people_id": None, "changed": [], "calls": 0, **why}


def examples() -> dict[str, dict[str, Any]]:
    """Examples that several operations have, by name: what sources send, and every event."""
    triggers, known = shipped().triggers.items(), shipped().sources
    events = {f"{key}_event": {"summary": each.label, "value": [each.sample]} for key, each in triggers}
    sent = {key: {"summary": known[key].label, "value": _sample(key)} for key in SOURCES}
    return {**sent, **events}


def fields(keys: Iterable[str] = _NEW) -> dict[str, Any]:
    """Plain fields, with the examples that they have themselves."""
    return {key: shipped().fields[key].example for key in keys}


def _sample(source: str) -> Any:
    return samples.sample(source, shipped().sources[source].sample).value


def _body(action: Action) -> dict[str, Any]:
    """A flat contact, a part of one, or whatever a source sends."""
    describe = _of_many if action.many else _of_a_change if "{who}" in action.path else _of_one
    content = {"application/json": describe(action)}
    return {"description": action.help, "required": True, "content": content}


def _of_one(_: Action) -> dict[str, Any]:
    return {"schema": {"anyOf": [CONTACT, _RECORD, _LIST]}, "examples": EXAMPLES}


def _of_many(_: Action) -> dict[str, Any]:
    listed = {"type": "array", "items": {"anyOf": [CONTACT, _RECORD]}}
    wrapped = {"type": "object", "properties": {"records": listed}, "required": ["records"]}
    examples = {"fields": _plain([fields()]), "records": _plain({"records": [fields()]}), **SOURCES}
    return {"schema": {"anyOf": [listed, wrapped, _RECORD]}, "examples": examples}


def _of_a_change(action: Action) -> dict[str, Any]:
    if action.input_fields == ("*",):
        return {"schema": CONTACT, "examples": {"fields": _plain(fields(_CHANGED))}}
    schema = contact_schema(f"{action.noun} fields", action.input_fields)
    return {"schema": schema, "examples": {"fields": _plain(fields(action.input_fields))}}


def _plain(value: Any) -> dict[str, Any]:
    return {"summary": "Plain fields", "value": value}


# Of a record as it comes.
EXAMPLES: Mapping[str, Any] = {"fields": _plain(fields()), **SOURCES}
