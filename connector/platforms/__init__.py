"""Platforms: packages for no-code platforms, made of the manifests. One small file each, pure: manifests in, files out.

A platform is a module here with `KEY`, `LABEL`, `build(told)` and `count(package)`, and `KEPT` where its user fills
something in. Nothing has to be registered.
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
# Whoever unpacks them: another user (that of n8n, for instance) may read them.
_MODE = 0o644


class Builds(Protocol):
    """A module of this package."""

    KEY: str
    LABEL: str
    build: Callable[[Told], Files]
    count: Callable[[Files], Counts]


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform: `build` gives its package, path → content; `count` looks into a package what it has; `kept`: path
    of a JSON file → keys in it that the user of the package fills in."""

    key: str
    label: str
    build: Callable[[Told], Files]
    count: Callable[[Files], Counts]
    kept: Mapping[str, tuple[str, ...]]


@cache
def registry() -> Mapping[str, Platform]:
    """Every platform by its key."""
    names = (each.name for each in pkgutil.iter_modules(__path__) if each.name != "base")
    modules: list[Builds] = [import_module(f"{__name__}.{name}") for name in names]
    found = [module for module in modules if hasattr(module, "KEY")]
    kept = (getattr(each, "KEPT", {}) for each in found)
    listed = zip(found, kept, strict=True)
    return {each.KEY: Platform(each.KEY, each.LABEL, each.build, each.count, mine) for each, mine in listed}


def zipped(package: Files) -> bytes:
    """A package as one zip file; the same package gives the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package):
            about = zipfile.ZipInfo(path, _MOMENT)
            about.external_attr = _MODE << 16
            archive.writestr(about, package[path], zipfile.ZIP_DEFLATED)
    return out.getvalue()
