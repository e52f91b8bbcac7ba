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
from connector.saying import Moment, say
from connector.services import Services
from connector.settings import SettingsProblem

# A clock that is wrong by more than this makes signatures and times wrong (seconds).
_SKEW = 120
_REMEDIES = {
    "crisp_credential_refused": say("Give the right token: crisp-connector connect add, or CRISP_KEY and a restart."),
    "crisp_plan_too_small": say("This website's Crisp plan does not have the API. Choose a plan that has it."),
    "crisp_not_allowed": say(
        "Give the token the scopes of what was refused in Crisp's Marketplace, read and write: "
        "website:people:profiles for people/profile, website:people:data for people/data."
    ),
    "crisp_website_missing": say("The website id is wrong. Take it from Crisp: Settings, Website settings."),
    "crisp_unreachable": say("Check CRISP_API_URL, the network and the proxy of this machine."),
    "crisp_redirected": say("CRISP_API_URL, or a proxy, sends calls elsewhere, and they are not followed. Correct it."),
    "crisp_rate_limited": say("Wait: Crisp asked for a pause."),
    "quota_used_up": say("Wait for the reset, or raise the quota in Crisp and set CRISP_DAILY_QUOTA."),
}
_ANY_REMEDY = say("Look at Crisp's status page and try again.")
UNOPENED = say("Give back the old key, or the credential again: crisp-connector connect add")


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
        return Finding(say("queue"), True, say("answers"))
    remedy = say("Check CONNECTOR_QUEUE_URL, and that the server which it names runs.")
    found = say("does not answer: records go out a moment later, /readyz says 503")
    return Finding(say("queue"), False, found, remedy)


def workers_of(services: Services) -> Finding:
    """Who delivers. Nobody has to while nothing waits, for `send` and `replay` deliver what they bring."""
    with services.ledger.read() as connection:
        living = workers.alive(connection, services.ledger.clock())
        known = [records.totals_of_connection(connection, tenant.id) for tenant in tenants.every(connection)]
    waiting = sum(totals.by_status.get("waiting", 0) for totals in known)
    if living or not waiting:
        return Finding(say("workers"), True, _delivering(living))
    remedy = say("Start crisp-connector serve, or crisp-connector work beside crisp-connector web.")
    if waiting > 1:
        return Finding(say("workers"), False, say("none delivers, and {count} records wait", count=waiting), remedy)
    return Finding(say("workers"), False, say("none delivers, and 1 record waits"), remedy)


def _delivering(living: int) -> str:
    if living > 1:
        return say("{count} deliver", count=living)
    return say("1 delivers") if living else say("none delivers")


def of_connection(services: Services, tenant: CrispConnection) -> Iterator[Finding]:
    """Its secret key, credential (one call), quota, events, probe, and the clock."""
    try:
        services.vault.open(tenant.key_sealed)
    except SettingsProblem as problem:
        yield Finding(_of(say("secret key"), tenant), False, problem.args[0], UNOPENED)
        return
    yield Finding(_of(say("secret key"), tenant), True, say("opens the stored credential"))
    dates: list[str] = []
    code = services.courier.check(tenant.id, _asking(dates.append))
    name = _of(say("credential"), tenant)
    if code is None and tenant.halted == "crisp_not_allowed":
        yield Finding(name, False, *_not_allowed(services, tenant))
    elif code is None:
        again = say("Crisp accepts it again: work goes on")
        yield Finding(name, True, again if tenant.halted else say("Crisp accepts it"))
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
    routes = ", ".join(refused) or say("a call")
    found = say("Crisp accepts it, but refused {routes} (403); that is tried once more now", routes=routes)
    return found, _REMEDIES["crisp_not_allowed"]


def _unknown_events(services: Services, tenant: CrispConnection) -> Iterator[Finding]:
    """Events of Crisp that nothing is made of here: nothing is wrong, but somebody may miss them."""
    with services.ledger.read() as connection:
        found = hooks.unknown(connection, tenant.id)
    if found:
        told = ", ".join(f"{event} ({count})" for event, count in sorted(found.items()))
        found_ = say("Crisp told of some that are not known here: {events}", events=told)
        yield Finding(_of(say("events"), tenant), True, found_)


def _asking(tell: Callable[[str], None]) -> Generator[Call, Reply, None]:
    """The check, and the moment at which Crisp answered."""
    if date := (yield from plan.check()):
        tell(date)


def _quota(services: Services, tenant: CrispConnection) -> Finding:
    now = services.courier.clock()
    with services.ledger.read() as connection:
        budget = quotas.get(connection, tenant.id)
    used, limit = used_today(budget, now), limit_today(budget, tenant.limits, now)
    until = Moment(from_milliseconds(resets_at(now, budget.offset)))
    found = say("{used} of {limit} calls used, reset at {until}", used=used, limit=limit, until=until)
    if limit < tenant.daily_quota:
        found = say("{found} (Crisp refused more, though {quota} are set)", found=found, quota=tenant.daily_quota)
    left = used < limit and budget.blocked_until <= now
    remedy = "" if left else _REMEDIES.get("quota_used_up" if used >= limit else held_by(budget, now), _ANY_REMEDY)
    return Finding(_of(say("quota"), tenant), left, found, remedy)


def _probe(services: Services, tenant: CrispConnection) -> Finding:
    name = _of(say("probe"), tenant)
    if left := left_behind(services, tenant.id):
        remedy = say("Run: crisp-connector doctor --probe, or remove it in Crisp.")
        found = say("its throw-away contact may still be in Crisp: {emails}", emails=", ".join(left))
        return Finding(name, False, found, remedy)
    with services.ledger.read() as connection:
        moment = tenants.probed_at(connection, tenant.id)
    if moment is None:
        found = say("not probed, so never in batches; doctor --probe takes at most {count} calls", count=MOST_CALLS)
        return Finding(name, True, found)
    return Finding(name, True, say("probed at {at}", at=Moment(from_milliseconds(moment))))


def _clock(date: str) -> Finding:
    try:
        skew = time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return Finding(say("clock"), True, say("Crisp's answer has no readable date"))
    wrong = abs(skew) > _SKEW
    remedy = say("Set this machine's clock, with NTP.") if wrong else ""
    ahead, seconds = skew > 0, round(abs(skew))
    found = (
        say("{seconds} s ahead of Crisp's", seconds=seconds)
        if ahead
        else say("{seconds} s behind Crisp's", seconds=seconds)
    )
    return Finding(say("clock"), not wrong, found, remedy)


def _of(checked: str, tenant: CrispConnection) -> str:
    """What is checked, of which connection."""
    return say("{checked} · {connection}", checked=checked, connection=tenant.label)
