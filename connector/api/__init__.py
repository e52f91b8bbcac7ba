"""The HTTP API: thin views over intake, ledger and courier."""

from collections.abc import Iterator

from flask_smorest import Blueprint

from connector.api import (
    activity,
    admin,
    arrivals,
    connections,
    contacts,
    crisp,
    deliveries,
    doctor,
    events,
    fields,
    health,
    history,
    imports,
    inbound,
    metrics,
    packages,
    previewing,
    setup,
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
        activity,
        fields,
        admin,
        connections,
        setup,
        doctor,
        subscriptions,
        deliveries,
        events,
        crisp,
        inbound,
        arrivals,
        sinks,
        health,
        metrics,
        packages,
    ):
        yield module.blueprint
