"""`subscriptions`: who is told of Crisp's news, and where."""

from collections.abc import Mapping
from typing import Any

import click
from rich.table import Column, Table

from connector import subscribing
from connector.cli.common import Failed, as_json, connection_of, explained, of_connection, opened, print_json, results
from connector.convert.times import from_milliseconds, moment_of
from connector.events.meaning import EVENTS
from connector.hooks.conditions import HELP
from connector.ledger import subscriptions as ledger
from connector.ledger.subscriptions import Subscription

# Of a connection, so many are listed.
_MOST = 10_000


@click.group()
def subscriptions() -> None:
    """Subscriptions (REST hooks): who is told of Crisp's news, and where.

    \b
    Example:
      crisp-connector subscriptions add contact_created https://hooks.example.com/crisp
    """


@subscriptions.command("list")
@of_connection
@as_json
@explained
def list_(connection: str | None, json_: bool) -> None:
    """The subscriptions of a connection, newest first.

    \b
    Example:
      crisp-connector subscriptions list --json
    """
    with opened() as services:
        tenant = connection_of(services, connection)
        with services.ledger.read() as reading:
            found = ledger.newest(reading, tenant.id, before=None, limit=_MOST)
    if json_:
        print_json([_shown(each) for each in found])
        return
    table = Table(Column("id", no_wrap=True), "event", "address", "filter", "state")
    for each in found:
        table.add_row(each.id, each.event, each.target_url, _words(each.filter), _state(each))
    results.print(table)


@subscriptions.command()
@click.argument("event", type=click.Choice(EVENTS), metavar="EVENT")
@click.argument("target_url", metavar="URL")
@click.option("--segment", multiple=True, help=HELP["segment"])
@click.option("--data-key", multiple=True, help=HELP["data_key"])
@click.option("--changed", multiple=True, help=HELP["changed"])
@click.option("--include-own", is_flag=True, help="Also what Crisp tells of our own writes.")
@of_connection
@as_json
@explained
def add(event: str, target_url: str, include_own: bool, connection: str | None, json_: bool, **filter_: Any) -> None:
    """Tell this address of an event. The secret signs what is sent there; the same subscription again shows it again.

    \b
    Events: contact_created, contact_updated, contact_removed, conversation_data_changed,
    conversation_email_changed, segments_changed, import_completed, record_rejected.

    \b
    Example:
      crisp-connector subscriptions add contact_updated https://hooks.example.com/crisp --changed data.plan
    """
    with opened() as services:
        tenant = connection_of(services, connection)
        conditions = subscribing.read_filter(services, {name: list(words) for name, words in filter_.items() if words})
        wanted = subscribing.Wanted(event, target_url, conditions, include_own or None)
        made, is_new = subscribing.add(services, tenant.id, wanted)
        secret = subscribing.secret(services, made)
    if json_:
        print_json({**_shown(made), "secret": secret})
    else:
        results.print(f"{'Subscribed' if is_new else 'Subscribed already'}: {made.id}")
        results.print(f"Secret: {secret}")


@subscriptions.command()
@click.argument("subscription_id", metavar="ID")
@of_connection
@as_json
@explained
def remove(subscription_id: str, connection: str | None, json_: bool) -> None:
    """End a subscription; what waits for it is not told.

    \b
    Example:
      crisp-connector subscriptions remove 019f1c2ab3c4000001d5e6f708192a3b
    """
    with opened() as services:
        subscribing.remove(services, connection_of(services, connection).id, subscription_id)
    if json_:
        print_json({"deleted": True, "id": subscription_id})
    else:
        results.print(f"Ended {subscription_id}.")


@subscriptions.command()
@click.argument("subscription_id", metavar="ID")
@of_connection
@as_json
@explained
def test(subscription_id: str, connection: str | None, json_: bool) -> None:
    """Send a sample event now, signed like every other. Exit code: 0 it was taken, 1 it was not.

    \b
    Example:
      crisp-connector subscriptions test 019f1c2ab3c4000001d5e6f708192a3b
    """
    with opened() as services:
        tried = subscribing.test(services, connection_of(services, connection).id, subscription_id)
    if json_:
        told = {"status": tried.status, "reason": tried.reason, "ms": tried.ms}
        print_json({"delivered": tried.succeeded, **told})
    if not tried.succeeded:
        if json_:
            raise SystemExit(1)
        raise Failed(f"The address did not take it: {tried.words}.")
    if not json_:
        results.print(f"Taken: {tried.status} after {tried.ms} ms.")


@subscriptions.command()
@click.argument("subscription_id", metavar="ID")
@of_connection
@as_json
@explained
def rotate(subscription_id: str, connection: str | None, json_: bool) -> None:
    """Give a subscription a new secret. For a day everything is signed with the old one as well.

    \b
    Example:
      crisp-connector subscriptions rotate 019f1c2ab3c4000001d5e6f708192a3b
    """
    with opened() as services:
        made = subscribing.rotate(services, connection_of(services, connection).id, subscription_id)
        secret = subscribing.secret(services, made)
    if json_:
        print_json({**_shown(made), "secret": secret})
    else:
        results.print(f"Secret: {secret}")


def _shown(each: Subscription) -> dict[str, Any]:
    names = ("id", "event", "target_url", "filter", "include_own", "disabled_reason")
    moments = ("created_at", "failing_since", "disabled_at")
    told = {name: getattr(each, name) for name in moments}
    return {
        **{name: getattr(each, name) for name in names},
        **{name: moment_of(at) for name, at in told.items()},
    }


def _words(conditions: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {', '.join(words)}" for name, words in conditions.items())


def _state(each: Subscription) -> str:
    if each.disabled_at is not None:
        return f"disabled: {each.disabled_reason}"
    return "ok" if each.failing_since is None else f"failing since {from_milliseconds(each.failing_since)}"
