"""Platforms: packages for no-code platforms, made of the manifests. One small file each, pure: manifests in, files out.

A platform is a module here with `KEY`, `LABEL`, `build(told)` and `count(package)`. Nothing has to be registered.
"""

import io
import pkgutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol

from connector.platforms.base import EXAMPLE, Counts, Files, Told

__all__ = ["EXAMPLE", "Counts", "Files", "Platform", "Told", "registry", "zipped"]

# Of all files in a zip: so that the same package is the same bytes.
_MOMENT = (2026, 1, 1, 0, 0, 0)


class Builds(Protocol):
    """A module of this package."""

    KEY: str
    LABEL: str
    build: Callable[[Told], Files]
    count: Callable[[Files], Counts]


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform: `build` gives its package, path → content; `count` looks into a package what it has."""

    key: str
    label: str
    build: Callable[[Told], Files]
    count: Callable[[Files], Counts]


@cache
def registry() -> Mapping[str, Platform]:
    """Every platform by its key."""
    names = (each.name for each in pkgutil.iter_modules(__path__) if each.name != "base")
    modules: list[Builds] = [import_module(f"{__name__}.{name}") for name in names]
    found = [module for module in modules if hasattr(module, "KEY")]
    return {each.KEY: Platform(each.KEY, each.LABEL, each.build, each.count) for each in found}


def zipped(package: Files) -> bytes:
    """A package as one zip file; the same package gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package):
            archive.writestr(zipfile.ZipInfo(path, _MOMENT), package[path], zipfile.ZIP_DEFLATED)
    return out.getvalue()
