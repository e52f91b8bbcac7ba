"""Anything in becomes a contact in Crisp."""

from typing import TYPE_CHECKING

from connector.version import __version__

if TYPE_CHECKING:
    from flask import Flask

    from connector.services import Services

__all__ = ["__version__", "create_app"]


def create_app(services: "Services | None" = None) -> "Flask":
    """The web application, as a WSGI server wants it: `gunicorn 'connector:create_app()'`. It delivers nothing itself;
    `crisp-connector work` does."""
    from connector.app import create_app as create

    return create(services)
