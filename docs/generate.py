"""Writes what the code itself knows: the pages of settings, commands, notes and errors, metrics,
sources, and `deploy/env.example`.

`python docs/generate.py` writes them; with `--check` it writes nothing and ends with 1 when one is not as it would be.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click
from source_pages import pages

from connector import errors, notes
from connector.cli import main
from connector.manifest import shipped
from connector.metrics import DECLARED, OTHERS
from connector.settings import SPANS, Settings

ROOT = Path(__file__).resolve().parent.parent
_HEAD = "Written by docs/generate.py. Change the code, then run: make docs"
# Wide enough that no help text is wrapped differently on another terminal.
_WIDTH = 100


_SETTINGS = """# Settings

All settings are environment variables. One that makes no sense stops the start with a sentence that names it;
`crisp-connector doctor` checks them together with the credential and the database. Secrets are never logged or shown.

| variable | meaning | from – to | default |
|---|---|---|---|
{rows}
"""
_ENVIRONMENT = """
# Every setting with its default. Take the mark off those that you change; the README says which are needed.
# No quotes, no spaces around =, no comment behind a value: systemd, docker and compose read this file alike.
# No $ either: compose would read a variable there.
# It holds secrets when it is filled in: let nobody but its owner read it (chmod 600).

{variables}

# For compose.yaml alone: the password of its PostgreSQL.
# POSTGRES_PASSWORD=
"""
_COMMANDS = """# Commands

Results go to stdout, progress and messages to stderr. Exit codes: 0 all well, 1 not done (the message says why), 2 a
wrong option; `send`, `import` and `resume` also end with 3 when records failed and with 4 when some wait.

{told}
"""
_CODES = """# Notes and errors

Codes are stable; sentences may be improved.

## Notes

A note says what happened to one value of a record. An error note makes the record `rejected`; after any other the
contact goes on without the value.

| code | level | message |
|---|---|---|
{told}

## Errors

Errors are `application/problem+json` with `code`, `message`, `request_id` and `errors` field by field. A record that is
rejected for a note is answered 422 with the note's code.

| code | HTTP | message |
|---|---|---|
{failed}
"""


_METRICS = """# Metrics

`GET /metrics` says them; [Operating](operating.md) says who may ask, and has alert rules. Names begin with
`crisp_connector_`; times are in seconds.

| name | type | labels | meaning |
|---|---|---|---|
{rows}

A *gauge* can go down: a record is counted under the outcome that it has now, so replay takes it from `dead` back to
`waiting`. A *counter* only grows, whatever is restarted; it is gone with its connection.
"""


def settings() -> str:
    """Every environment variable, as `connector.settings` declares it."""
    return _SETTINGS.format(rows="\n".join(_setting(each) for each in fields(Settings)))


def _setting(each: "Field[Any]") -> str:
    told = each.metadata
    default = "" if each.default in ("", 0) else f"`{each.default}`"
    secret = " (secret)" if told["secret"] else ""
    span = "{} – {}".format(*SPANS[each.name]) if each.name in SPANS else ""
    return f"| `{told['variable']}` | {told['help']}{secret} | {span} | {default} |"


def environment() -> str:
    """Every environment variable, as a file that sets none of them."""
    return _ENVIRONMENT.format(variables="\n\n".join(_variable(each) for each in fields(Settings)))


def _variable(each: "Field[Any]") -> str:
    secret = " (secret)" if each.metadata["secret"] else ""
    default = "" if each.default in ("", 0) else each.default
    span = "; {} to {}".format(*SPANS[each.name]) if each.name in SPANS else ""
    return f"# {each.metadata['help']}{span}{secret}\n# {each.metadata['variable']}={default}"


def commands() -> str:
    """Every command's help."""
    told = (f"## {name}\n\n```\n{text}\n```" for name, text in _help("crisp-connector", main, None))
    return _COMMANDS.format(told="\n\n".join(told))


def _help(name: str, command: click.Command, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    """The name and help of a command and of all below it."""
    wide = {"terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = click.Context(command, parent, name, **{**command.context_settings, **wide})
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from _help(inner, found, context)


def metrics() -> str:
    """Every metric, as `connector.metrics` declares it."""
    of_connections = [(each.name, each.kind, ("connection", *each.labels), each.help) for each in DECLARED]
    others = [(name, *told) for name, told in OTHERS.items()]
    rows = (
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {help_} |"
        for name, kind, labels, help_ in (*of_connections, *others)
    )
    return _METRICS.format(rows="\n".join(rows))


def codes() -> str:
    """Every note and every error."""
    told = (f"| `{code}` | {level} | {_shown(sentence)} |" for code, (level, sentence) in notes.CODES.items())
    failed = (f"| `{code}` | {status} | {_shown(sentence)} |" for code, (status, _, sentence) in errors.CODES.items())
    return _CODES.format(told="\n".join(told), failed="\n".join(failed))


def _shown(sentence: str) -> str:
    """A sentence whose places for facts read as words, in a cell of a table."""
    return sentence.replace("{", "*").replace("}", "*").replace("|", "\\|")


def _of_source(name: str) -> Callable[[], str]:
    return lambda: pages(shipped())[name]


PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings,
    "docs/cli.md": commands,
    "docs/notes.md": codes,
    "docs/metrics.md": metrics,
    "deploy/env.example": environment,
    **{name: _of_source(name) for name in pages(shipped())},
}


def _with_head(name: str, text: str) -> str:
    """The text below a comment that says where it comes from."""
    return f"<!-- {_HEAD} -->\n{text}" if name.endswith(".md") else f"# {_HEAD}\n{text}"


def run(*, check: bool) -> int:
    """Writes the pages, or says which are not as they would be."""
    stale = []
    for name, page in PAGES.items():
        path, text = ROOT / name, _with_head(name, page())
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"{'not up to date' if check else 'written'}: {', '.join(stale)}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(run(check="--check" in sys.argv[1:]))
