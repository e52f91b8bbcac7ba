"""Sinks: the places that events are written to. A module in this folder is a sink; nothing else lists them."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from connector.hooks.egress import Egress
from connector.sinks.base import Broken, Later, Refused, Sink, SinkModule, Unwritten, Wait, sleep

__all__ = ["Broken", "Later", "Refused", "Sink", "SinkModule", "Unwritten", "opened", "registry"]


@cache
def registry() -> dict[str, SinkModule]:
    """Every sink module by its key, found in this folder."""
    found = (importlib.import_module(f"connector.sinks.{module.name}") for module in pkgutil.iter_modules(__path__))
    return {module.KEY: module for module in found if hasattr(module, "KEY")}


def opened(
    kind: str, options: Mapping[str, Any], credential: str, egress: Egress, settings: object, wait: Wait = sleep
) -> Sink:
    """A sink of this kind, at the address that the settings name for it. Raises KeyError for no such kind."""
    module = registry()[kind]
    return module.open_sink(options, credential, egress, address=getattr(settings, module.ADDRESS), wait=wait)
