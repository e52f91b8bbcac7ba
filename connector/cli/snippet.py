"""`snippet`: the block of a web page that tells Crisp's chatbox who somebody is."""

import click

from connector import person
from connector.cli.common import as_json, connection_of, explained, of_connection, opened, print_json


@click.command()
@click.argument("who")
@of_connection
@as_json
@explained
def snippet(who: str, connection: str | None, json_: bool) -> None:
    """Print the script for the page of WHO, who is signed in there: an email or a people_id.

    With CRISP_VERIFICATION_SECRET the address is proved to Crisp.

    \b
    Example:
      crisp-connector snippet ada@example.com
    """
    with opened() as services:
        made = person.snippet_of(services, connection_of(services, connection).id, person.name_of(who))
    if json_:
        print_json(made)
    else:
        click.echo(made["html"], nl=False)
