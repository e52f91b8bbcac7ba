"""The options of `inbound`: how what comes to an address is read, and with what the rest is fetched."""

import re
from pathlib import Path
from typing import Any

import click

from connector.body import read_json
from connector.cli.common import Failed, label_option, secret_option
from connector.cli.files import checked
from connector.crisp.calls import MODES
from connector.errors import Problem
from connector.inbound.signing import agreed
from connector.intake.options import country_code, deletion, zone_name
from connector.settings import SHAPES


def _mapping(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Any:
    try:
        return None if value is None else read_json(Path(value).read_bytes())
    except OSError as problem:
        raise click.BadParameter(f"{value} cannot be read: {problem.strerror}.") from None
    except Problem as problem:
        raise click.BadParameter(problem.message) from None


def _pull(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, Any] | None:
    pairs = (each.partition("=") for each in value)
    told: dict[str, Any] = {name.strip(): written.strip() for name, _, written in pairs}
    numbers = {name: int(told[name]) for name in ("every_minutes", "page_size") if told.get(name, "").isdecimal()}
    return told | numbers or None


def _signature(_context: click.Context, _parameter: click.Parameter, value: str | None) -> dict[str, str] | None:
    if value is None:
        return None
    said = dict(zip(("header", "algorithm", "encoding"), value.split(":"), strict=False))
    try:
        return agreed(said)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from None


def reading_options(command: Any) -> Any:
    """The options of an address, as the API has them."""
    for option in (
        secret_option("--credential", "A file with what the other system is asked for contacts: a token, or JSON."),
        secret_option("--secret", "A file with the secret, where the other system makes it (HubSpot, Shopify)."),
        click.option(
            "--pull",
            metavar="NAME=VALUE",
            multiple=True,
            callback=_pull,
            help="What is pulled, and how often: database_id=…, spreadsheet=…, every_minutes=60.",
        ),
        click.option("--sender", help="The one account that may send: of HubSpot the portal, of Zoho the channel."),
        click.option(
            "--signature",
            metavar="HEADER:sha256:hex",
            callback=_signature,
            help="How a sender signs that has a way of its own. Or sha512, sha1, base64.",
        ),
        click.option(
            "--on-delete",
            metavar="WHAT",
            callback=checked(deletion),
            help="What a deletion there does: note (when not said), ignore, erase, or segment:NAME.",
        ),
        click.option("--unmapped", type=click.Choice(("note", "data")), help="What becomes of fields that go nowhere."),
        click.option("--mode", type=click.Choice(MODES), help="upsert when not said."),
        click.option("--country", metavar="CC", callback=checked(country_code), help="Of national phone numbers."),
        click.option("--timezone", metavar="ZONE", callback=checked(zone_name), help="Zone of times without one."),
        click.option("--mapping", metavar="FILE", callback=_mapping, help="A JSON file: field → path."),
        label_option,
    ):
        command = option(command)
    return command


def said_of(given: dict[str, Any]) -> dict[str, Any]:
    """What was said, in the API's words. Raises `Failed` for a secret that is none; it is never shown."""
    said = {name: value for name, value in given.items() if value not in (None, "")}
    pattern, sentence = SHAPES["inbound_secret"]
    if "secret" in said and not re.fullmatch(pattern.removesuffix("$"), said["secret"]):
        raise Failed(f"secret: {sentence}")
    return said
