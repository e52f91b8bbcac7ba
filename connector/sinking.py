"""Sinks are set up, changed, looked at and removed: the same over HTTP and from the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector import sinks
from connector.convert.times import moment_of
from connector.errors import Detail, Problem
from connector.hooks.egress import Egress
from connector.ids import new_id
from connector.ledger import sinks as stored
from connector.ledger.sinks import SWITCHED_OFF, Sink
from connector.saying import say
from connector.services import Services
from connector.settings import SettingsProblem

KINDS = sorted(sinks.registry())
EVENTS = sorted({event for module in sinks.registry().values() for event in module.EVENTS})
_UNREADABLE = say("Its credential cannot be opened: the secret key is another now. Give the credential again.")


def add(services: Services, connection_id: str, said: Mapping[str, Any]) -> Sink:
    """A new sink. `said`: kind, events, options, credential, and perhaps a label. Nothing is asked or written yet.
    Raises `parameter_invalid` that names each wrong field."""
    kind, credential = said["kind"], said["credential"]
    made = Sink(
        id=new_id(),
        connection_id=connection_id,
        kind=kind,
        label=said.get("label", sinks.registry()[kind].LABEL),
        events=tuple(dict.fromkeys(said["events"])),
        options=_checked(kind, said["events"], said["options"], credential),
        credential_sealed=services.vault.seal(credential),
        created_at=services.courier.clock(),
    )
    with services.ledger.write(durable=True) as connection:
        stored.add(connection, made)
    return made


def every(services: Services, connection_id: str) -> list[Sink]:
    """A connection's sinks, the oldest first."""
    with services.ledger.read() as connection:
        return stored.every(connection, connection_id)


def get(services: Services, connection_id: str, sink_id: str) -> Sink:
    """One sink. Raises `sink_missing`."""
    with services.ledger.read() as connection:
        return _known(stored.get(connection, connection_id, sink_id))


def change(services: Services, connection_id: str, sink_id: str, said: Mapping[str, Any]) -> Sink:
    """Changes what is said: any of label, events, options (None: as if it had not been said), credential, enabled.
    Other options or another credential enable one that was disabled by a failure.

    Raises `sink_missing`, `parameter_invalid`, and `sink_broken` when no key opens the credential that is to go on.
    """
    with services.ledger.write(durable=True) as connection:
        known = _known(stored.locked(connection, connection_id, sink_id))
        changed = _switched(services, _changed(services, known, said), said)
        stored.change(connection, changed)
    return changed


def remove(services: Services, connection_id: str, sink_id: str) -> None:
    """Removes a sink with its deliveries; what is written there stays. Raises `sink_missing`."""
    with services.ledger.write(durable=True) as connection:
        if not stored.remove(connection, connection_id, sink_id):
            raise Problem("sink_missing")


def test(services: Services, connection_id: str, sink_id: str) -> Mapping[str, Any]:
    """What is there; writes nothing. Raises `sink_missing`, `sink_broken`, `sink_unreachable`."""
    sink, settings = get(services, connection_id, sink_id), services.settings
    egress = Egress(allow=settings.allowed)
    try:
        return sinks.opened(sink.kind, sink.options, _opened(services, sink), egress, settings).look()
    except sinks.Later as later:
        raise Problem("sink_unreachable", reason=later.reason, retry_after=round(later.seconds)) from None
    except (sinks.Broken, sinks.Refused) as broken:
        raise Problem("sink_broken", reason=broken.reason) from None


def shown(services: Services, sink: Sink) -> dict[str, Any]:
    """A sink as it is shown, without its credential. `failing_reason`: why nothing is written just now."""
    with services.ledger.read() as connection:
        reason = None if sink.failing_since is None else stored.failing_reason(connection, sink.id)
    moments = {name: getattr(sink, name) for name in ("disabled_at", "failing_since", "created_at")}
    return {
        **{name: getattr(sink, name) for name in ("id", "kind", "label", "options", "disabled_reason")},
        "events": list(sink.events),
        "enabled": sink.disabled_at is None,
        **{name: moment_of(moment) for name, moment in moments.items()},
        "failing_reason": reason,
    }


def _known(found: Sink | None) -> Sink:
    if found is None:
        raise Problem("sink_missing")
    return found


def _opened(services: Services, sink: Sink) -> str:
    """Its credential. Raises `sink_broken` when no secret key opens it any more."""
    try:
        return services.vault.open(sink.credential_sealed)
    except SettingsProblem:
        raise Problem("sink_broken", reason=_UNREADABLE) from None


def _checked(kind: str, events: Sequence[str], options: Mapping[str, Any], credential: str) -> dict[str, Any]:
    """The options in their one form. Raises `parameter_invalid` naming each wrong field."""
    module = sinks.registry()[kind]
    unfit = [event for event in events if event not in module.EVENTS]
    if unfit:
        told = say("{sink} takes {events}.", sink=module.LABEL, events=", ".join(module.EVENTS))
        raise Problem("parameter_invalid", errors=[Detail(told, "parameter_invalid", "events")])
    return module.check(options, credential)


def _changed(services: Services, known: Sink, said: Mapping[str, Any]) -> Sink:
    """The sink as it is to be."""
    given = {name: said[name] for name in ("label",) if name in said}
    events = list(dict.fromkeys(said.get("events", known.events)))
    if {"events", "options", "credential"} & set(said):
        credential = said.get("credential") or _opened(services, known)
        merged = {**known.options, **said.get("options", {})}
        options = {name: value for name, value in merged.items() if value is not None}
        given |= {"events": tuple(events), "options": _checked(known.kind, events, options, credential)}
    if "credential" in said:
        given["credential_sealed"] = services.vault.seal(said["credential"])
    return replace(known, **given)


def _switched(services: Services, sink: Sink, said: Mapping[str, Any]) -> Sink:
    """Enabled or disabled as it was asked for; what may have put a failure right enables it too."""
    put_right = bool({"options", "credential"} & set(said)) and sink.disabled_reason != SWITCHED_OFF
    if said.get("enabled", put_right):
        return replace(sink, failing_since=None, disabled_at=None, disabled_reason=None)
    if said.get("enabled") is False:
        return replace(sink, disabled_at=services.courier.clock(), disabled_reason=SWITCHED_OFF)
    return sink
