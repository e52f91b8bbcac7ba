"""Public schemas of the platforms' own tools. They are not ours, so they are no part of the project: a folder of them
is found beside it, or where PLATFORM_SCHEMAS says."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.process.running import ROOT

FOLDER = Path(os.environ.get("PLATFORM_SCHEMAS") or ROOT.parent / "shared" / "platforms" / "schemas")
_COMMENT = re.compile(r'^\s*//.*$|(?<=[\s,{\[])//[^\n"]*$', re.MULTILINE)


def schemas(platform: str) -> Path:
    """The folder of a platform's schemas. A test that has none is skipped and says so; where there is a folder that
    is not what it should be, and wherever one was promised, it fails."""
    found = FOLDER / platform
    if not found.is_dir():
        promised = bool(os.environ.get("PLATFORM_SCHEMAS")) or (os.environ.get("CI") == "true" and FOLDER.exists())
        (pytest.fail if promised else pytest.skip)(f"NOT CHECKED: there are no schemas of {platform} in {FOLDER}")
    return found


def read(path: Path) -> Any:
    """A schema, which may have comments and a comma too many."""
    text = _COMMENT.sub("", path.read_text("utf-8-sig"))
    return json.loads(re.sub(r",(\s*[}\]])", r"\1", text))


def without_anchors(schema: Any) -> Any:
    """The schema without names of the form `"$id": "#name"`, which later drafts read otherwise."""
    if isinstance(schema, list):
        return [without_anchors(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key != "$id" or not str(value).startswith("#")}
    return {key: without_anchors(value) for key, value in kept.items()}
