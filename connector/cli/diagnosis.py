"""What `doctor` looks at: each finding with its remedy."""

from collections.abc import Generator, Iterator
from contextlib import closing

from sqlalchemy.exc import SQLAlchemyError

from connector import logs
from connector.diagnosis import UNOPENED, Finding, of_connection, queue, workers_of
from connector.ledger import DatabaseProblem, WrongVersion
from connector.ledger import connections as tenants
from connector.ledger.trouble import sentence
from connector.manifest import ManifestBroken, shipped
from connector.services import IDLE, Services, idle_key, open_ledger, open_services, register
from connector.settings import Settings, SettingsProblem, read_settings


def diagnose() -> Iterator[Finding]:
    """Every check in order; the first that keeps the others from being made is the last."""
    settings = yield from _settings()
    if settings is None:
        return
    logs.configure("critical")
    try:
        services = yield from _services(settings)
        if services is None:
            return
        with closing(services):
            yield queue(services)
            yield from _connections(services)
            yield workers_of(services)
    except SQLAlchemyError as problem:
        database = open_ledger(settings).url.database
        yield Finding("database", False, sentence(problem, database), "Correct it and run doctor again.")


def _settings() -> Generator[Finding, None, Settings | None]:
    try:
        settings = read_settings()
        shipped()
    except (SettingsProblem, ManifestBroken) as problem:
        yield Finding("settings", False, str(problem), "Correct it and run doctor again.")
        return None
    yield Finding("settings", True, f"data directory {settings.data_dir}")
    return settings


def _services(settings: Settings) -> Generator[Finding, None, Services | None]:
    try:
        services = open_services(settings, registers=False, starts=False)
    except WrongVersion as problem:
        yield Finding("database", False, str(problem), "Correct it and run doctor again.")
        return None
    except DatabaseProblem as problem:
        yield Finding("database", False, str(problem), "Check CONNECTOR_DATABASE_URL and CONNECTOR_DATA_DIR.")
        return None
    except SettingsProblem as problem:
        yield Finding("settings", False, str(problem), "Correct it and run doctor again.")
        return None
    kind = "SQLite" if services.ledger.is_sqlite else "PostgreSQL"
    if services.ledger.damaged():
        remedy = "Stop crisp-connector, move the file away, and put a backup in its place."
        yield Finding("database", False, "the file is damaged", remedy)
        services.close()
        return None
    yield Finding("database", True, kind)
    yield Finding("migrations", True, f"version {services.ledger.version()}")
    return services


def _connections(services: Services) -> Iterator[Finding]:
    with services.ledger.read() as connection:
        before = {tenant.id for tenant in tenants.every(connection)}
    try:
        register(services.ledger, services.vault, services.settings, wins=False)
    except SettingsProblem as problem:
        yield Finding("secret key", False, str(problem), UNOPENED)
        return
    with services.ledger.read() as connection:
        known = tenants.every(connection)
    if idle_key(services.ledger, services.settings):
        yield Finding("API key", True, IDLE)
    if not known:
        remedy = "Set CRISP_WEBSITE_ID, CRISP_IDENTIFIER and CRISP_KEY, or run: crisp-connector connect add"
        yield Finding("connections", False, "no Crisp website is connected", remedy)
    for tenant in known:
        findings = list(of_connection(services, tenant))
        yield from findings
        if tenant.id not in before and not all(finding.ok for finding in findings):
            # What the environment describes wrongly is not kept.
            with services.ledger.write(durable=True) as connection:
                tenants.remove(connection, tenant.id)
