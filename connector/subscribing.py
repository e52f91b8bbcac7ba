"""Subscriptions are made, changed, tried out and ended: the same over HTTP and from the command line."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from connector.errors import Detail, Problem
from connector.hooks import conditions, sign
from connector.hooks.egress import Egress, Failed, Refused
from connector.hooks.plan import Attempt
from connector.hooks.sending import Message, Sender
from connector.hooks.telling import secrets_of
from connector.ids import new_id
from connector.ledger import deliveries, sinks, subscriptions
from connector.ledger.claims import Target
from connector.ledger.sinks import SWITCHED_OFF, Sink
from connector.ledger.subscriptions import Subscription
from connector.saying import Count, say
from connector.services import Services

# Subscriptions that one connection may have.
MOST = 10_000
# How long the secret before the last rotation still signs (milliseconds).
OVERLAP = 86_400_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody subscribes to. `filter`: in its one form; `include_own`: None when it is not said."""

    event: str
    target_url: str = field(repr=False)
    filter: dict[str, list[str]]
    include_own: bool | None = None

    @property
    def fingerprint(self) -> str:
        """What it has in common with the same wish, sent again."""
        said = json.dumps([self.event, self.target_url, self.filter], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


def egress(services: Services) -> Egress:
    """The way out to addresses that users name."""
    return Egress(allow=services.settings.allowed)


def kick(services: Services) -> None:
    """Tells this process's deliverer that something is due; every other one sees it within a second."""
    services.telling.kick()


def read_filter(services: Services, given: Any) -> dict[str, list[str]]:
    """The filter in its one form. Raises `parameter_invalid` that names each condition that makes no sense."""
    try:
        return conditions.read(given, services.manifest.in_crisp)
    except conditions.Unfit as problem:
        wrong = problem.wrong.items()
        names = (f"filter.{name}" if name else "filter" for name, _ in wrong)
        errors = [Detail(told, "parameter_invalid", name) for name, (_, told) in zip(names, wrong, strict=True)]
        raise Problem("parameter_invalid", errors=errors) from None


def check_target(services: Services, url: str) -> None:
    """Raises `target_refused` unless this address may be told; it is judged anew at every delivery."""
    reason: str | None = say("it holds a fragment (#…), which is never sent") if "#" in url else None
    try:
        egress(services).check(url)
    except (Refused, Failed) as problem:
        reason = problem.reason
    if reason is not None:
        told = Problem("target_refused", reason=reason).message
        raise Problem("target_refused", reason=reason, errors=[Detail(told, "target_refused", "target_url")])


def add(services: Services, connection_id: str, wanted: Wanted) -> tuple[Subscription, bool]:
    """The subscription, and whether it is new. One that is there already (the same event, address and filter) goes on,
    disabled or not. Raises `target_refused`, `too_many_subscriptions`."""
    check_target(services, wanted.target_url)
    with services.ledger.write(durable=True) as connection:
        known = subscriptions.of_fingerprint(connection, connection_id, wanted.fingerprint)
        if known is not None:
            return _gone_on(connection, known, wanted), False
        if subscriptions.count(connection, connection_id) >= MOST:
            raise Problem("too_many_subscriptions", limit=Count(MOST))
        made = _made(services, connection_id, wanted)
        if subscriptions.add(connection, made):
            return made, True
        twin = subscriptions.of_fingerprint(connection, connection_id, wanted.fingerprint)
    return _known(twin), False


def _gone_on(connection: Connection, known: Subscription, wanted: Wanted) -> Subscription:
    own = known.include_own if wanted.include_own is None else wanted.include_own
    values: dict[str, Any] = {"include_own": own, **(_AGAIN if known.disabled_at is not None else {})}
    subscriptions.change(connection, known.connection_id, known.id, **values)
    return replace(known, **values)


# What is not known of one that is enabled again.
_AGAIN: Mapping[str, Any] = dict.fromkeys(("disabled_at", "disabled_reason", "failing_since", "resume_at"))


def _made(services: Services, connection_id: str, wanted: Wanted) -> Subscription:
    vault, token = services.vault, secrets.token_urlsafe(32)
    return Subscription(
        id=new_id(),
        connection_id=connection_id,
        event=wanted.event,
        target_url=wanted.target_url,
        filter=wanted.filter,
        include_own=bool(wanted.include_own),
        fingerprint=wanted.fingerprint,
        created_at=services.courier.clock(),
        secret_sealed=vault.seal(_new_secret()),
        token_sealed=vault.seal(token),
        token_hash=subscriptions.hash_of(token),
    )


def _new_secret() -> str:
    return sign.secret_of(secrets.token_bytes(sign.SECRET_BYTES))


def get(services: Services, connection_id: str, subscription_id: str) -> Subscription:
    """One subscription. Raises `subscription_missing`."""
    with services.ledger.read() as connection:
        return _known(subscriptions.get(connection, connection_id, subscription_id))


def change(
    services: Services, connection_id: str, subscription_id: str, changes: Mapping[str, Any], *, enable: bool = False
) -> Subscription:
    """Changes any of target_url, filter (in its one form) and include_own; `enable`: it goes on after it was disabled.

    What waits goes to the new address. Raises `subscription_missing`, `target_refused`, `subscription_exists`.
    """
    if "target_url" in changes:
        check_target(services, changes["target_url"])
    with services.ledger.write(durable=True) as connection:
        known = replace(_known(subscriptions.get(connection, connection_id, subscription_id)), **changes)
        fingerprint = Wanted(known.event, known.target_url, known.filter).fingerprint
        twin = subscriptions.of_fingerprint(connection, connection_id, fingerprint)
        if twin is not None and twin.id != known.id:
            raise Problem("subscription_exists", subscription=twin.id)
        values = {**changes, "fingerprint": fingerprint, **(_AGAIN if enable else {})}
        subscriptions.change(connection, connection_id, subscription_id, **values)
    return replace(known, **values)


def remove(services: Services, connection_id: str, subscription_id: str) -> None:
    """Ends a subscription; what waits for it is not told. Raises `subscription_missing`."""
    with services.ledger.write(durable=True) as connection:
        if not subscriptions.remove(connection, connection_id, subscription_id):
            raise Problem("subscription_missing")


def remove_by(services: Services, subscription_id: str, token: str) -> bool:
    """Ends the subscription whose token this is; False when it is not."""
    with services.ledger.write(durable=True) as connection:
        found = subscriptions.of_token(connection, subscription_id, token)
        return found is not None and subscriptions.remove(connection, found.connection_id, subscription_id)


def rotate(services: Services, connection_id: str, subscription_id: str) -> Subscription:
    """A new secret; the one before it signs as well for a day. Raises `subscription_missing`."""
    with services.ledger.write(durable=True) as connection:
        known = _known(subscriptions.get(connection, connection_id, subscription_id))
        until, sealed = services.courier.clock() + OVERLAP, services.vault.seal(_new_secret())
        values: dict[str, Any] = {"secret_sealed": sealed, "old_sealed": known.secret_sealed, "old_until": until}
        subscriptions.change(connection, connection_id, subscription_id, **values)
    return replace(known, **values)


def secret(services: Services, subscription: Subscription) -> str:
    """What it is signed with. Raises `SettingsProblem` when no key opens it."""
    return services.vault.open(subscription.secret_sealed)


def token(services: Services, subscription: Subscription) -> str:
    """What ends it, without a key. Raises as `secret` does."""
    return services.vault.open(subscription.token_sealed)


def test(services: Services, connection_id: str, subscription_id: str) -> Attempt:
    """Sends a sample event, signed like every other, and says what came of it. Raises `subscription_missing`."""
    known = get(services, connection_id, subscription_id)
    now, event_id = services.courier.clock(), new_id()
    sample = services.manifest.triggers[known.event].sample_of(connection_id)
    body = json.dumps({**sample, "id": event_id}, ensure_ascii=False).encode()
    target = Target(known.id, known.target_url, known.secret_sealed, known.old_sealed, known.old_until)
    sender = Sender(egress(services), services.settings.hook_timeout, services.courier.clock)
    return sender.send(known.target_url, secrets_of(services.vault, target, now), Message(event_id, body, now))


def replay(services: Services, connection_id: str, conditions_: Mapping[str, Any]) -> int:
    """What has ended is told once more, where all of these conditions hold (those of `deliveries.chosen`); how many
    those are. Raises `delivery_missing` and `subscription_missing`; nothing is told again then."""
    with services.ledger.write(durable=True) as connection:
        _check_ids(connection, connection_id, conditions_.get("ids") or ())
        if (wanted := conditions_.get("subscription_id")) is not None:
            _known(subscriptions.get(connection, connection_id, wanted))
        chosen = deliveries.chosen(**conditions_)
        count = deliveries.replay(connection, connection_id, chosen, services.courier.clock())
    kick(services)
    return count


def replay_one(services: Services, connection_id: str, delivery_id: str) -> Any:
    """One delivery is told once more; its row. One that waits is told at its time all the same. Raises
    `delivery_missing`, `delivery_forgotten`, `subscription_disabled`, `sink_disabled`."""
    with services.ledger.write(durable=True) as connection:
        row = deliveries.get(connection, connection_id, delivery_id)
        if row is None:
            raise Problem("delivery_missing")
        if row.body is None:
            raise Problem("delivery_forgotten")
        _check_goes_on(connection, connection_id, row)
        deliveries.replay(connection, connection_id, deliveries.chosen(ids=[delivery_id]), services.courier.clock())
        row = deliveries.get(connection, connection_id, delivery_id)
    kick(services)
    return row


def _check_goes_on(connection: Connection, connection_id: str, delivery: Any) -> None:
    of = delivery.subscription_id and subscriptions.get(connection, connection_id, delivery.subscription_id)
    if of and of.disabled_at is not None:
        raise subscription_ended(of)
    sink = delivery.sink_id and sinks.get(connection, connection_id, delivery.sink_id)
    if sink and sink.disabled_at is not None:
        raise sink_ended(sink)


def subscription_ended(subscription: Subscription) -> Problem:
    """That it is not told any more, and why."""
    return Problem("subscription_disabled", subscription=subscription.id, reason=subscription.disabled_reason)


def sink_ended(sink: Sink) -> Problem:
    """That nothing is written there any more, and why."""
    why = say("It was switched off.") if sink.disabled_reason == SWITCHED_OFF else sink.disabled_reason
    return Problem("sink_disabled", sink=sink.id, reason=why)


def _check_ids(connection: Connection, connection_id: str, ids: Any) -> None:
    known = deliveries.known(connection, connection_id, ids)
    told = Problem("delivery_missing").message
    # By position: what was sent as an id may be anything.
    errors = [Detail(told, "delivery_missing", f"ids.{place}") for place, each in enumerate(ids) if each not in known]
    if errors:
        raise Problem("delivery_missing", errors=errors)


def _known(found: Subscription | None) -> Subscription:
    if found is None:
        raise Problem("subscription_missing")
    return found
