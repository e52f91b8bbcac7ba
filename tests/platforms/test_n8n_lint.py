"""The n8n package passes the lint of n8n's community nodes."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connector import packages
from connector.app import openapi
from connector.manifest import shipped
from connector.platforms import registry
from tests.platforms.tools import installed, node, path, ran


def test_the_lint_of_community_nodes_finds_nothing(tmp_path: Path) -> None:
    """Many of its rules read literals in classes of TypeScript: so the descriptions are shown to it as such, too."""
    shown = tmp_path / "n8n-nodes-crisp-connector"
    packages.write(shown, registry()["n8n"].build(packages.told(shipped(), openapi())))
    shutil.copytree(shown / "dist", shown, dirs_exist_ok=True)
    for kind, files in {"INodeType": "nodes/*/*.js", "ICredentialType": "credentials/*.js"}.items():
        for code in shown.glob(files):
            described = json.loads((code.parent / f"{code.name.partition('.')[0]}.json").read_text())
            code.with_suffix(".ts").write_text(typescript(code.name.partition(".")[0], kind, described))
    place = installed("n8n-lint", "--ignore-scripts")
    shutil.copy(place / "eslint.config.mjs", shown)
    (shown / "node_modules").symlink_to(place / "node_modules")
    eslint = place / "node_modules" / "eslint" / "bin" / "eslint.js"
    command = (node() / "node", eslint, "--max-warnings=0", ".")
    assert not ran(*command, cwd=shown, PATH=path())
    # That it would find something:
    (shown / "dist/nodes/CrispConnector/CrispConnector.node.js").write_text("require('fs');")
    with pytest.raises(AssertionError, match="no-restricted-imports"):
        ran(*command, cwd=shown, PATH=path())


def typescript(name: str, kind: str, described: Mapping[str, Any]) -> str:
    """A description as the class that the lint expects."""
    words = {f"description: {kind}Description": described} if kind == "INodeType" else described
    body = "\n".join(f"\t{word} = {json.dumps(value, ensure_ascii=False, indent=2)};" for word, value in words.items())
    body = re.sub(r'^( *)"(\w+)":', r"\1\2:", body, flags=re.MULTILINE)
    return f"import type {{ {kind} }} from 'n8n-workflow';\n\nexport class {name} implements {kind} {{\n{body}\n}}\n"
