"""Packages of all platforms: built of what is installed, written, and compared with what was written."""

from collections.abc import Mapping
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
    """A package, and what stands in a folder."""
    there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    both = package.keys() & there.keys()
    return Compared(
        tuple(sorted(package.keys() - there.keys())),
        tuple(sorted(there.keys() - package.keys())),
        tuple(sorted(path for path in both if package[path] != there[path])),
    )


def write(folder: Path, package: Files) -> None:
    """Writes a package; what else stands in its folder goes."""
    for path in compare(folder, package).spare:
        (folder / path).unlink()
    for path, content in package.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def counts(packages_: Mapping[str, Files]) -> dict[str, Counts]:
    """What is in each package, looked up in the package itself."""
    return {key: registry()[key].count(package) for key, package in packages_.items()}


def errors() -> bytes:
    """`errors.json`: every stable code with its status, its title and its sentence, made of the table in the code."""
    rows = [
        dict(zip(("code", "status", "title", "message"), (code, *each), strict=True)) for code, each in CODES.items()
    ]
    return written({"$schema": "schema/errors.schema.json", "errors": rows})
