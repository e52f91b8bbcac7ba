"""Texts that pages show and that are written elsewhere, as data: they are taken up for translation from here."""

from collections.abc import Iterator

from connector import spoken
from connector.errors import CODES as ERRORS
from connector.imports import STATES
from connector.manifest import shipped
from connector.notes import CODES as NOTES
from connector.web import kept

# What the probe finds out, and what it finds (`connector.crisp.probe`).
PROBED = (
    *("exists answer", "exists tells people id", "segments", "nested", "removal", "batch answer", "batch data"),
    *("batch size", "batch segments", "created at", "active", "wrong country answer", "wrong key answer"),
)
FOUND = ("append", "replace", "merge", "null", "empty", "put", "refused", "taken", "ignored", "not known", "none")

# What an import can be, and cannot be any more (`connector.moving`).
MOVED = ("paused", "resumed", "cancelled")


def declared() -> Iterator[str]:
    """All of them."""
    yield from (sentence for _status, _title, sentence in ERRORS.values())
    yield from (sentence for _level, sentence in NOTES.values())
    yield from (*spoken.declared(), *kept.TEMPLATES, *PROBED, *FOUND, *STATES, *MOVED)
    yield from _of_manifests()


def _of_manifests() -> Iterator[str]:
    manifest = shipped()
    for field in manifest.fields.values():
        yield from (field.label, field.help, *(label for _value, label in field.choices))
    for trigger in manifest.triggers.values():
        yield from (trigger.label, trigger.help)
    for source in manifest.sources.values():
        yield from (source.label, source.help, *source.variants.values(), *source.steps)
        yield from (each[told] for each in source.about.get("left_out", ()) for told in ("what", "why"))
