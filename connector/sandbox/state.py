"""Everything that one running sandbox holds."""

import time
from collections.abc import Mapping
from typing import cast

from flask import current_app

from .faults import Faults
from .limits import Limits
from .options import Options
from .sessions import Sessions
from .stats import Stats
from .store import Clock, Store

EXTENSION = "sandbox"


class Sandbox:
    """The options as they are now and what they act on."""

    def __init__(self, options: Options, clock: Clock = time.time) -> None:
        self.options = options
        self.clock = clock
        self.store = Store(clock)
        self.sessions = Sessions(clock)
        self.limits = Limits()
        self.faults = Faults(options.seed)
        self.stats = Stats()

    def change(self, switches: Mapping[str, object]) -> None:
        """Change switches while it runs; naming the seed starts the sequence of faults again."""
        self.options = self.options.changed(switches)
        if "seed" in switches:
            self.faults.reseed(self.options.seed)

    def reset(self) -> None:
        """Forget every contact, conversation and count; the switches stay."""
        for part in (self.store, self.sessions, self.limits, self.stats):
            part.clear()
        self.faults.reseed(self.options.seed)


def sandbox() -> Sandbox:
    """The sandbox of the app that answers this request."""
    return cast(Sandbox, current_app.extensions[EXTENSION])
