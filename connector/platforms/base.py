"""What every platform's package is made of, and how its files are written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from connector.crisp.calls import TOTALS
from connector.manifest import Action, Manifest, Trigger

Files = Mapping[str, bytes]
# Parameters that are for other systems' payloads alone, and what is sent where there is a form of plain fields: neither
# is their source to be guessed, nor is there anything that goes nowhere.
_OF_PAYLOADS: Mapping[str, str] = {"source": "generic", "unmapped": ""}

# The address in packages that are made for nobody in particular.
EXAMPLE = "https://connector.example.com"
_ROW = ("key", "label", "type", "help")


class Counts(NamedTuple):
    """What is in a package: actions, triggers, and the contact fields that can be filled in."""

    actions: int
    triggers: int
    fields: int


def options_of(action: Action) -> list[Mapping[str, Any]]:
    """What a form of plain fields lets one say of how they are read and written: parameters of the query."""
    return [each for each in action.parameters if each["in"] == "query" and each["key"] not in _OF_PAYLOADS]


def always(action: Action) -> dict[str, str]:
    """What is always sent in the query with a form of plain fields."""
    declared = (each["key"] for each in action.parameters)
    return {**action.query, **{key: _OF_PAYLOADS[key] for key in declared if _OF_PAYLOADS.get(key)}}


@dataclass(frozen=True, slots=True)
class Told:
    """`manifest`: all that is declared; `address`: where the service answers, without a slash at its end; `version` of
    the package; `openapi`: the document of the service."""

    manifest: Manifest
    address: str
    version: str
    openapi: Mapping[str, Any]

    def rows_of(self, output: str) -> list[Mapping[str, Any]]:
        """What an answer consists of, as `{key, label, type, help}`, and `of` where a row has rows of its own; what `*`
        stands for has its place."""
        listed = (self._many(row["type"]) if row["key"] == "*" else [row] for row in self.manifest.outputs[output])
        return [row for rows in listed for row in rows]

    def event_of(self, trigger: Trigger) -> list[Mapping[str, Any]]:
        """What an event consists of, with what is in its contact and its data where that is known."""
        named = trigger.within
        rows = self.rows_of(trigger.output)
        return [{**row, "of": named[row["key"]]} if row["key"] in named else row for row in rows]

    def _many(self, kind: str) -> list[Mapping[str, Any]]:
        """Every contact field, of a person those that Crisp has a place for; or every count of an import."""
        if kind == "totals":
            return [{"key": key, "label": key.title(), "type": "integer", "help": "How many."} for key in TOTALS]
        shown = (field for field in self.manifest.fields.values() if kind == "contact" or field.crisp_path)
        return [{name: getattr(field, name) for name in _ROW} for field in shown]

    def said(self, text: str) -> str:
        """A text of the manifests, with the address of the service in the place of the example."""
        return text.replace(EXAMPLE, self.address)


def written(value: Any) -> bytes:
    """JSON as it is committed: two spaces, one line break at the end."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
