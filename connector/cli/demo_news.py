"""The demo's second half: what somebody does in Crisp reaches a subscriber and a sheet; what we write does not."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests
from rich.table import Table

from connector.cli.common import Failed, results
from connector.cli.demo_subscriber import Listeners
from connector.sandbox.sheets import SPREADSHEET

# Seconds in which everything must have arrived.
_PATIENCE = 20.0
_EVENTS = ("contact_created", "contact_updated", "conversation_data_changed")
_COLUMNS = ["Email", "Name", "City", "data.plan"]
_SOMEBODY, _OURS = "alice@example.com", "written.by.us@example.com"
_ROW = [_SOMEBODY, "Alice Example", "Paris", "pro"]
# The stand-in for Google takes any.
_CREDENTIAL = dict.fromkeys(("client_id", "client_secret", "refresh_token"), "of the demo")


@dataclass(frozen=True, slots=True)
class News:
    """What arrived: the signed events that the subscriber was told, how many came `unsigned`, and the sheet's rows,
    its header the first; `late`: what did not come in time."""

    told: list[Mapping[str, Any]]
    unsigned: int
    rows: list[list[Any]]
    late: str | None = None

    @property
    def echoes(self) -> int:
        """How often it was told of what the connector wrote itself."""
        return sum(each["contact"].get("email") == _OURS for each in self.told)

    def problems(self) -> Iterator[str]:
        """What did not go as it should, in words."""
        if self.late is not None:
            yield f"{self.late} did not arrive within {_PATIENCE:.0f} s."
        if self.unsigned:
            yield f"{self.unsigned} deliveries came without the signature of a subscription."
        if self.echoes:
            yield f"The subscriber was told {self.echoes} times of what the connector wrote itself."

    def as_json(self) -> dict[str, Any]:
        """`{told: [{event, email, says}], unsigned, echoes, sheet: [[cell, …], …]}`."""
        told = [_line(each) for each in self.told]
        return {"told": told, "unsigned": self.unsigned, "echoes": self.echoes, "sheet": self.rows}

    def show(self) -> None:
        """Two tables."""
        table = Table("event", "email", "says", "signature", title="\nDone in Crisp, told here", title_justify="left")
        for each in self.told:
            table.add_row(*_line(each).values(), "verified")
        results.print(table)
        header, *rows = self.rows or [[]]
        sheet = Table(*map(str, header), title="\nThe same in a sheet", title_justify="left")
        for row in rows:
            sheet.add_row(*map(str, row))
        results.print(sheet)
        if not self.echoes:
            results.print("What the connector wrote itself was told to nobody.")


def tell(service: Mapping[str, str], sandbox: Mapping[str, str], listeners: Listeners, hook_secret: str) -> News:
    """Subscribes, adds a sink, plays people at Crisp and a visitor, and waits for what arrives."""
    for event in _EVENTS:
        wanted = {"event": event, "target_url": listeners.subscriber.url}
        listeners.subscriber.secrets.append(_post(service, "/v1/subscriptions", wanted)["secret"])
    options = {"spreadsheet": SPREADSHEET, "mode": "upsert", "columns": _COLUMNS}
    sink = {"kind": "google_sheets", "events": list(_EVENTS), "options": options, "credential": _CREDENTIAL}
    _post(service, "/v1/sinks", sink)
    hook_url = f"{service['url']}/crisp/{sandbox['website_id']}"
    _ask("POST", f"{sandbox['url']}/_sandbox", {"hook_url": hook_url, "hook_secret": hook_secret})
    _post(service, "/v1/contacts", {"email": _OURS, "nickname": "Ours"})
    late = _played(sandbox, listeners)
    subscriber = listeners.subscriber
    return News(list(subscriber.told), subscriber.unsigned, listeners.rows(), late)


def _played(sandbox: Mapping[str, str], listeners: Listeners) -> str | None:
    """Each step follows when the one before has arrived; what did not arrive."""
    until = time.monotonic() + _PATIENCE
    person = {"nickname": "Alice Example", "geolocation": {"city": "London"}}
    visit = {"session_id": "session_of_the_demo", "email": _SOMEBODY, "data": {"plan": "pro"}}
    steps: tuple[Callable[[], Any], ...] = (
        lambda: _in_crisp(sandbox, "POST", "profile", {"email": _SOMEBODY, "person": person}),
        lambda: _in_crisp(sandbox, "PATCH", f"profile/{_SOMEBODY}", {"person": {"geolocation": {"city": "Paris"}}}),
        lambda: _ask("POST", f"{sandbox['url']}/_sandbox/conversations", visit),
    )
    for event, step in zip(_EVENTS, steps, strict=True):
        step()
        if not _came(partial(listeners.subscriber.knows, event, _SOMEBODY), until):
            return event
    return None if _came(lambda: _ROW in listeners.rows(), until) else "The sheet's row"


def _came(look: Callable[[], bool], until: float) -> bool:
    """Whether it is there before that moment of the monotonic clock."""
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def _post(service: Mapping[str, str], path: str, body: Mapping[str, Any]) -> Any:
    return _ask("POST", service["url"] + path, body, headers={"Authorization": f"Bearer {service['key']}"})


def _in_crisp(sandbox: Mapping[str, str], method: str, path: str, body: Mapping[str, Any]) -> Any:
    """What somebody at Crisp does to a contact."""
    url = f"{sandbox['url']}/v1/website/{sandbox['website_id']}/people/{path}"
    auth, headers = (sandbox["identifier"], sandbox["key"]), {"X-Crisp-Tier": sandbox["tier"]}
    return _ask(method, url, body, auth=auth, headers=headers)


def _ask(method: str, url: str, body: Mapping[str, Any], **more: Any) -> Any:
    answer = requests.request(method, url, json=body, timeout=30, **more)
    if not answer.ok:
        raise Failed(f"The second half of the demo was refused: {answer.text}")
    return answer.json()


def _line(event: Mapping[str, Any]) -> dict[str, str]:
    contact = event["contact"]
    values = {**contact, **{f"data.{key}": value for key, value in event.get("data", {}).items()}}
    says = ", ".join(f"{key}: {values.get(key, '')}" for key in event["changed"])
    return {"event": event["event"], "email": contact.get("email", ""), "says": says}
