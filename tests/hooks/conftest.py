"""Somebody who tells, subscribers who listen, and a clock that can be set forward."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.fernet import Fernet

from connector.hooks.egress import Egress
from connector.hooks.sign import secret_of
from connector.hooks.telling import Telling
from connector.ledger import Ledger
from connector.ledger.subscriptions import Subscription
from connector.settings import Settings
from connector.vault import Vault
from tests.app.stack import until
from tests.building import add_tenant
from tests.hooks.receiving import Receiver, receiving
from tests.ledger.telling import all_of, found, subscribe, tell

SECRET, OLD = secret_of(b"s" * 32), secret_of(b"o" * 32)


class Forward:
    """The ledger's clock, set forward by so many milliseconds."""

    def __init__(self, ledger: Ledger) -> None:
        self._clock, self.by = ledger.clock, 0

    def __call__(self) -> int:
        return self._clock() + self.by


@dataclass
class World:
    """A ledger whose connection W tells people."""

    ledger: Ledger
    vault: Vault
    telling: Telling
    clock: Forward

    def subscribe(self, url: str, **more: Any) -> str:
        """A subscription at this address; its id."""
        sealed = {"secret_sealed": self.vault.seal(SECRET), "created_at": self.clock()}
        return subscribe(self.ledger, target_url=url, **{**sealed, **more})

    def tell(self, **more: Any) -> int:
        """An event, told at once; how many want it."""
        count = tell(self.ledger, now=self.clock(), **more)
        self.telling.kick()
        return count

    def deliveries(self, **equal: Any) -> list[Any]:
        """What there is."""
        return all_of(self.ledger, **equal)

    def subscription(self, subscription_id: str) -> Subscription | None:
        """The subscription as it is."""
        return found(self.ledger, subscription_id)

    def tried(self, count: int = 1, **equal: Any) -> Any:
        """The one delivery, once it was tried so often."""

        def look() -> Any:
            rows = self.deliveries(**equal)
            return next((row for row in rows if row.attempts >= count), None) if len(rows) == 1 else None

        row = until(look)
        assert row is not None, f"not tried {count} times"
        return row

    def go_on(self, seconds: float) -> None:
        """So much time goes by."""
        self.clock.by += round(seconds * 1000)
        self.telling.kick()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Logs go nowhere."""
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(*_: object) -> str:
    raise structlog.DropEvent


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings beside the usual ones; a test that wants some says `parametrize("settings", …)`."""
    return {}


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path, settings: dict[str, Any]) -> Iterator[World]:
    """Somebody who tells, until the test is over. Chance is always in the middle."""
    add_tenant(ledger)
    clock = Forward(ledger)
    ledger.clock = clock  # type: ignore[assignment] # it is called, and nothing else
    vault = Vault([Fernet.generate_key().decode()])
    wanted = Settings(**{"data_dir": tmp_path, "hook_timeout": 3, **settings})
    egress = Egress(allow=frozenset({"127.0.0.1"}))
    telling = Telling(ledger, vault, egress, wanted, dice=lambda: 0.5)
    telling.start()
    yield World(ledger, vault, telling, clock)
    telling.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A subscriber."""
    with receiving() as found_one:
        yield found_one
