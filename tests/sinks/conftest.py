"""The stand-in for Google, as new for each test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.hooks.egress import Egress
from connector.sinks import google_sheets
from connector.sinks.base import Sink, Wait, sleep
from tests.sinks.google import Google, google, options, service_account


@pytest.fixture(scope="session")
def standing_in() -> Iterator[Google]:
    with google() as found:
        yield found


@pytest.fixture
def sheets(standing_in: Google) -> Google:
    standing_in.switch(reset=True)
    return standing_in


@pytest.fixture
def opened(sheets: Google) -> Iterator[Callable[..., Sink]]:
    """`opened(mode="upsert")`: a sink that writes to the stand-in."""
    made: list[Any] = []

    def opened(credential: str | None = None, egress: Egress | None = None, wait: Wait = sleep, **more: Any) -> Sink:
        credential = credential or service_account()
        checked = google_sheets.check(options(**more), credential)
        sink = google_sheets.open_sink(checked, credential, egress or Egress(), address=sheets.url, wait=wait)
        made.append(sink)
        return sink

    yield opened
    for sink in made:
        sink._api._http.close()
