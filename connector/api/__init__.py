"""The HTTP API: thin views over intake, ledger and courier."""

from collections.abc import Iterator

from flask_smorest import Blueprint

from connector.api import (
    admin,
    arrivals,
    connections,
    contacts,
    crisp,
    deliveries,
    events,
    fields,
    health,
    history,
    imports,
    inbound,
    metrics,
    previewing,
    sinks,
    subscriptions,
)


def blueprints() -> Iterator[Blueprint]:
    """Every part of the API."""
    for module in (
        contacts,
        previewing,
        imports,
        history,
        fields,
        admin,
        connections,
        subscriptions,
        deliveries,
        events,
        crisp,
        inbound,
        arrivals,
        sinks,
        health,
        metrics,
    ):
        yield module.blueprint
