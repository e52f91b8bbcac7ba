"""The Apps Script that a Google Sheet sends its rows with."""

import json
from pathlib import Path

from connector.errors import Problem
from connector.ledger.inbounds import Address

_SCRIPT = Path(__file__).with_name("google_sheets.js")
_ADDRESS = "'PASTE_THE_ADDRESS_HERE'"


def script_of(address: Address, url: str) -> str:
    """The script with the address in it; its secret is put in by hand. Raises `script_unsupported`."""
    if address.source != "google_sheets":
        raise Problem("script_unsupported", source=address.source)
    return _SCRIPT.read_text(encoding="utf-8").replace(_ADDRESS, json.dumps(url))
