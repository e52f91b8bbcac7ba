"""The HTTP API: thin views over intake, ledger and courier."""

from collections.abc import Iterator

from flask_smorest import Blueprint

from connector.api import admin, connections, contacts, fields, health, history, imports, metrics, previewing


def blueprints() -> Iterator[Blueprint]:
    """Every part of the API."""
    for module in (contacts, previewing, imports, history, fields, admin, connections, health, metrics):
        yield module.blueprint
