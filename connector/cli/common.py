"""What every command shares: opening the services, choosing a connection, printing, saying what is wrong."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from connector import logs
from connector.errors import Problem
from connector.ledger import DatabaseProblem
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.ledger.trouble import sentence
from connector.manifest import ManifestBroken
from connector.services import Services, open_ledger, open_services
from connector.settings import SHAPES, SettingsProblem, read_settings

P = ParamSpec("P")
R = TypeVar("R")

# What is printed may hold anything that a user wrote: it is never read as markup.
_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
messages = Console(stderr=True, soft_wrap=True, **_PLAIN)
# Tables are read by people in a terminal, and by people in a log that has no width.
results = Console(width=max(shutil.get_terminal_size().columns, 110), **_PLAIN)

# Characters of a secret in a file.
_LARGEST_SECRET = 100_000

as_json = click.option("--json", "json_", is_flag=True, help="Print the result as JSON.")
of_connection = click.option("--connection", metavar="ID", help="Which connection, when there are several.")


class Failed(click.ClickException):
    """Something is wrong; the exit code is 1."""

    def __init__(self, message: str, problem: Problem | None = None) -> None:
        super().__init__(message)
        self.problem = problem

    def show(self, file: Any = None) -> None:
        """The sentence, and what is wrong field by field."""
        del file
        messages.print(Text.assemble(("Error:", "bold red"), " ", self.message))
        told = [f"{error.field or '-'}: {error.message}" for error in (self.problem.errors if self.problem else ())]
        for line in told if told != [self.message] else ():
            messages.print(f"  {line}")


def explained(command: Callable[P, R]) -> Callable[P, R]:
    """Says in one sentence what kept a command from working."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Problem as problem:
            raise Failed(problem.message, problem) from None
        except (SettingsProblem, ManifestBroken, DatabaseProblem) as problem:
            raise Failed(str(problem)) from None
        except SQLAlchemyError as problem:
            raise Failed(sentence(problem, open_ledger(read_settings()).url.database)) from None

    return run


@contextmanager
def opened(*, delivers: bool = False, starts: bool = True) -> Iterator[Services]:
    """The services of this command; `delivers`: it brings work, so it delivers as well; not `starts`: it begins to by
    itself, when it has asked."""
    settings = read_settings()
    # What a command meets it says in its own words; a delivery in the background has only the log.
    logs.configure("error" if delivers else "critical")
    services = open_services(settings, starts=False)
    try:
        if delivers:
            _check_credential(services)
        if delivers and starts:
            services.engine.start()
        yield services
    finally:
        services.close()


def _check_credential(services: Services) -> None:
    """Raises `SettingsProblem` when no key opens the credential that is to be delivered with: it would be waited for in
    vain. A halted connection is told in other words."""
    tenant = connection_of(services, click.get_current_context().params.get("connection"))
    if not tenant.halted:
        services.vault.open(tenant.key_sealed)


def shaped(_context: click.Context, parameter: click.Parameter, value: str) -> str:
    """What is said of a connection in the shape that it must have; the message never shows the value."""
    pattern, sentence = SHAPES[str(parameter.name)]
    if not re.fullmatch(pattern, value) or value.endswith("\n"):
        raise click.BadParameter(sentence)
    return value


def label(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A label, or nothing."""
    return value and shaped(context, parameter, value)


label_option = click.option("--label", default="", callback=label, help="What you call it.")


def secret_option(name: str, told: str) -> Callable[[Any], Any]:
    """An option whose value is in a file, or comes on stdin: an argument is seen by everybody on the machine."""
    return click.option(name, metavar="FILE|-", callback=_secret, help=f"{told} - is stdin.")


def _secret(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        with click.open_file(value, encoding="utf-8") as file:
            read = str(file.read(_LARGEST_SECRET)).strip()
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text in UTF-8"
        raise click.BadParameter(f"{value} cannot be read: {why}.") from None
    if not read:
        raise click.BadParameter(f"{value} is empty.")
    return read


def connection_of(services: Services, connection_id: str | None) -> CrispConnection:
    """The connection that is meant: the named one, the environment's, or the only one."""
    with services.ledger.read() as connection:
        known = {tenant.id: tenant for tenant in tenants.every(connection)}
    wanted = connection_id or services.settings.crisp_website_id or (next(iter(known)) if len(known) == 1 else "")
    if wanted in known:
        return known[wanted]
    if connection_id or not known:
        raise Failed(f"There is no connection {connection_id}." if connection_id else Problem("no_connection").message)
    raise Failed(f"There are several connections. Name one with --connection: {', '.join(sorted(known))}")


def print_json(value: Any) -> None:
    """A result for programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
