"""A faithful local Crisp: it speaks Crisp's REST API, so that tests and demonstrations need no account."""

from .app import create_app
from .command_line import command
from .options import Options

__all__ = ["Options", "command", "create_app"]
