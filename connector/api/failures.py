"""What goes wrong, as the OpenAPI shows it: an example of each error, and the answers that are made of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apispec import APISpec
from marshmallow import Schema

from connector.api.fact_examples import FACTS
from connector.api.shapes import ID, ProblemOut
from connector.errors import CODES, Detail, Problem
from connector.notes import CODES as NOTES
from connector.notes import note

PROBLEM = "application/problem+json"
_UNREADABLE = (
    *("body_not_json", "body_not_utf8", "body_not_records", "body_too_deep", "body_bad_text", "body_bad_number"),
    *("body_bad_encoding", "request_invalid"),
)
# Answers that many operations share, by the name that they have in the document.
SHARED: Mapping[str, tuple[str, ...]] = {
    "KeyRefused": ("key_missing", "key_invalid"),
    "Unavailable": ("no_connection", "database_unavailable"),
    "BodyUnreadable": _UNREADABLE,
    # Records may come as XML too.
    "RecordsUnreadable": (*_UNREADABLE, "body_not_xml", "body_doctype"),
    "Otherwise": ("request_invalid", "server_error"),
}
# How operations fail that take a key, a body, one record, many, a mapping, a record, and that ask Crisp at once.
KEY = (*SHARED["KeyRefused"], *SHARED["Unavailable"])
BODY = (*SHARED["BodyUnreadable"], "body_too_large", "content_type_unknown")
ONE = (*SHARED["RecordsUnreadable"], "body_too_large", "content_type_unknown")
RECORDS = (*SHARED["RecordsUnreadable"], "body_too_large/batch", "content_type_unknown", "too_many_records")
SAVED_MAPPING = ("mapping_invalid", "mapping_field_unknown")
MAPPING = (*SAVED_MAPPING, "mapping_missing", "mapping_path_missing")
RECORD = ("email_missing", "email_invalid", "content_missing", "record_invalid", "data_key_collision")
CRISP = ("crisp_refused", "crisp_unreachable", "connection_halted", "quota_used_up", "crisp_rate_limited")
_NAMED = {failures: name for name, failures in SHARED.items()}
_INVALID = "parameter_invalid"
# Status and title of a record that is rejected for a note.
_REJECTED = (422, "Rejected")


def invalid(messages: Any) -> Problem:
    """The problem that marshmallow's messages are."""
    return Problem(_INVALID, errors=list(_details(messages)))


def _details(messages: Any, field: str | None = None) -> Iterator[Detail]:
    """marshmallow's messages, however deep, as one list."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            named = key if field in (None, "query", "json") else f"{field}.{key}"
            yield from _details(inner, str(named))
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield Detail(message, _INVALID, field)


def refused_by(schema: Schema) -> Problem:
    """What a schema says of something that it does not take: of nothing, of a field that is wrong, of one too many."""
    for sent in ({}, *({name: "?"} for name in schema.fields), {"colour": "blue"}):
        if messages := schema.validate(sent):
            return invalid(messages)
    raise LookupError(f"{type(schema).__name__} takes anything: nothing can be shown that it refuses")


def code_of(failure: str) -> str:
    """The code of a failure, which is that code, or `code/variant` where it is told in several ways."""
    return failure.partition("/")[0]


def problem_of(failure: str) -> Problem:
    """An example of a failure: an error, or the note for which a record is rejected."""
    code, facts = code_of(failure), FACTS.get(failure, {})
    if code in CODES:
        return Problem(code, **facts)
    said = note(code, **facts)
    more = {"outcome_id": ID, "notes": [said.as_json()], "calls": 0}
    return Problem(code, message=said.message, errors=[Detail(said.message, code, said.field, 1)], more=more)


def is_known(failure: str) -> bool:
    """Whether there is such an error, or a note that rejects a record."""
    code = code_of(failure)
    return code in CODES or NOTES.get(code, ("",))[0] == "error"


def answers(spec: APISpec, failures: Iterable[str], checked: Schema | None) -> dict[str, str | dict[str, Any]]:
    """Status → answer, for an operation that may fail in these ways: the name of one that others have as well, else as
    it is. `checked`: the schema that refuses parameters."""
    told = _one_of_each(failures)
    if checked is not None and _INVALID in told:
        told[_INVALID] = f"{_INVALID}/{type(checked).__name__}"
        _show(spec, told[_INVALID], refused_by(checked))
    by_status: dict[str, list[str]] = {}
    for failure in told.values():
        by_status.setdefault(str(CODES.get(code_of(failure), _REJECTED)[0]), []).append(failure)
    found = {status: _answer(spec, tuple(each)) for status, each in sorted(by_status.items())}
    return {**found, "default": _answer(spec, SHARED["Otherwise"])}


def _one_of_each(failures: Iterable[str]) -> dict[str, str]:
    """Each code in one way: as it is told usually, where it is told so as well."""
    chosen: dict[str, str] = {}
    for failure in failures:
        if failure in CODES or code_of(failure) not in chosen:
            chosen[code_of(failure)] = failure
    return chosen


def _answer(spec: APISpec, failures: tuple[str, ...]) -> str | dict[str, Any]:
    name = _NAMED.get(failures) or (_component(failures[0]) if len(failures) == 1 else None)
    if name is None:
        return _described(spec, failures)
    if name not in spec.components.responses:
        spec.components.response(name, _described(spec, failures))
    return name


def _described(spec: APISpec, failures: Iterable[str]) -> dict[str, Any]:
    for failure in failures:
        _show(spec, failure)
    codes = [code_of(failure) for failure in failures]
    told = " ".join(f"`{code}`: {CODES.get(code, _REJECTED)[1]}." for code in codes)
    shown = {code: _component(failure) for code, failure in zip(codes, failures, strict=True)}
    return {"description": told, "content": {PROBLEM: {"schema": ProblemOut, "examples": shown}}}


def _show(spec: APISpec, failure: str, problem: Problem | None = None) -> None:
    """Puts an example among the components, if it is not there yet."""
    if _component(failure) not in spec.components.examples:
        shown = problem or problem_of(failure)
        spec.components.example(_component(failure), {"summary": shown.title, "value": shown.as_json(ID)})


def _component(failure: str) -> str:
    """Its name among the components, which may have no slash."""
    return failure.replace("/", ".")
