"""`listen`: Crisp's events over its RTM, for a website without a public address."""

import signal
from threading import Event

import click
import structlog

from connector import logs
from connector.cli.common import connection_of, explained, messages, opened
from connector.services import listener
from connector.settings import read_settings

log = structlog.get_logger()


@click.command()
@click.option("--connection", metavar="ID", help="Which Crisp website, when there are several.")
@explained
def listen(connection: str | None) -> None:
    """Listen to Crisp's events until stopped, and tell them to subscribers and sheets.

    Crisp needs no public address for it. What happened while nobody listened is caught up with. `serve` does the same
    beside all else when CRISP_RTM=1.

    \b
    Example:
      crisp-connector listen
    """
    stopped = Event()
    with opened() as services:
        logs.configure(read_settings().log_level)
        tenant = connection_of(services, connection)
        ears = listener(services, tenant.id)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        for each in (services.telling, services.events, ears):
            each.start()
        messages.print(f"Listening to {tenant.label}. Stop it with Ctrl-C.")
        stopped.wait()
        ears.stop()
