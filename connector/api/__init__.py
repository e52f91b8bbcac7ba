"""The HTTP API: thin views over intake, ledger and courier."""

from collections.abc import Iterator

from flask_smorest import Blueprint

from connector.api import admin, contacts, fields, health, history, previewing


def blueprints() -> Iterator[Blueprint]:
    """Every part of the API."""
    for module in (contacts, previewing, history, fields, admin, health):
        yield module.blueprint
