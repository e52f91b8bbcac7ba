"""Bodies: from the bytes of a request or a file to the value they say. Every refusal is a `Problem`."""

import json
import math
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from connector.errors import CODES, Problem
from connector.markup import DEEPEST, begins, read_xml
from connector.names import normalise
from connector.saying import say

# Content types: a JSON text per line, forms, and XML beside those that end in +xml.
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_XML = ("application/xml", "text/xml")

_CHUNK = 65_536
_ANY = zlib.MAX_WBITS | 32  # gzip or zlib, by its header
_INFLATED, _PLAIN = ("gzip", "x-gzip", "deflate"), ("", "identity")
_MOST_FIELDS = 5_000
# Form fields that may come more than once and mean a list; of any other the last counts.
_LISTS = ("segment", "segments", "tag", "tags")


def received(chunks: Iterable[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """The body's bytes, inflated when `encoding` says so. Raises `body_too_large` as soon as there are too many."""
    if encoding not in (*_INFLATED, *_PLAIN):
        raise Problem("body_bad_encoding")
    total = 0
    for chunk in _inflated(chunks) if encoding in _INFLATED else chunks:
        total += len(chunk)
        if total > limit:
            raise Problem("body_too_large", limit=size(limit))
        yield chunk


def size(limit: int) -> str:
    """A number of bytes in words: `1 MB`."""
    return say("{megabytes} MB", megabytes=limit // 1_000_000)


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """gzip or zlib data, never more than a chunk at a time: a bomb is met by the limit, not by the memory.

    What follows the end of the compressed data is refused, for it would be lost.
    """
    stream = zlib.decompressobj(wbits=_ANY)
    try:
        for chunk in chunks:
            waiting = chunk
            while waiting and not stream.eof:
                yield stream.decompress(waiting, _CHUNK)
                waiting = stream.unconsumed_tail
            if waiting or stream.unused_data:
                raise Problem("body_bad_encoding")
        yield stream.flush()
    except zlib.error:
        raise Problem("body_bad_encoding") from None
    if not stream.eof:
        raise Problem("body_bad_encoding")


def is_xml(kind: str) -> bool:
    """Whether this content type, in lower case and without parameters, is XML's."""
    return kind in _XML or kind.endswith("+xml")


def read_body(body: bytes, content_type: str, *, xml: bool = True) -> Any:
    """A form's fields, an XML document, else JSON whatever the type: many senders say nothing, or say a form and send
    something else. Raises what `read_form`, `read_xml` and `read_json` raise."""
    kind = content_type.partition(";")[0].strip().lower()
    looks_like_xml = xml and "json" not in kind and begins(body)
    if kind == FORMS[1] or (kind == FORMS[0] and not looks_like_xml and body.lstrip()[:1] not in (b"{", b"[")):
        return read_form(body, content_type)
    return read_xml(body) if looks_like_xml or (xml and is_xml(kind)) else read_json(body)


def read_json(body: bytes) -> Any:
    """A JSON text (RFC 8259) as a value: UTF-8 with or without a mark, finite numbers, whole characters."""
    try:
        text = body.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise Problem("body_not_utf8") from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise _not_json(problem) from None
    except RecursionError:
        raise Problem("body_too_deep") from None
    except ValueError:  # an integer of thousands of digits
        raise Problem("body_bad_number") from None
    if text.count("[") + text.count("{") > DEEPEST or "\\u" in text:
        _check(value)
    return value


def _not_json(problem: json.JSONDecodeError) -> Problem:
    where = say("The mistake is in line {line}, column {column}.", line=problem.lineno, column=problem.colno)
    told = say("{problem} {where}", problem=say(CODES["body_not_json"][2]), where=where)
    if problem.msg == "Extra data":
        lines = say("One object per line is sent as application/x-ndjson.")
        told = say("{problem} {remedy}", problem=told, remedy=lines)
    return Problem("body_not_json", message=told, where=where)


def _no_number(_name: str) -> Any:
    raise Problem("body_bad_number")


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise Problem("body_bad_number")
    return number


# Made once: `json.loads` makes one for every text that is read in another way than its own.
_DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)


def _check(value: Any) -> None:
    """Walks the whole value, level by level."""
    level: list[Any] = [value]
    for _ in range(DEEPEST + 1):
        if not level:
            return
        level = [inner for node in level for inner in _inside(node)]
    raise Problem("body_too_deep")


def _inside(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return [*node.keys(), *node.values()]
    if isinstance(node, str):
        try:
            node.encode()
        except UnicodeEncodeError:
            raise Problem("body_bad_text") from None
    return node if isinstance(node, list) else ()


class Form(dict[str, Any]):
    """A form's fields as an object: its values are the texts that somebody was shown, which a source may read otherwise
    than JSON of the same names."""


def read_form(body: bytes, content_type: str) -> Form:
    """Form fields as an object: `a[b]` and `a__b` nest, `segments` and `a[]` collect, else the last value counts."""
    pairs = _multipart(body, content_type) if content_type.startswith("multipart/") else _urlencoded(body)
    form = Form()
    for name, value in pairs:
        *parents, leaf = [part for part in _path(name) if part] or [name]
        inner: dict[str, Any] = form
        for parent in parents[:DEEPEST]:
            found = inner.setdefault(parent, {})
            inner = found if isinstance(found, dict) else inner.setdefault(f"{parent}__", {})
        _put(inner, leaf, value, listed=name.endswith("[]") or normalise(leaf) in _LISTS)
    return form


def _path(name: str) -> list[str]:
    if name.endswith("]") and "[" in name:
        head, _, rest = name.partition("[")
        return [head, *rest[:-1].split("][")]
    return name.split("__") if not name.startswith("_") else [name]


def _put(inner: dict[str, Any], leaf: str, value: str, *, listed: bool) -> None:
    if listed and leaf in inner:
        before = inner[leaf]
        inner[leaf] = [*before, value] if isinstance(before, list) else [before, value]
    else:
        inner[leaf] = value


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise Problem("body_not_utf8") from None
    except ValueError:
        raise Problem("body_too_large", limit=say("{count} fields", count=_MOST_FIELDS)) from None


def _multipart(body: bytes, content_type: str) -> list[tuple[str, str]]:
    mimetype, options = parse_options_header(content_type)
    parser = FormDataParser(
        lambda *_, **__: BytesIO(), max_form_memory_size=len(body), max_form_parts=_MOST_FIELDS, silent=False
    )
    try:
        _, form, files = parser.parse(BytesIO(body), mimetype, len(body), options)
    except (ValueError, HTTPException):
        raise Problem(
            "request_invalid", message=say("The multipart form cannot be read. Check its boundary.")
        ) from None
    if files:
        raise Problem(
            "content_type_unknown", message=say("A form with files cannot be read here. Send its fields only.")
        )
    return [(name or "", value) for name, value in form.items(multi=True)]  # a field may have no name
