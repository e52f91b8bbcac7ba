"""What is looked at of a running service: each finding with its remedy."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from connector.budget import held_by, limit_today, resets_at, used_today
from connector.convert.times import from_milliseconds
from connector.crisp import plan
from connector.crisp.calls import Call, Reply
from connector.crisp.probe import MOST_CALLS
from connector.ledger import connections as tenants
from connector.ledger import counts, hooks, quotas, records, workers
from connector.ledger.connections import CrispConnection
from connector.probing import left_behind
from connector.services import Services
from connector.settings import SettingsProblem

# A clock that is wrong by more than this makes signatures and times wrong (seconds).
_SKEW = 120
_REMEDIES = {
    "crisp_credential_refused": "Give the right token: crisp-connector connect add, or CRISP_KEY and a restart.",
    "crisp_plan_too_small": "This website's Crisp plan does not have the API. Choose a plan that has it.",
    "crisp_not_allowed": "Give the token the scopes of what was refused in Crisp's Marketplace, read and write: "
    "website:people:profiles for people/profile, website:people:data for people/data.",
    "crisp_website_missing": "The website id is wrong. Take it from Crisp: Settings, Website settings.",
    "crisp_unreachable": "Check CRISP_API_URL, the network and the proxy of this machine.",
    "crisp_redirected": "CRISP_API_URL, or a proxy, sends calls elsewhere, and they are not followed. Correct it.",
    "crisp_rate_limited": "Wait: Crisp asked for a pause.",
    "quota_used_up": "Wait for the reset, or raise the quota in Crisp and set CRISP_DAILY_QUOTA.",
}
_ANY_REMEDY = "Look at Crisp's status page and try again."
UNOPENED = "Give back the old key, or the credential again: crisp-connector connect add"


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


def queue(services: Services) -> Finding:
    """Whether wake-ups can be sent; without them work is found all the same, a moment later."""
    if services.engine.wakeups.reachable():
        return Finding("queue", True, "answers")
    remedy = "Check CONNECTOR_QUEUE_URL, and that the server which it names runs."
    return Finding("queue", False, "does not answer: records go out a moment later, /readyz says 503", remedy)


def workers_of(services: Services) -> Finding:
    """Who delivers. Nobody has to while nothing waits, for `send` and `replay` deliver what they bring."""
    with services.ledger.read() as connection:
        living = workers.alive(connection, services.ledger.clock())
        known = [records.totals_of_connection(connection, tenant.id) for tenant in tenants.every(connection)]
    waiting = sum(totals.by_status.get("waiting", 0) for totals in known)
    found = f"{living or 'none'} {'deliver' if living > 1 else 'delivers'}"
    if living or not waiting:
        return Finding("workers", True, found)
    remedy = "Start crisp-connector serve, or crisp-connector work beside crisp-connector web."
    return Finding("workers", False, f"{found}, and {waiting} record{'s wait' if waiting > 1 else ' waits'}", remedy)


def of_connection(services: Services, tenant: CrispConnection) -> Iterator[Finding]:
    """Its secret key, credential (one call), quota, events, probe, and the clock."""
    try:
        services.vault.open(tenant.key_sealed)
    except SettingsProblem as problem:
        yield Finding(f"secret key · {tenant.label}", False, str(problem), UNOPENED)
        return
    yield Finding(f"secret key · {tenant.label}", True, "opens the stored credential")
    dates: list[str] = []
    code = services.courier.check(tenant.id, _asking(dates.append))
    name = f"credential · {tenant.label}"
    if code is None and tenant.halted == "crisp_not_allowed":
        yield Finding(name, False, *_not_allowed(services, tenant))
    elif code is None:
        yield Finding(name, True, "Crisp accepts it" + (" again: work goes on" if tenant.halted else ""))
    else:
        yield Finding(name, False, code, _REMEDIES.get(code, _ANY_REMEDY))
    yield _quota(services, tenant)
    yield from _unknown_events(services, tenant)
    yield _probe(services, tenant)
    if dates:
        yield _clock(dates[0])


def _not_allowed(services: Services, tenant: CrispConnection) -> tuple[str, str]:
    """A token has scopes by family of routes, and the check asks for profiles alone: what was refused is named, and one
    record tries it."""
    with services.ledger.read() as connection:
        made = counts.calls_of(connection, tenant.id)
    refused = sorted({route for route, answer in made if answer == "403"})
    found = f"Crisp accepts it, but refused {', '.join(refused) or 'a call'} (403); that is tried once more now"
    return found, _REMEDIES["crisp_not_allowed"]


def _unknown_events(services: Services, tenant: CrispConnection) -> Iterator[Finding]:
    """Events of Crisp that nothing is made of here: nothing is wrong, but somebody may miss them."""
    with services.ledger.read() as connection:
        found = hooks.unknown(connection, tenant.id)
    if found:
        told = ", ".join(f"{event} ({count})" for event, count in sorted(found.items()))
        yield Finding(f"events · {tenant.label}", True, f"Crisp told of some that are not known here: {told}")


def _asking(tell: Callable[[str], None]) -> Generator[Call, Reply, None]:
    """The check, and the moment at which Crisp answered."""
    if date := (yield from plan.check()):
        tell(date)


def _quota(services: Services, tenant: CrispConnection) -> Finding:
    now = services.courier.clock()
    with services.ledger.read() as connection:
        budget = quotas.get(connection, tenant.id)
    used, limit = used_today(budget, now), limit_today(budget, tenant.limits, now)
    found = f"{used} of {limit} calls used, reset at {from_milliseconds(resets_at(now, budget.offset))}"
    if limit < tenant.daily_quota:
        found += f" (Crisp refused more, though {tenant.daily_quota} are set)"
    left = used < limit and budget.blocked_until <= now
    remedy = "" if left else _REMEDIES.get("quota_used_up" if used >= limit else held_by(budget, now), _ANY_REMEDY)
    return Finding(f"quota · {tenant.label}", left, found, remedy)


def _probe(services: Services, tenant: CrispConnection) -> Finding:
    name = f"probe · {tenant.label}"
    if left := left_behind(services, tenant.id):
        remedy = "Run: crisp-connector doctor --probe, or remove it in Crisp."
        return Finding(name, False, f"its throw-away contact may still be in Crisp: {', '.join(left)}", remedy)
    with services.ledger.read() as connection:
        moment = tenants.probed_at(connection, tenant.id)
    if moment is None:
        return Finding(name, True, f"not probed, so never in batches; doctor --probe takes at most {MOST_CALLS} calls")
    return Finding(name, True, f"probed at {from_milliseconds(moment)}")


def _clock(date: str) -> Finding:
    try:
        skew = time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return Finding("clock", True, "Crisp's answer has no readable date")
    wrong = abs(skew) > _SKEW
    remedy = "Set this machine's clock, with NTP." if wrong else ""
    return Finding("clock", not wrong, f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Crisp's", remedy)
