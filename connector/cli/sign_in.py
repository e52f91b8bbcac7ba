"""`sign-in`: a link that signs in to the pages once, for who has lost the key or has none at hand."""

import click

from connector import first_start
from connector.cli.common import as_json, connection_of, explained, messages, of_connection, opened, print_json


@click.command("sign-in")
@of_connection
@click.option("--url", metavar="URL", help="Where the pages are; CONNECTOR_PUBLIC_URL when it is not said.")
@as_json
@explained
def sign_in(connection: str | None, url: str | None, json_: bool) -> None:
    """Print a link that signs in to the pages once, within a day, as the newest admin key of the connection.

    \b
    Example:
      crisp-connector sign-in --url http://127.0.0.1:8080
    """
    with opened() as services:
        tenant = connection_of(services, connection)
        base = (url or services.settings.public_url or "http://127.0.0.1:8080").rstrip("/")
        link = f"{base}/sign-in/{first_start.new_link(services, tenant.id)}"
    if json_:
        print_json({"connection": tenant.id, "url": link})
    else:
        messages.print("It is good once, within a day:")
        click.echo(link)
