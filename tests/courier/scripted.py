"""Clients that give answers of the test's own in place of Crisp's."""

from threading import Event
from typing import Any

from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients
from tests.courier.world import World


class Scripted(Client):
    """Gives these answers, one for each call, in place of what Crisp said; None lets Crisp's own through."""

    script: list[Reply | Failure | None]
    apply = True

    def send(self, call: Call) -> Reply | Failure:
        instead = self.script.pop(0) if self.script else None
        if instead is None:
            return super().send(call)
        if self.apply:
            super().send(call)
        return instead


def scripted(world: World, *script: Reply | Failure | None, apply: bool = True) -> Clients:
    """Clients that follow the script; `apply`: Crisp does what it is asked all the same."""
    made = type("Scripted", (Scripted,), {"script": list(script), "apply": apply})
    return Clients(world.url, 8, make=made)


def drain_once(world: World, **options: Any) -> None:
    assert world.courier(**options).drain("W", Event())
