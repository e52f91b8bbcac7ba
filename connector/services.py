"""Everything that runs together: settings, manifests, database, vault, courier and engine, opened once per process."""

from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import ArgumentError

from connector.courier import Courier
from connector.courier.courier import now_ms
from connector.crisp.client import Clients
from connector.engine import Board, Engine
from connector.intake import Intake
from connector.ledger import Ledger
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.manifest import Manifest, ManifestBroken, shipped
from connector.settings import Settings, SettingsProblem, read_settings
from connector.sources import registry
from connector.vault import Vault, open_vault

log = structlog.get_logger()

# What the key from the environment is called.
ENVIRONMENT = "CONNECTOR_API_KEY"


@dataclass(frozen=True)
class Services:
    """What the web, the command line and the engine share in one process."""

    settings: Settings
    manifest: Manifest
    ledger: Ledger
    vault: Vault
    courier: Courier
    board: Board
    engine: Engine
    intake: Intake

    def close(self) -> None:
        """Ends deliveries in order and gives everything back."""
        self.engine.stop()
        self.ledger.close()


def open_services(
    settings: Settings | None = None, *, clients: Clients | None = None, registers: bool = True
) -> Services:
    """Opens the database (making its tables when it is empty) and registers what the environment describes.

    Raises `SettingsProblem`, `ManifestBroken`, `DatabaseProblem`.
    """
    settings = settings or read_settings()
    manifest = manifest_of_sources()
    vault = open_files(settings)
    ledger = open_ledger(settings)
    ledger.prepare()
    if registers:
        register(ledger, vault, settings)
    board = Board()
    courier = Courier(ledger, vault, manifest, settings, clients=clients, announce=board.announce)
    engine = Engine(ledger, courier, board, settings.drains)
    intake = Intake(ledger, manifest, courier.clock, engine.wake)
    return Services(settings, manifest, ledger, vault, courier, board, engine, intake)


def manifest_of_sources() -> Manifest:
    """The shipped manifests. Raises `ManifestBroken` when a source has none."""
    manifest = shipped()
    for key in registry():
        if key not in manifest.sources:
            raise ManifestBroken(f"sources/{key}.json", "", f"connector/sources/{key}.py has no manifest")
    return manifest


def open_files(settings: Settings) -> Vault:
    """Makes the data directory, readable by its owner alone, and opens the vault in it."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise SettingsProblem(f"CONNECTOR_DATA_DIR cannot be made: {problem.strerror}.") from None
    return open_vault(settings)


def open_ledger(settings: Settings) -> Ledger:
    """The ledger at the address of the settings; nothing is asked of it yet."""
    try:
        return Ledger(settings.database)
    except (ArgumentError, ImportError, ValueError):
        raise SettingsProblem(
            "CONNECTOR_DATABASE_URL must look like postgresql+psycopg://user@host/name or sqlite:////path/file, "
            "and its driver must be installed."
        ) from None


def register(ledger: Ledger, vault: Vault, settings: Settings) -> None:
    """The connection and the API key that the environment describes, when they are new or have changed."""
    if not settings.has_default_connection:
        return
    with ledger.write(durable=True) as connection:
        known = tenants.get(connection, settings.crisp_website_id)
        wanted = described(settings, vault, _token(settings), known)
        if known != wanted:
            tenants.save(connection, wanted, now_ms())
        if settings.api_key:
            _register_key(connection, wanted.id, settings.api_key)


def _token(settings: Settings) -> "Token":
    return Token(settings.crisp_website_id, settings.crisp_tier, settings.crisp_identifier, settings.crisp_key)


@dataclass(frozen=True, slots=True)
class Token:
    """A token of Crisp for one website, as somebody gave it."""

    website_id: str
    tier: str
    identifier: str
    key: str


def described(settings: Settings, vault: Vault, token: Token, known: CrispConnection | None) -> CrispConnection:
    """The connection of this token; its id is the website's, for one website has one quota.

    What was found out about a known one stays; another credential ends its halt.
    """
    plain: dict[str, Any] = {
        "tier": token.tier,
        "identifier": token.identifier,
        "daily_quota": settings.quota_of(token.tier),
        "rate": settings.crisp_rate or None,
    }
    website = token.website_id
    if known is None:
        return CrispConnection(website, website, website, key_sealed=vault.seal(token.key), **plain)
    same = _opened(vault, known) == token.key
    same_credential = same and known.identifier == token.identifier and known.tier == token.tier
    sealed = known.key_sealed if same else vault.seal(token.key)
    return replace(known, key_sealed=sealed, halted=known.halted if same_credential else None, **plain)


def _opened(vault: Vault, known: CrispConnection) -> str | None:
    """The stored key of a connection; None when what sealed it is lost: the given one takes its place."""
    try:
        return vault.open(known.key_sealed)
    except SettingsProblem:
        return None


def _register_key(connection: Connection, connection_id: str, secret: str) -> None:
    """One admin key; the one that the environment gave before is revoked. One that somebody revoked stays so."""
    now = now_ms()
    known = tenants.find_key(connection, secret)
    if known is not None and known.revoked_at is not None:
        log.warning("api_key_revoked", key=known.id, remedy=f"Set another {ENVIRONMENT}: this one was revoked.")
        return
    if known is not None and known.connection_id == connection_id:
        return
    tenants.forget_key(connection, secret)
    for key in tenants.list_keys(connection, connection_id):
        if key.label == ENVIRONMENT and key.revoked_at is None:
            tenants.revoke_key(connection, connection_id, key.id, now)
    tenants.add_key(connection, connection_id, secret, label=ENVIRONMENT, scopes=tenants.SCOPES, now=now)
