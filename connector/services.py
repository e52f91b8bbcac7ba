"""Everything that runs together: settings, manifests, database, vault, courier and engine, opened once per process."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import ArgumentError

from connector import erasing, resealing
from connector.board import Board
from connector.courier import Courier
from connector.crisp.client import Clients
from connector.engine import Engine
from connector.events.finishing import Finishing
from connector.events.handing import Handing
from connector.events.runner import Runner
from connector.events.tools import Tools
from connector.hooks.egress import Egress
from connector.hooks.telling import Telling
from connector.inbound.pull_runner import Pulls
from connector.inbound.runner import Arrivals
from connector.intake import Intake
from connector.ledger import Ledger, tickets
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.ledger.retention import Retention
from connector.manifest import Manifest, ManifestBroken, shipped
from connector.settings import QUOTAS, Settings, SettingsProblem, read_settings
from connector.sources import registry
from connector.uploads import forgetting
from connector.uploads.store import Store, open_store
from connector.vault import Vault, open_vault
from connector.wakeups import open_wakeups

if TYPE_CHECKING:
    from connector.events.listening import Listener

log = structlog.get_logger()

# What the key from the environment is called.
ENVIRONMENT = "CONNECTOR_API_KEY"
# What becomes of it where it opens nothing yet.
IDLE = f"{ENVIRONMENT} opens nothing without CRISP_WEBSITE_ID; the next website that is connected gets it."


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
    store: Store
    telling: Telling
    events: Runner
    arrivals: Arrivals
    pulls: Pulls
    listeners: "tuple[Listener, ...]" = ()

    def erase(self, connection_id: str, who: str, **how: Any) -> dict[str, Any]:
        """Removes a person from Crisp and from everything stored here; see `erasing.erase`."""
        return erasing.erase(self, connection_id, who, **how)

    def begin(self) -> None:
        """Begins all that is done in the background by a process that runs for long."""
        self.engine.start()
        for each in self._beside:
            each.start()

    def begin_stop(self) -> None:
        """Takes on nothing new; those who wait are answered with what is known."""
        self.engine.begin_stop()
        self.telling.begin_stop()
        self.events.begin_stop()

    def close(self) -> None:
        """Ends deliveries in order and gives everything back."""
        self.begin_stop()
        for each in reversed(self._beside):
            each.stop()
        self.engine.stop()
        self.ledger.close()

    @property
    def _beside(self) -> "tuple[Telling | Runner | Arrivals | Pulls | Listener, ...]":
        """What runs beside the engine; each hands on to those before it."""
        return (self.telling, self.events, self.arrivals, self.pulls, *self.listeners)


def open_services(
    settings: Settings | None = None, *, clients: Clients | None = None, registers: bool = True, starts: bool = True
) -> Services:
    """Opens the database (making its tables when it is empty) and registers what the environment describes.

    `starts`: a process begins that runs for long. What the environment says wins then, and stored credentials are
    brought under the newest secret key; when that is lost, nothing begins. A command does none of this: who runs may
    have another environment.
    Raises `SettingsProblem`, `ManifestBroken`, `DatabaseProblem`.
    """
    settings = settings or read_settings()
    manifest = manifest_of_sources()
    vault = open_files(settings)
    ledger = open_ledger(settings)
    ledger.prepare()
    if starts:
        resealing.check(ledger, vault, settings)
        vault.prepare()
    if registers:
        register(ledger, vault, settings, wins=starts)
    if starts:
        resealing.reseal(ledger, vault)
        _tell_idle_key(ledger, settings)
    board = Board()
    courier = Courier(ledger, vault, manifest, settings, clients=clients, clock=ledger.clock, announce=board.announce)
    kept = Retention(settings.retention_days)
    store = open_store(ledger, settings.data_dir, Path(settings.files_dir) if settings.files_dir else None)
    telling = Telling(ledger, vault, Egress(allow=settings.allowed), settings)
    handing = Handing(ledger, courier.clock)
    finishing = Finishing(Tools(ledger, courier.run, handing, manifest.fields, courier.clock))
    events = Runner(ledger, finishing, settings.event_window * 1000, courier.clock, telling.kick)
    also = partial(_swept, ledger, store, events, settings.retention_days)
    engine = Engine(ledger, courier, board, open_wakeups(settings), settings.drains, kept, also=also)
    intake = Intake(ledger, manifest, courier.clock, engine.wake)

    def erase(connection_id: str, who: str, **how: Any) -> dict[str, Any]:
        return opened.erase(connection_id, who, **how)

    needs = _Needs(settings, manifest, ledger, vault, intake, erase)
    arrivals, pulls = Arrivals(needs), Pulls(needs)
    opened = Services(
        settings, manifest, ledger, vault, courier, board, engine, intake, store, telling, events, arrivals, pulls
    )
    return replace(opened, listeners=_listeners(opened))


def _swept(ledger: Ledger, store: Store, events: Runner, days: int, now: int) -> None:
    """What is forgotten after a while beside records: uploaded files, tickets, and what was told."""
    forgetting.sweep(ledger, store, days, now)
    with ledger.write() as connection:
        tickets.sweep(connection, now)
    events.tidy(now, days)


@dataclass(frozen=True)
class _Needs:
    """What taking in other systems' webhooks needs of all this."""

    settings: Settings
    manifest: Manifest
    ledger: Ledger
    vault: Vault
    intake: Intake
    erase: Callable[..., dict[str, Any]]


def _listeners(services: Services) -> "tuple[Listener, ...]":
    """Who listens to Crisp's RTM: for the website of the environment, when the settings say so."""
    settings = services.settings
    if not settings.crisp_rtm or not settings.has_default_connection:
        return ()
    return (listener(services, settings.crisp_website_id),)


def listener(services: Services, connection_id: str) -> "Listener":
    """Who listens to Crisp's RTM for this connection."""
    from connector.events.listening import Listener  # socket.io takes 8 MB, which most services need not have

    courier, ledger = services.courier, services.ledger
    return Listener(connection_id, ledger, courier.run, courier.credential_of, courier.clock, services.events.kick)


def manifest_of_sources() -> Manifest:
    """The shipped manifests. Raises `ManifestBroken` when a source has none."""
    manifest = shipped()
    for key in registry():
        if key not in manifest.sources:
            raise ManifestBroken(f"sources/{key}.json", "", f"connector/sources/{key}.py has no manifest")
    return manifest


def open_files(settings: Settings) -> Vault:
    """Makes the data directory and the one for uploaded files, readable by their owner alone, and opens the vault."""
    _made("CONNECTOR_DATA_DIR", settings.data_dir)
    if settings.files_dir:
        _made("CONNECTOR_FILES_DIR", Path(settings.files_dir))
    return open_vault(settings)


def _made(variable: str, directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise SettingsProblem(
            f"{variable} cannot be made: {problem.strerror}: {directory}. "
            "Name a directory that the user who runs crisp-connector may write to."
        ) from None


def open_ledger(settings: Settings) -> Ledger:
    """The ledger at the address of the settings; nothing is asked of it yet."""
    try:
        return Ledger(settings.database)
    except (ArgumentError, ImportError, ValueError):
        raise SettingsProblem(
            "CONNECTOR_DATABASE_URL must look like postgresql+psycopg://user@host/name or sqlite:////path/file, "
            "and its driver must be installed."
        ) from None


def register(ledger: Ledger, vault: Vault, settings: Settings, *, wins: bool) -> None:
    """The connection and the API key that the environment describes, when that is not known yet; when it `wins`, also
    when they have changed. What no key opens stays as it is, for the right key may come back; and while that is so of
    all connections, no other is added under another key."""
    if not settings.has_default_connection or resealing.lost(ledger, vault):
        return
    with ledger.write(durable=True) as connection:
        known = tenants.get(connection, settings.crisp_website_id)
        if known is not None and not wins:
            return
        if known is None or vault.opens(known.key_sealed):
            wanted = _environments(settings, vault, known)
            if known != wanted:
                tenants.save(connection, wanted, ledger.clock())
        if settings.api_key:
            _register_key(connection, settings.crisp_website_id, settings.api_key, ledger.clock())


def idle_key(ledger: Ledger, settings: Settings) -> bool:
    """Whether the environment has an API key that opens nothing, for it names no website and nobody has the key."""
    if not settings.api_key or settings.has_default_connection:
        return False
    with ledger.read() as connection:
        return tenants.find_key(connection, settings.api_key) is None


def _tell_idle_key(ledger: Ledger, settings: Settings) -> None:
    if idle_key(ledger, settings):
        log.warning("api_key_idle", remedy=IDLE)


def _environments(settings: Settings, vault: Vault, known: CrispConnection | None) -> CrispConnection:
    """The connection that the environment describes. What it does not say stays as it is."""
    token = Token(settings.crisp_website_id, settings.crisp_tier, settings.crisp_identifier, settings.crisp_key)
    wanted = described(vault, token, known)
    return replace(
        wanted,
        daily_quota=settings.crisp_daily_quota or wanted.daily_quota,
        rate=settings.crisp_rate or wanted.rate,
    )


@dataclass(frozen=True, slots=True)
class Token:
    """A token of Crisp for one website, as somebody gave it."""

    website_id: str
    tier: str
    identifier: str
    key: str = field(repr=False)


def described(vault: Vault, token: Token, known: CrispConnection | None) -> CrispConnection:
    """The connection of this token; its id is the website's, for one website has one quota.

    What was found out or said about a known one stays, but for a quota that was its old tier's; another credential
    ends its halt.
    """
    website, quota = token.website_id, QUOTAS[token.tier]
    if known is None:
        sealed = vault.seal(token.key)
        return CrispConnection(website, website, website, token.tier, token.identifier, sealed, quota, None)
    same = _opened(vault, known) == token.key
    same_credential = same and known.identifier == token.identifier and known.tier == token.tier
    return replace(
        known,
        tier=token.tier,
        identifier=token.identifier,
        key_sealed=known.key_sealed if same else vault.seal(token.key),
        daily_quota=quota if known.daily_quota == QUOTAS.get(known.tier) else known.daily_quota,
        halted=known.halted if same_credential else None,
    )


def _opened(vault: Vault, known: CrispConnection) -> str | None:
    """The stored key of a connection; None when what sealed it is lost: the given one takes its place."""
    try:
        return vault.open(known.key_sealed)
    except SettingsProblem:
        return None


def _register_key(connection: Connection, connection_id: str, secret: str, now: int) -> None:
    """One admin key; the one that the environment gave before is revoked. One that somebody revoked stays so."""
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
