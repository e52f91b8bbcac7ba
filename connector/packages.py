"""Packages of all platforms: built of what is installed, written, and compared with what was written."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connector.errors import CODES
from connector.manifest import Manifest
from connector.platforms import EXAMPLE, Counts, Files, Told, registry
from connector.platforms.base import written
from connector.version import __version__


def told(manifest: Manifest, openapi: Mapping[str, Any], address: str = EXAMPLE) -> Told:
    """What packages are made of. `openapi`: the document of the service."""
    return Told(manifest, address.rstrip("/"), __version__, openapi)


def packages(about: Told) -> dict[str, Files]:
    """Every platform's package: platform → path → content."""
    return {key: platform.build(about) for key, platform in registry().items()}


class Unreadable(Exception):
    """A file in which a user has filled something in cannot be read: which, in a sentence."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Paths in a package that are missing where it was written, that are there and are none of it, and that differ."""

    missing: tuple[str, ...]
    spare: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many differences."""
        return len(self.missing) + len(self.spare) + len(self.changed)


def compare(folder: Path, package: Files) -> Compared:
    """A package, and what stands in a folder but for what tools leave there: `node_modules`, names with a dot."""
    there = set(_files(folder))
    return Compared(
        tuple(sorted(package.keys() - there)),
        tuple(sorted(there - package.keys())),
        tuple(sorted(path for path in package.keys() & there if package[path] != (folder / path).read_bytes())),
    )


def _files(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each != "node_modules" and not each.startswith(".")]
        own = (name for name in names if not name.startswith("."))
        yield from ((Path(place) / name).relative_to(folder).as_posix() for name in own)


def kept(folder: Path, key: str, package: Files) -> Files:
    """The package with what its user filled in where it was written before: Make's `origins`, for instance.

    Raises `Unreadable` when such a file is none any more.
    """
    filled_in = {path: _kept(folder / path, package[path], names) for path, names in registry()[key].kept.items()}
    return {**package, **filled_in}


def _kept(path: Path, content: bytes, names: Iterable[str]) -> bytes:
    if not path.exists():
        return content
    try:
        theirs = dict(json.loads(path.read_bytes()))
        mine = {name: theirs[name] for name in names if name in theirs}
    except (ValueError, TypeError):
        raise Unreadable(f"{path} is not what it was. Mend it, or remove it to have it written anew.") from None
    return written({**json.loads(content), **mine})


def write(folder: Path, package: Files) -> None:
    """Writes a package. What else stands in its folder stays: tools leave their own there (`node_modules`,
    `.zapierapprc`)."""
    for path, content in package.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def clean(folder: Path, package: Files) -> None:
    """Removes what is none of the package."""
    for path in compare(folder, package).spare:
        (folder / path).unlink()


def counts(packages_: Mapping[str, Files]) -> dict[str, Counts]:
    """What is in each package, looked up in the package itself."""
    return {key: registry()[key].count(package) for key, package in packages_.items()}


def errors() -> bytes:
    """`errors.json`: every stable code with its status, its title and its sentence, made of the table in the code."""
    rows = [
        dict(zip(("code", "status", "title", "message"), (code, *each), strict=True)) for code, each in CODES.items()
    ]
    return written({"$schema": "schema/errors.schema.json", "errors": rows})
