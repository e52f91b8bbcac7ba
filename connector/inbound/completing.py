"""Completing: notifications that carry only an id, by reading what they are about."""

import re
import time
from collections.abc import Callable
from typing import Any

from connector import sources
from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.inbound.pace import Pace, notion_of
from connector.ledger.inbounds import Address

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
_GONE = "page.deleted"


class Gone(Exception):
    """What a notification is about is not there any more."""


def completed(needs: Needs, address: Address, value: Any, wait: Callable[[float], object] = time.sleep) -> Any:
    """The page that a notification of Notion's is about, where it can be read; else the payload as it came. None: the
    notification is about something that is no contact.

    Raises `Gone`, and what `Notion` raises.
    """
    if address.source != "notion" or sources.detect(value) != sources.Detected("notion", "event"):
        return value
    if value["entity"]["type"] != "page":
        return None
    page_id = value["entity"]["id"]
    if value["type"] == _GONE or not (isinstance(page_id, str) and _ID.fullmatch(page_id)):
        return value
    notion = notion_of(needs, address, Pace(needs, address.id, wait))
    if notion is None:
        return value
    try:
        return notion.page(page_id)
    except Problem as problem:
        if problem.code == "source_missing":
            raise Gone from None
        raise
