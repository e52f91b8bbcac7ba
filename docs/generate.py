"""Writes the pages of `docs/` that the code itself knows: settings, commands, notes and errors.

`python docs/generate.py` writes them; with `--check` it writes nothing and ends with 1 when one is not as it would be.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click

from connector import errors, notes
from connector.cli import main
from connector.settings import Settings

DOCS = Path(__file__).resolve().parent
_HEAD = "<!-- Written by docs/generate.py. Change the code, then run: make docs -->\n"
# Wide enough that no help text is wrapped differently on another terminal.
_WIDTH = 100


_SETTINGS = """# Settings

All settings are environment variables. One that makes no sense stops the start with a sentence that names it;
`crisp-connector doctor` checks them together with the credential and the database. Secrets are never logged or shown.

| variable | meaning | default |
|---|---|---|
{rows}
"""
_COMMANDS = """# Commands

Results go to stdout, progress and messages to stderr. Exit codes: 0 all well, 1 not done (the message says why), 2 a
wrong option; `send` also ends with 3 when records failed and with 4 when some wait.

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


def settings() -> str:
    """Every environment variable, as `connector.settings` declares it."""
    return _SETTINGS.format(rows="\n".join(_setting(each) for each in fields(Settings)))


def _setting(each: "Field[Any]") -> str:
    told = each.metadata
    default = "" if each.default in ("", 0) else f"`{each.default}`"
    secret = " (secret)" if told["secret"] else ""
    return f"| `{told['variable']}` | {told['help']}{secret} | {default} |"


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


def codes() -> str:
    """Every note and every error."""
    told = (f"| `{code}` | {level} | {_shown(sentence)} |" for code, (level, sentence) in notes.CODES.items())
    failed = (f"| `{code}` | {status} | {_shown(sentence)} |" for code, (status, _, sentence) in errors.CODES.items())
    return _CODES.format(told="\n".join(told), failed="\n".join(failed))


def _shown(sentence: str) -> str:
    """A sentence whose places for facts read as words, in a cell of a table."""
    return sentence.replace("{", "*").replace("}", "*").replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings, "cli.md": commands, "notes.md": codes}


def run(*, check: bool) -> int:
    """Writes the pages, or says which are not as they would be."""
    stale = []
    for name, page in PAGES.items():
        path, text = DOCS / name, _HEAD + page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if stale:
        sys.stderr.write(f"{'not up to date' if check else 'written'}: {', '.join(stale)}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(run(check="--check" in sys.argv[1:]))
