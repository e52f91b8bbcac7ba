"""The snippets of docs/subscriptions.md do what the page says: run as they stand there."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.hooks import sign
from tests.hooks.conftest import OLD, SECRET

PAGE = Path(__file__).resolve().parents[2] / "docs" / "subscriptions.md"
BODY = '{"event":"contact_created","contact":{"nickname":"Ada Łovelace 🙂"}}'
Check = Callable[[str, dict[str, str], str], bool]

_JAVASCRIPT = """
const { secret, headers, body } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
process.stdout.write(String(isSigned(secret, headers, Buffer.from(body))));
"""
# What n8n gives a Code node: https://docs.n8n.io/code/builtin/
_N8N = """
const { headers, body } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const $input = { first: () => ({ json: { headers } }) };
const getBinaryDataBuffer = async (item, name) => item === 0 && name === 'data' && Buffer.from(body);
const n8n = { helpers: { getBinaryDataBuffer } };
const node = async function () { %s };
node.call(n8n).then(
  (items) => process.stdout.write(String(items.length === 1 && items[0].json.event === 'contact_created')),
  (error) => process.stdout.write(String(!/not signed/.test(error.message))),
);
"""


def snippet(title: str) -> str:
    """The fenced block under this heading."""
    found = re.search(rf"^### {title}$.*?^```\w+\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no snippet for {title}"
    return found[1]


def in_python(secret: str, headers: dict[str, str], body: str) -> bool:
    names: dict[str, Any] = {}
    exec(snippet("Python"), names)
    return bool(names["is_signed"](secret, headers, body.encode()))


def in_javascript(secret: str, headers: dict[str, str], body: str) -> bool:
    return _run(snippet("JavaScript") + _JAVASCRIPT, secret, headers, body)


def in_n8n(secret: str, headers: dict[str, str], body: str) -> bool:
    code = snippet("n8n").replace("whsec_…", secret)
    assert secret in code
    return _run(_N8N % code, secret, headers, body)


def _run(code: str, secret: str, headers: dict[str, str], body: str) -> bool:
    node = shutil.which("node")
    if node is None:
        pytest.skip("LEFT OUT: node is not installed")
    told = json.dumps({"secret": secret, "headers": headers, "body": body})
    ended = subprocess.run([node, "-e", code], input=told, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 0, ended.stderr
    return {"true": True, "false": False}[ended.stdout]


def headers(*secrets: str, at: int | None = None) -> dict[str, str]:
    return sign.headers(secrets, "e1", int(time.time()) if at is None else at, BODY.encode())


@pytest.mark.parametrize("check", [in_python, in_javascript, in_n8n])
def test_a_snippet_takes_what_is_signed_and_nothing_else(check: Check) -> None:
    now = int(time.time())
    assert check(SECRET, headers(SECRET), BODY)
    assert check(OLD, headers(SECRET, OLD), BODY), "both sign for a day"
    assert not check(OLD, headers(SECRET), BODY), "another secret"
    assert not check(SECRET, headers(SECRET), BODY.replace("Ada", "Eve")), "another body"
    assert not check(SECRET, headers(SECRET, at=now - 400), BODY), "too long ago"
    assert not check(SECRET, {**headers(SECRET), "webhook-id": "e2"}, BODY), "another id"
    assert not check(SECRET, {}, BODY), "not signed at all"
