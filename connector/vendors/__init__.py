"""Vendors: how the systems that payloads come from are asked for contacts. A module in this folder is one, under the
key of its source; nothing else lists them."""

import importlib
import json
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, reduce
from hashlib import sha256
from typing import Any

from connector.saying import Count, say
from connector.vendors.base import VendorModule

# Characters of a part of a credential: a private key is the longest.
_LONGEST = 10_000
# Parts that have lines.
_OF_LINES = ("private_key",)
# Options of every pull, which say nothing of what is pulled, and the least and the most of each.
_EVERY, _SIZE = "every_minutes", "page_size"
_SHORTEST, _RAREST = 5, 40_320


@cache
def registry() -> dict[str, VendorModule]:
    """Every vendor by its source's key, found in this folder."""
    found = (importlib.import_module(f"connector.vendors.{module.name}") for module in pkgutil.iter_modules(__path__))
    return {module.KEY: module for module in found if hasattr(module, "KEY")}


def credential(source: str, written: str) -> dict[str, str]:
    """The parts of a credential as somebody gave it: a JSON object, or the text alone where there is one part. Raises
    ValueError, with a sentence that quotes nothing of it. Of a source that is never asked, it is one part."""
    vendor = registry().get(source)
    if vendor is None:
        return {"token": _text(say("It"), written)}
    said = _said(vendor, written)
    return {name: _part(vendor, name, said[name]) for name in _wanted(vendor, said)} | _defaults(vendor, said)


def _said(vendor: VendorModule, written: str) -> dict[str, Any]:
    single = [parts[0] for parts in vendor.CREDENTIALS if len(parts) == 1]
    try:
        said = json.loads(written)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        return said
    if single and not any(each.isspace() for each in written.strip()):
        return {single[0]: written.strip()}
    raise ValueError(_must_be(vendor))


def _wanted(vendor: VendorModule, said: Mapping[str, Any]) -> tuple[str, ...]:
    found = next((parts for parts in vendor.CREDENTIALS if said.keys() >= set(parts)), None)
    if found is None:
        raise ValueError(_must_be(vendor))
    return found


def _must_be(vendor: VendorModule) -> str:
    ways = [_all(parts) for parts in vendor.CREDENTIALS]
    told = reduce(lambda said, way: say("{ways}, or with {way}", ways=said, way=way), ways)
    return say("It must be a JSON object with {ways}.", ways=told)


def _all(names: Sequence[str]) -> str:
    return reduce(lambda said, name: say("{names} and {name}", names=said, name=name), names)


def _any(ways: Iterable[str]) -> str:
    return reduce(lambda said, name: say("{names} or {name}", names=said, name=name), ways)


def _defaults(vendor: VendorModule, said: Mapping[str, Any]) -> dict[str, str]:
    defaults: Mapping[str, str] = getattr(vendor, "DEFAULTS", {})
    return {name: _part(vendor, name, said.get(name, value)) for name, value in defaults.items()}


def _part(vendor: VendorModule, name: str, value: Any) -> str:
    return _checked(vendor, name, _text(name, value, lines=name in _OF_LINES))


def _text(name: str, value: Any, *, lines: bool = False) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise ValueError(say("{name} must be a text of at most {count} characters.", name=name, count=Count(_LONGEST)))
    text = value.strip()
    if not lines and not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError(say("{name} must be ASCII, without spaces and line breaks.", name=name))
    return text


def _checked(vendor: VendorModule, name: str, value: str) -> str:
    checks: Mapping[str, Any] = getattr(vendor, "CHECKS", {})
    try:
        return str(checks[name](value)) if name in checks else value
    except ValueError as problem:
        raise ValueError(say("{field}: {message}", field=name, message=problem.args[0])) from None


def pull_options(source: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is pulled, and how often, in its one form. Raises ValueError, with a sentence."""
    vendor = registry().get(source)
    if vendor is None:
        raise ValueError(say("Nothing can be pulled from this source."))
    ways = getattr(vendor, "OPTIONS", ())
    told = {name: value for name, value in wanted.items() if name not in (_EVERY, _SIZE)}
    if told and not any(told.keys() <= set(way) and way[0] in told for way in ways):
        more = _all((_EVERY, _SIZE))
        if not ways:
            raise ValueError(say("Give nothing but {more}.", more=more))
        raise ValueError(say("Give {names}, and perhaps {more}.", names=_any(map(_all, ways)), more=more))
    for name, value in told.items():
        if not isinstance(value, str) or not 0 < len(value.strip()) <= 255:
            raise ValueError(say("{name} must be a text.", name=name))
        told[name] = _checked(vendor, name, value.strip())
    spans = {_EVERY: (_SHORTEST, _RAREST), _SIZE: (1, vendor.PER_PAGE)}
    return told | {name: _whole(name, wanted[name], *span) for name, span in spans.items() if name in wanted}


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        told = say("{name} must be a whole number from {least} to {most}.", name=name, least=least, most=Count(most))
        raise ValueError(told)
    return value


def place(source: str, said: Mapping[str, str], options: Mapping[str, Any]) -> str:
    """A hash of where contacts are pulled from: the parts of the credential and the options that say it. A new token,
    or another pace, is the same place."""
    parts = {name: said.get(name) for name in getattr(registry()[source], "PLACE", ())}
    wanted = {name: value for name, value in options.items() if name not in (_EVERY, _SIZE)}
    return sha256(json.dumps([source, parts, wanted], sort_keys=True).encode()).hexdigest()


def lacks(source: str, options: Mapping[str, Any]) -> str:
    """Which option of `pull` is missing before anything can be pulled; "" for none."""
    ways = getattr(registry()[source], "OPTIONS", ())
    needed = [way[0] for way in ways]
    return "" if not needed or any(name in options for name in needed) else _any(f"pull.{n}" for n in needed)
