"""What `doctor` looks at: each finding with its remedy."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from connector import logs
from connector.budget import resets_at
from connector.convert.times import from_milliseconds
from connector.crisp import plan
from connector.crisp.calls import Call, Reply
from connector.ledger import DatabaseProblem, quotas
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.manifest import ManifestBroken, shipped
from connector.services import Services, open_services, register
from connector.settings import Settings, SettingsProblem, read_settings

# A clock that is wrong by more than this makes signatures and times wrong (seconds).
_SKEW = 120
_REMEDIES = {
    "crisp_credential_refused": "Give the right token: crisp-connector connect add, or CRISP_IDENTIFIER and CRISP_KEY.",
    "crisp_plan_too_small": "This website's Crisp plan does not have the API. Choose a plan that has it.",
    "crisp_not_allowed": "Give the token the scope website:people:profiles (read, write) in Crisp's Marketplace.",
    "crisp_website_missing": "The website id is wrong. Take it from Crisp: Settings, Website settings.",
    "crisp_unreachable": "Check CRISP_API_URL, the network and the proxy of this machine.",
    "quota_used_up": "Wait for the reset, or raise the quota in Crisp and set CRISP_DAILY_QUOTA.",
}
_ANY_REMEDY = "Look at Crisp's status page and try again."


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found, and what to do when it is wrong."""

    check: str
    ok: bool
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """`{check, ok, found, remedy}`."""
        return {"check": self.check, "ok": self.ok, "found": self.found, "remedy": self.remedy}


def diagnose() -> Iterator[Finding]:
    """Every check in order; the first that keeps the others from being made is the last."""
    settings = yield from _settings()
    if settings is None:
        return
    logs.configure("critical")
    services = yield from _services(settings)
    if services is None:
        return
    try:
        yield from _connections(services)
    finally:
        services.close()


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
        services = open_services(settings, registers=False)
    except DatabaseProblem as problem:
        yield Finding("database", False, str(problem), "Check CONNECTOR_DATABASE_URL and CONNECTOR_DATA_DIR.")
        return None
    except SettingsProblem as problem:
        yield Finding("settings", False, str(problem), "Correct it and run doctor again.")
        return None
    kind = "SQLite" if services.ledger.is_sqlite else "PostgreSQL"
    yield Finding("database", True, kind)
    yield Finding("migrations", True, f"version {services.ledger.version()}")
    return services


def _connections(services: Services) -> Iterator[Finding]:
    with services.ledger.read() as connection:
        before = {tenant.id for tenant in tenants.every(connection)}
    try:
        register(services.ledger, services.vault, services.settings)
    except SettingsProblem as problem:
        yield Finding("secret key", False, str(problem), "Give back the old key, or connect again.")
        return
    with services.ledger.read() as connection:
        known = tenants.every(connection)
    if not known:
        remedy = "Set CRISP_WEBSITE_ID, CRISP_IDENTIFIER and CRISP_KEY, or run: crisp-connector connect add"
        yield Finding("connections", False, "no Crisp website is connected", remedy)
    for tenant in known:
        findings = list(_connection(services, tenant))
        yield from findings
        if tenant.id not in before and not all(finding.ok for finding in findings):
            # What the environment describes wrongly is not kept.
            with services.ledger.write(durable=True) as connection:
                tenants.remove(connection, tenant.id)


def _connection(services: Services, tenant: CrispConnection) -> Iterator[Finding]:
    try:
        services.vault.open(tenant.key_sealed)
    except SettingsProblem as problem:
        yield Finding(f"secret key · {tenant.label}", False, str(problem), "Give back the old key, or connect again.")
        return
    yield Finding(f"secret key · {tenant.label}", True, "opens the stored credential")
    dates: list[str] = []
    code = services.courier.check(tenant.id, _asking(dates.append))
    name = f"credential · {tenant.label}"
    if code is None:
        yield Finding(name, True, "Crisp accepts it" + (" again: work goes on" if tenant.halted else ""))
    else:
        yield Finding(name, False, code, _REMEDIES.get(code, _ANY_REMEDY))
    yield _quota(services, tenant)
    if dates:
        yield _clock(dates[0])


def _asking(tell: Callable[[str], None]) -> Generator[Call, Reply, None]:
    """The check, and the moment at which Crisp answered."""
    if date := (yield from plan.check()):
        tell(date)


def _quota(services: Services, tenant: CrispConnection) -> Finding:
    now = services.courier.clock()
    with services.ledger.read() as connection:
        budget = quotas.get(connection, tenant.id)
    used = budget.used if budget.day == now // 86_400_000 else 0
    found = f"{used} of {tenant.daily_quota} calls used, reset at {from_milliseconds(resets_at(now))}"
    left = used < tenant.daily_quota and budget.blocked_until <= now
    return Finding(f"quota · {tenant.label}", left, found, "" if left else _REMEDIES["quota_used_up"])


def _clock(date: str) -> Finding:
    try:
        skew = time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return Finding("clock", True, "Crisp's answer has no readable date")
    wrong = abs(skew) > _SKEW
    remedy = "Set this machine's clock, with NTP." if wrong else ""
    return Finding("clock", not wrong, f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Crisp's", remedy)
