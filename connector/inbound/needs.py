"""What is needed of the process that takes webhooks in; its `Services` has all of it."""

from collections.abc import Callable
from typing import Any, Protocol

from connector.intake import Intake
from connector.ledger import Ledger
from connector.manifest import Manifest
from connector.settings import Settings
from connector.vault import Vault


class Needs(Protocol):
    """Settings, manifests, database, vault, and the way in."""

    @property
    def settings(self) -> Settings:
        """Where other systems are asked, and how long things are kept."""

    @property
    def manifest(self) -> Manifest:
        """What fields there are."""

    @property
    def ledger(self) -> Ledger:
        """Where what comes is kept."""

    @property
    def vault(self) -> Vault:
        """What opens secrets and credentials."""

    @property
    def erase(self) -> Callable[..., dict[str, Any]]:
        """What removes a person from Crisp and from here, as `erasing.erase` does."""

    @property
    def intake(self) -> Intake:
        """Where records are accepted."""
