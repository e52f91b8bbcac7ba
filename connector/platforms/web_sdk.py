"""Crisp's chatbox on somebody's own pages: helpers that need nothing of the connector."""

import re
from importlib.resources import files

from connector.platforms.base import Counts, Files, Told

KEY, LABEL = "web_sdk", "Web SDK"


def build(told: Told) -> Files:
    """`crisp_snippet.py`, `crisp-snippet.js` and how they are used."""
    here = files("connector")
    readme = here.joinpath("platforms", "web_sdk.md").read_text(encoding="utf-8")
    return {
        "crisp_snippet.py": here.joinpath("snippet.py").read_bytes(),
        "crisp-snippet.js": here.joinpath("platforms", "web_sdk.js").read_bytes(),
        "README.md": readme.replace("{address}", told.address).encode(),
    }


def count(package: Files) -> Counts:
    """Nothing is called and nothing waited for: fields of a contact that the chatbox is told."""
    told = re.findall(r'contact(?:\.get\(|\[)"(\w+)"', package["crisp_snippet.py"].decode())
    return Counts(0, 0, len(set(told)))
