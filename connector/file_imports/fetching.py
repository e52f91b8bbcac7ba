"""Fetching a file from an address, through the guarded egress."""

from pathlib import PurePosixPath
from typing import IO, cast
from urllib.parse import unquote, urlsplit

from connector.body import size
from connector.errors import Problem
from connector.files.links import download
from connector.hooks.egress import Egress, Failed, Refused, TooLarge
from connector.saying import say
from connector.services import Services
from connector.uploads.store import LARGEST, Incoming

# The longest that a file may take to come (seconds).
_SECONDS = 120.0
_PAGE = ("text/html", "application/xhtml+xml")
# Endings of what is the name of a file in an address; the last part of any other may be a secret.
_ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".gz", ".zip")


def fetched(services: Services, url: str, coming: Incoming) -> str | None:
    """Brings in the file of an address (a link to a Google Sheet is that of its CSV); its name, where it has one, by
    what is answered or by the address.

    Raises `Problem`: url_refused, url_failed, url_not_file, file_too_large.
    """
    egress = Egress(allow=services.settings.allowed)
    try:
        found = egress.fetch(download(url), cast(IO[bytes], coming), most=LARGEST, seconds=_SECONDS)
    except Refused as problem:
        raise Problem("url_refused", reason=problem.reason) from None
    except TooLarge:
        raise Problem("file_too_large", limit=size(LARGEST)) from None
    except Failed as problem:
        raise Problem("url_failed", reason=problem.reason) from None
    if found.content_type in _PAGE:
        raise Problem("url_not_file", found=say("a web page"))
    return found.name or _named(url)


def _named(url: str) -> str | None:
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return name if name.lower().endswith(_ENDINGS) else None
