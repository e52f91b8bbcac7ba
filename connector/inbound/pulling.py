"""Pulling: all pages of a database of Notion's, as one import."""

import json
from tempfile import SpooledTemporaryFile
from typing import IO

from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.inbound.pace import Pace, notion_of
from connector.inbound.payload import options_of
from connector.intake import MOST_RECORDS, Once, Reading
from connector.intake.payloads import of_lines
from connector.ledger.inbounds import Address

_IN_MEMORY = 1_000_000
# Milliseconds that a pause of Notion's is waited for, in the midst of many pages.
_PATIENCE = 60_000
# The option that names what is pulled → what Notion's addresses call it.
KINDS = {"database_id": "databases", "data_source_id": "data_sources"}


def pull(needs: Needs, address: Address, *, once: Once | None = None) -> str | None:
    """Reads every page and accepts them together; the id of the import, None when there are no pages.

    Raises `pull_unsupported`, `pull_unset`, `too_many_records`, `idempotency_mismatch`, and what `Notion` raises.
    """
    check(address)
    # Not in memory: a database may be large, and is read more than once.
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:
        _fetch(needs, address, spool)
        reading = _reading(needs, address, spool)
        return needs.intake.many(address.connection_id, reading, options_of(needs, address).mode, once=once)


def check(address: Address) -> None:
    """Raises what keeps an address from being pulled."""
    if address.source != "notion":
        raise Problem("pull_unsupported", source=address.source)
    if not address.options.get("pull"):
        raise Problem("pull_unset", missing="what to pull: pull.database_id or pull.data_source_id")
    if address.credential_sealed is None:
        raise Problem("pull_unset", missing="with what: credential, the token of an integration")


def _fetch(needs: Needs, address: Address, spool: IO[bytes]) -> None:
    """Writes each answer as a line, as a list of which there is no more."""
    name, its_id = next(iter(address.options["pull"].items()))
    notion = notion_of(needs, address, Pace(needs, address.id, patience=_PATIENCE))
    count = 0
    for results in notion.pages(KINDS[name], its_id) if notion else ():
        count += len(results)
        if count > MOST_RECORDS:
            raise Problem("too_many_records", limit=f"{MOST_RECORDS:,}")
        listed = {"object": "list", "type": "page_or_data_source", "results": results}
        spool.write(json.dumps(listed).encode() + b"\n")


def _reading(needs: Needs, address: Address, spool: IO[bytes]) -> Reading:
    options = options_of(needs, address)
    return needs.intake.reading(of_lines(spool).read(address.source), options)
