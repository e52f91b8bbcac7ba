"""What every platform's package is made of, and how its files are written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from connector.manifest import Field, Manifest

Files = Mapping[str, bytes]

# The address in packages that are made for nobody in particular.
EXAMPLE = "https://connector.example.com"
_ROW = ("key", "label", "type", "help")


class Counts(NamedTuple):
    """What is in a package: actions, triggers, and the contact fields that can be filled in."""

    actions: int
    triggers: int
    fields: int


@dataclass(frozen=True, slots=True)
class Told:
    """`manifest`: all that is declared; `address`: where the service answers, without a slash at its end; `version` of
    the package; `openapi`: the document of the service."""

    manifest: Manifest
    address: str
    version: str
    openapi: Mapping[str, Any]

    def fields_of(self, action_key: str) -> list[Field]:
        """The contact fields that an action takes, in their order."""
        wanted = set(self.manifest.actions[action_key].input_fields)
        return [field for key, field in self.manifest.fields.items() if {key, "*"} & wanted]

    def rows_of(self, output: str) -> list[Mapping[str, Any]]:
        """What an answer consists of, as `{key, label, type, help}`; `*` is every contact field."""
        fields = [{name: getattr(field, name) for name in _ROW} for field in self.manifest.fields.values()]
        listed = (fields if row["key"] == "*" else [row] for row in self.manifest.outputs[output])
        return [row for rows in listed for row in rows]

    def said(self, text: str) -> str:
        """A text of the manifests, with the address of the service in the place of the example."""
        return text.replace(EXAMPLE, self.address)


def written(value: Any) -> bytes:
    """JSON as it is committed: two spaces, one line break at the end."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
