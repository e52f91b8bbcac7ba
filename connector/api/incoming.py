"""From a request to records: content types, limits, mapping, options, idempotency key."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, after_this_request, g, request

from connector.api.access import connection_id, services
from connector.body import FORMS, LINES, is_xml, read_body, received, size
from connector.errors import Detail, Problem
from connector.intake import Once, Options, Reading
from connector.intake.payloads import CONTACT_LIMIT, Payloads, of_lines, of_value
from connector.ledger import requests
from connector.saying import say

_IN_MEMORY = 1_000_000
_LONGEST_KEY = 255


def reading(query: Mapping[str, Any], limit: int) -> tuple[Reading, Options, Once | None]:
    """Everything that an accepting or previewing view needs of its request."""
    sent, digest = _sent(limit)
    options = _options(query, sent.mapping)
    return services().intake.reading(sent.read(options.source), options), options, once(digest)


def object_body(limit: int = CONTACT_LIMIT) -> tuple[Any, str]:
    """The body of a request that takes one object, and the hash of the request; what cannot be read is told so."""
    try:
        return _body(limit)
    except Problem as problem:
        raise _of_object(problem) from None


def _of_object(problem: Problem) -> Problem:
    """The same problem, without a word of lists and lines."""
    told, facts = None, problem.facts
    if problem.code == "body_not_json" and "where" in facts:
        told = say("The body is not valid JSON. {where} Send a JSON object as application/json.", **facts)
    elif problem.code == "body_not_json":
        told = say("The body is empty. Send a JSON object as application/json.")
    elif "kind" in facts:
        told = say("The content type {kind} cannot be read. Send a JSON object as application/json.", **facts)
    return Problem(problem.code, message=told) if told else problem


def _body(limit: int, *, xml: bool = False) -> tuple[Any, str]:
    """The request's JSON, form or, where it is taken, XML as a value, and the hash of the request."""
    body = b"".join(_bytes(limit))
    g.request_hash = _hash([body])
    return _value(body, xml=xml), g.request_hash


def headers() -> dict[str, str]:
    """The request's headers, names in lower case."""
    return {name.lower(): value for name, value in request.headers.items()}


def request_hash() -> str:
    """The hash of this request, whose body (if any) has been read."""
    found: str = g.get("request_hash") or _hash([])
    return found


def once(digest: str) -> Once | None:
    """The request's Idempotency-Key."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return None
    if len(key) > _LONGEST_KEY or not key.isprintable():
        message = say("Send at most {count} printable characters as Idempotency-Key.", count=_LONGEST_KEY)
        raise Problem("parameter_invalid", errors=[Detail(message, "parameter_invalid", "Idempotency-Key")])
    return Once(key, digest)


def _sent(limit: int) -> tuple[Payloads, str]:
    if request.mimetype in LINES:
        return _lines(limit)
    value, digest = _body(limit, xml=True)
    return of_value(value, headers()), digest


def _lines(limit: int) -> tuple[Payloads, str]:
    """Kept in a file without a name until the request is answered."""
    spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it is read after this function

    @after_this_request
    def close(response: Response) -> Response:
        spool.close()
        return response

    digest = _digest()
    for chunk in _bytes(limit):
        digest.update(chunk)
        spool.write(chunk)
    return of_lines(spool), digest.hexdigest()


def _value(body: bytes, *, xml: bool) -> Any:
    kind = request.mimetype
    known = kind in ("", "application/json", "text/json", *FORMS) or kind.endswith("+json") or (xml and is_xml(kind))
    if not known:
        raise Problem("content_type_unknown", kind=kind[:80])
    if not body.strip() and kind not in FORMS:
        raise Problem("body_not_json", message=say("The body is empty. Send a JSON object or a list of objects."))
    return read_body(body, request.content_type or "", xml=xml)


def _bytes(limit: int) -> Iterator[bytes]:
    if (request.content_length or 0) > limit:
        raise Problem("body_too_large", limit=size(limit))
    chunks = iter(lambda: request.stream.read(65_536), b"")
    return received(chunks, request.headers.get("Content-Encoding", "").strip().lower(), limit)


def raw_body(limit: int) -> bytes:
    """The bytes of the request's body, inflated. Raises `body_too_large`, `body_bad_encoding`."""
    return b"".join(_bytes(limit))


def _digest() -> Any:
    told = [request.method, request.path, *sorted(request.query_string.split(b"&")), request.mimetype]
    told.append(request.headers.get("X-Connector-Mapping", ""))
    return hashlib.sha256(repr(told).encode())


def _hash(chunks: Iterable[bytes]) -> str:
    digest = _digest()
    for chunk in chunks:
        digest.update(chunk)
    return str(digest.hexdigest())


def _options(query: Mapping[str, Any], sent_mapping: Any) -> Options:
    mapping, saved = (sent_mapping, False) if sent_mapping is not None else (_saved_mapping(), True)
    return Options.given(query, services().manifest, mapping=mapping, saved_mapping=saved)


def _saved_mapping() -> dict[str, Any] | None:
    name = request.headers.get("X-Connector-Mapping", "").strip()
    if not name:
        return None
    with services().ledger.read() as connection:
        found = requests.get_mapping(connection, connection_id(), name)
    if found is None:
        raise Problem("mapping_missing")
    return found
