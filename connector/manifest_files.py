"""One manifest as a file: read, checked against its JSON Schema, and against what a schema cannot say."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.resources.abc import Traversable
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind


class ManifestBroken(Exception):
    """A manifest cannot be used: which file, where in it, why."""

    def __init__(self, file: str, path: str, reason: str) -> None:
        super().__init__(f"manifests/{file}: {path or 'the file'}: {reason}")
        self.file, self.path, self.reason = file, path, reason


def read(root: Traversable, name: str, schema: str) -> Any:
    """The content of a manifest. Raises `ManifestBroken`."""
    try:
        text = root.joinpath(*name.split("/")).read_text(encoding="utf-8")
        content = json.loads(text, object_pairs_hook=_object)
        rules = json.loads(root.joinpath("schema", f"{schema}.schema.json").read_text(encoding="utf-8"))
        for error in Draft202012Validator(rules).iter_errors(content):
            raise ManifestBroken(name, _json_path(content, error.instance_path), _reason(error))
    except (OSError, ValueError) as problem:  # half a character, for one, or what is nested too deep
        raise ManifestBroken(name, "", str(problem)) from problem
    for path, key in _twice(content, "$"):
        raise ManifestBroken(name, path, f"there are two of the key {key}")
    return content


def folder(root: Traversable, name: str, schema: str) -> dict[str, Any]:
    """The contents of all manifests of a folder, by key."""
    found: dict[str, Any] = {}
    try:
        entries = sorted(root.joinpath(name).iterdir(), key=lambda entry: entry.name)
    except OSError as problem:
        raise ManifestBroken(name, "", str(problem)) from problem
    for entry in entries:
        file = f"{name}/{entry.name}"
        content = read(root, file, schema)
        if entry.name != f"{content['key']}.json":
            raise ManifestBroken(file, "$.key", "the key must be the file's name")
        found[content["key"]] = content
    return found


def _json_path(content: Any, parts: Iterable[str | int]) -> str:
    """`$.fields[5].convert`. The validator leaves out names that are empty, and tells digits as numbers."""
    path = "$"
    for part in parts:
        while isinstance(content, dict) and str(part) not in content and "" in content:
            path, content = f"{path}['']", content[""]
        is_member = isinstance(content, list)
        path += f"[{part}]" if is_member else f".{part}"
        content = content[part] if is_member else content.get(str(part))
    return path


def _reason(error: ValidationError) -> str:
    """Its words; of values to choose from they name the first two alone."""
    if not isinstance(error.kind, ValidationErrorKind.Enum):
        return error.message
    return f"{json.dumps(error.instance)} is not one of {', '.join(map(json.dumps, error.kind.options))}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON's own reader keeps the last of two, without a word."""
    if repeated := _repeated([name for name, _ in pairs]):
        raise ValueError(f"the name {repeated[0]} stands twice in one object")
    return dict(pairs)


def _twice(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Where rows of one list have the same `key`, and which."""
    if isinstance(node, dict):
        for name, inner in node.items():
            if name != "sample":  # what a service answers may name a thing twice
                yield from _twice(inner, f"{path}.{name}")
    elif isinstance(node, list):
        keys = [row["key"] for row in node if isinstance(row, dict) and isinstance(row.get("key"), str)]
        yield from ((path, key) for key in _repeated(keys))
        for place, inner in enumerate(node):
            yield from _twice(inner, f"{path}[{place}]")


def _repeated(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
