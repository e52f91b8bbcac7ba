"""Uploads: a file that is sent as a form, or fetched from an address, and what is said beside it."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from dataclasses import fields as fields_of
from typing import IO, Any, cast

from flask import request
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from connector.api.access import services
from connector.api.incoming import object_body
from connector.api.schemas import FileOptions
from connector.body import read_json, size
from connector.errors import Detail, Problem
from connector.file_imports.accepting import Came, Wanted
from connector.file_imports.fetching import fetched
from connector.files.options import ReadOptions
from connector.intake.options import read_mapping
from connector.saying import say
from connector.uploads.store import LARGEST, Incoming

# Bytes that may be sent beside the file: options and a mapping.
_BESIDE = 1_000_000
_FORM = "multipart/form-data"
_BOTH = say("Send a file or a url, not both.")


@dataclass(frozen=True, slots=True)
class Upload:
    """What a request sent. `name` and `hash`: of the file, when it came with the request; else it is at `url`."""

    coming: Incoming
    wanted: Wanted
    name: str | None
    hash: str | None
    url: str

    @property
    def digest(self) -> str:
        """The hash of the request. What is at an address may change; the request for it is the same."""
        told = [request.method, request.path, self.hash or self.url, sorted(asdict(self.wanted).items())]
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def came(self) -> Came:
        """The file, which is fetched now if it is at an address.

        Raises `Problem`: file_too_large, files_unavailable, url_refused, url_failed, url_not_file.
        """
        if self.hash is not None:
            return Came.of(self.coming, self.hash, self.name)
        return Came.whole(self.coming, fetched(services(), self.url, self.coming))


@contextmanager
def upload() -> Iterator[Upload]:
    """What this request sends; the file is gone afterwards, unless it was kept.

    Raises `Problem`: file_missing, file_cut, file_too_large, files_unavailable, parameter_invalid, mapping_invalid,
    mapping_field_unknown.
    """
    with services().store.incoming() as coming:
        name, said = _form(coming) if request.mimetype == _FORM else (None, _object())
        wanted = _wanted(said)
        sent = Upload(coming, wanted, name, None if name is None else coming.finish(), str(said.get("url")))
        try:
            yield sent
        except Problem as problem:
            raise _placed(problem) from None


def _placed(problem: Problem) -> Problem:
    """An option that the file cannot have is named as it was sent."""
    if problem.code != "parameter_invalid":
        return problem
    options = {each.name for each in fields_of(ReadOptions)}
    named = [replace(each, field=f"options.{each.field}") if each.field in options else each for each in problem.errors]
    return Problem("parameter_invalid", errors=named)


def _object() -> dict[str, Any]:
    """A JSON object, or a plain form, that names an address."""
    try:
        said, _ = object_body()
    except Problem as problem:
        raise Problem("file_missing") if problem.code == "content_type_unknown" else problem from None
    if not isinstance(said, dict) or not isinstance(said.get("url"), str):
        raise Problem("file_missing")
    return said


def _form(coming: Incoming) -> tuple[str | None, dict[str, Any]]:
    """The file goes to disk as it comes in. Its name, and the other fields."""
    names: list[str] = []

    def place(filename: str | None = None, **_: Any) -> IO[bytes]:
        if names:
            raise Problem("parameter_invalid", errors=[_detail(say("Send one file at a time."), "file")])
        names.append(filename or "")
        return cast(IO[bytes], _Sink(coming))

    form, files = _parsed(place)
    if ("file" in files) == ("url" in form):
        raise Problem("parameter_invalid", errors=[_detail(_BOTH, "url")]) if "url" in form else Problem("file_missing")
    # A field may have no name.
    return names[0] if "file" in files else None, {key or "": _value(key, form[key]) for key in form}


def _parsed(place: Any) -> tuple[MultiDict[str, str], Mapping[str, object]]:
    """The fields and the files of a form; `place` says what a file is written to."""
    if (request.content_length or 0) > LARGEST + _BESIDE:
        raise Problem("file_too_large", limit=size(LARGEST))
    parser = FormDataParser(place, max_form_memory_size=_BESIDE, max_form_parts=100, silent=False)
    try:
        _, form, files = parser.parse(request.stream, request.mimetype, request.content_length, request.mimetype_params)
    except (ClientDisconnected, OSError):
        raise Problem("file_cut") from None
    except RequestEntityTooLarge:
        told = say(
            "What is sent beside the file is larger than {limit}. Send the options and a mapping only.",
            limit=size(_BESIDE),
        )
        raise Problem("body_too_large", message=told) from None
    except (ValueError, HTTPException):
        raise Problem(
            "request_invalid", message=say("The multipart form cannot be read. Check its boundary.")
        ) from None
    return form, files


class _Sink:
    """What werkzeug writes a file to: it goes on to where the file comes in."""

    def __init__(self, coming: Incoming) -> None:
        self._coming = coming

    def write(self, chunk: bytes) -> int:
        """Takes some of it."""
        return self._coming.write(chunk)

    def seek(self, _position: int) -> None:
        """It is read by another way."""

    def close(self) -> None:
        """Whoever opened it closes it."""


def _value(key: str, text: str) -> Any:
    """A field of the form: a mapping may be a name, else it is JSON, as the options are."""
    if key not in ("mapping", "options") or (key == "mapping" and text.lstrip()[:1] not in ("{", "[")):
        return text
    try:
        return read_json(text.encode())
    except Problem:
        raise Problem("parameter_invalid", errors=[_detail(say("Must be a JSON object."), key)]) from None


def _wanted(said: Mapping[str, Any]) -> Wanted:
    strange = sorted(set(said) - {"url", "mapping", "options"})
    if strange:
        raise Problem(
            "parameter_invalid", errors=[_detail(say("There is no such field here. Look at /docs."), strange[0])]
        )
    options = _options(said.get("options"))
    mapping = said.get("mapping")
    named = mapping.strip() if isinstance(mapping, str) else None
    given = () if mapping is None or named is not None else read_mapping(mapping, services().manifest)
    read = {each.name: options.pop(each.name, None) for each in fields_of(ReadOptions)}
    return Wanted(ReadOptions(**read), mapping=given, saved=named or None, **options)


def _options(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict | None):
        raise Problem("parameter_invalid", errors=[_detail(say("Must be a JSON object."), "options")])
    try:
        loaded: dict[str, Any] = FileOptions().load(
            {key: each for key, each in (said or {}).items() if each is not None}
        )
    except ValidationError as problem:
        messages: Any = problem.messages
        errors = [_detail(_first(told), f"options.{key}") for key, told in messages.items()]
        raise Problem("parameter_invalid", errors=errors) from None
    return loaded


def _first(told: Any) -> str:
    while isinstance(told, dict | list):
        told = next(iter(told.values() if isinstance(told, dict) else told))
    message: str = told
    return message


def _detail(message: str, field: str) -> Detail:
    return Detail(message, "parameter_invalid", field)
