"""Pulling 20,000 contacts of a vendor at the vendor's pace, against fetching the same pages and dropping them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Figure
from benchmarks.servers import vendor
from connector.alive import own_name
from connector.inbound.asking import asker_of
from connector.inbound.managing import make
from connector.inbound.pulling import taken
from connector.ledger.inbounds import Address
from connector.services import Services, open_services
from connector.settings import Settings

_COUNT = 20_000
_WEBSITE = "6f2b4a1e-0000-4000-8000-5a4d0b0c0002"


def measure() -> Iterator[Figure]:
    """Both by the same reader, which opens a connection for each request and waits for its turn."""
    with ExitStack() as stack:
        url = stack.enter_context(vendor(_COUNT))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        services = open_services(_settings(folder, url))
        stack.callback(services.close)
        address = make(services, _WEBSITE, "pipedrive", {"credential": "a-token"})
        alone, pulled = _fetched(services, address), _pulled(services, address)
        beside = f"{pulled:.1f} s, {_COUNT / pulled:,.0f} contacts/s"
        yield Figure(f"pulling {_COUNT:,} contacts, of fetching their pages", pulled / alone, "×", 1.2, "less", beside)


def _settings(folder: Path, url: str) -> Settings:
    token = {"crisp_website_id": _WEBSITE, "crisp_identifier": "identifier", "crisp_key": "key"}
    return Settings(data_dir=folder, source_urls=f"pipedrive={url}", **token)  # type: ignore[arg-type]


def _fetched(services: Services, address: Address) -> float:
    """Seconds of the pages alone."""
    asker, cursor, began = asker_of(services, address), None, time.perf_counter()
    assert asker is not None
    while True:
        at = cursor
        page = asker.carry(lambda account: asker.vendor.page(account, None, at))  # noqa: B023 - carried out at once
        cursor = page.cursor
        if cursor is None:
            return time.perf_counter() - began


def _pulled(services: Services, address: Address) -> float:
    """Seconds until all of it is accepted."""
    began = time.perf_counter()
    pull = taken(services, address, own_name())
    assert pull is not None
    pull.begin(None)
    while pull.step():
        pass
    took = time.perf_counter() - began
    assert pull.row.records == _COUNT
    return took
