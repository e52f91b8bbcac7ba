"""The command line of the sandbox: one option for every switch."""

from dataclasses import MISSING, Field, fields
from typing import Any

import click

from .kinds import Kind
from .options import Options
from .server import serve

HELP = """
Stands in for Crisp on this machine: the same routes and answers, no account, and nothing is kept.

\b
Example:
  crisp-connector sandbox --port 8899 --key K --latency-ms 50 --error-rate 0.1

The first line on stdout is JSON with url, website_id, identifier, key and tier. While it runs, POST /_sandbox
changes the switches, GET /_sandbox/stats counts calls and hooks, GET /_sandbox/people lists the contacts and
POST /_sandbox/reset empties it.

Every change is told: to --hook-url, to --website-hook-url, and to whoever listens over RTM.
POST /_sandbox/conversations plays a visitor: {"session_id", "email", "nickname", "phone", "data", "segments"}, all
but the first as you like. POST /_sandbox/rtm/cut with {"seconds": 5} cuts the RTM sockets for so long.
"""


def option_of(each: "Field[Any]") -> click.Option:
    """The click option of one switch; when it is not given the default of `Options` holds."""
    kind: Kind = each.metadata["kind"]

    def convert(_context: click.Context, _parameter: click.Parameter, value: str | None) -> object:
        try:
            return None if value is None else kind(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    default = "" if each.default is MISSING else f" [default: {'none' if each.default is None else each.default}]"
    return click.Option(
        [f"--{each.name.replace('_', '-')}"],
        envvar=f"SANDBOX_{each.name.upper()}",
        show_envvar=True,
        metavar=kind.label,
        callback=convert,
        help=each.metadata["help"] + default,
    )


def run(**given: Any) -> None:
    try:
        options = Options(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    serve(options)


command = click.Command(
    "sandbox",
    callback=run,
    params=[option_of(each) for each in fields(Options)],
    help=HELP,
    short_help="Stand in for Crisp on this machine.",
)
