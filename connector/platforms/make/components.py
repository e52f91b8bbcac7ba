"""Components of an app: what is said of each, and the files of its code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FOLDERS = {"connection": "connections", "webhook": "webhooks", "module": "modules", "rpc": "rpcs"}


def camel(key: str) -> str:
    """`upsert_contact` → `upsertContact`."""
    first, *others = key.split("_")
    return first + "".join(each.capitalize() for each in others)


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)


@dataclass(frozen=True)
class Component:
    """`about`: its entry in the index, without files. `code`: its files; None for one that there is none of."""

    kind: str
    key: str
    about: Mapping[str, Any]
    code: Mapping[str, Any]

    def entry(self) -> dict[str, Any]:
        """What the index says of it."""
        paths = {name: self._path(name) if content is not None else None for name, content in self.code.items()}
        return {**self.about, "codeFiles": paths}

    def files(self) -> dict[str, Any]:
        """Path → content."""
        return {self._path(name): content for name, content in self.code.items() if content is not None}

    def _path(self, name: str) -> str:
        return f"{_FOLDERS[self.kind]}/{self.key}/{_kebab(self.key)}.{_kebab(name)}.iml.json"
