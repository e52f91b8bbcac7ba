"""Samples: what each source really sends, as shipped in `manifests/samples`, and what must come of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any

from connector.body import FORMS, read_body
from connector.manifest import manifests_root

# Ending of a sample's file → how it is sent.
_KINDS = {".json": "application/json", ".xml": "application/xml", ".form": FORMS[0]}
_EXPECTED = ".contact.json"


@dataclass(frozen=True)
class Sample:
    """A payload as it is sent. `headers`: what its sender puts on the request (names in lower case), where the payload
    does not say all; `options`: by which query (`timezone`, …) it is read; `records`: what must come of it."""

    source: str
    name: str
    body: bytes
    content_type: str
    headers: Mapping[str, str]
    options: Mapping[str, str]
    records: list[dict[str, Any]]

    @property
    def value(self) -> Any:
        """The payload as it is read: a new one each time."""
        return read_body(self.body, self.content_type)


@cache
def names(source: str) -> tuple[str, ...]:
    """The names of a source's samples, in order; they are shipped with the program and do not change."""
    folder = _folder(source)
    found = sorted(entry.name for entry in (folder.iterdir() if folder.is_dir() else ()))
    return tuple(name.removesuffix(_EXPECTED) for name in found if name.endswith(_EXPECTED))


def of_source(source: str) -> Iterator[Sample]:
    """The samples of a source, by name."""
    return (sample(source, name) for name in names(source))


def sample(source: str, name: str) -> Sample:
    """A sample by its name."""
    folder = _folder(source)
    told = json.loads(folder.joinpath(name + _EXPECTED).read_text(encoding="utf-8"))
    ending = next(ending for ending in _KINDS if folder.joinpath(name + ending).is_file())
    headers = {key.lower(): value for key, value in told.get("headers", {}).items()}
    content_type = headers.pop("content-type", _KINDS[ending])
    body = folder.joinpath(name + ending).read_bytes()
    return Sample(source, name, body, content_type, headers, told.get("options", {}), told["records"])


def _folder(source: str) -> Traversable:
    return manifests_root().joinpath("samples", source)
