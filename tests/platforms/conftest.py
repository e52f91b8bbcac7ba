"""A service and a local Crisp in processes of their own, as a platform meets them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platforms.spreadsheets import inbound, people, sheet  # noqa: F401 - fixtures
from tests.platforms.zapier import zapier, zapier_package  # noqa: F401 - fixtures
from tests.process.conftest import crisp, folder, sandbox  # noqa: F401 - fixtures
from tests.process.running import Crisp, Service, running

# Crisp tells the service by signed hooks; the window is short, for somebody waits for each event.
_SETTINGS = {"CONNECTOR_EVENT_WINDOW": "0", "CONNECTOR_EGRESS_ALLOW": "127.0.0.1", "CRISP_HOOK_SECRET": "a-hook-secret"}


@pytest.fixture(scope="module")
def served(sandbox: Crisp, folder: Path) -> Iterator[Service]:  # noqa: F811
    """One running service for a module."""
    env = {**sandbox.env, **_SETTINGS, "CONNECTOR_DATA_DIR": str(folder / "data")}
    with running("serve", "--port", "0", "--json", env=env, folder=folder) as process:
        website = sandbox.running.said["website_id"]
        sandbox.set(hook_url=f"{process.url}/crisp/{website}", hook_secret=_SETTINGS["CRISP_HOOK_SECRET"])
        yield Service(process.url)


@pytest.fixture
def service(served: Service, crisp: Crisp) -> Service:  # noqa: F811
    """The service, and nobody in Crisp."""
    return served
