"""Everything that one running sandbox holds."""

import time
from collections.abc import Mapping
from typing import cast

from flask import Flask, current_app

from .faults import Faults
from .hooks import PLUGIN, WEBSITE, Counts, Hooks
from .limits import Limits
from .news import News
from .options import Options
from .rtm import Rtm
from .sessions import Sessions
from .stats import Stats
from .store import Clock, Store

EXTENSION = "sandbox"


class Sandbox:
    """The options as they are now and what they act on."""

    def __init__(self, options: Options, clock: Clock = time.time) -> None:
        self.options = options
        self.clock = clock
        self._counts = Counts()
        self._hooks = [Hooks(lambda: self.options, kind, clock, self._counts) for kind in (PLUGIN, WEBSITE)]
        self.rtm = Rtm(lambda: self.options)
        news = News(lambda: self.options, clock, (*self._hooks, self.rtm))
        self.store = Store(news.tell, clock)
        self.sessions = Sessions(self.store, news.tell, clock)
        self.limits = Limits()
        self.faults = Faults(options.seed)
        self.stats = Stats()

    def change(self, switches: Mapping[str, object]) -> None:
        """Change switches while it runs; naming the seed starts the sequence of faults again."""
        self.options = self.options.changed(switches)
        if "seed" in switches:
            self.faults.reseed(self.options.seed)
        if self.options.rtm == "off":
            self.rtm.cut(0)

    def hooks(self) -> dict[str, int]:
        """`{"sent", "answered", "failed", "waiting"}`, of both kinds together."""
        return {**self._counts.all(), "waiting": sum(each.waiting for each in self._hooks)}

    def reset(self) -> None:
        """Forget every contact, conversation, count and event that waits; the switches and the sockets stay."""
        for hooks in self._hooks:
            hooks.clear()
        for part in (self.rtm, self.store, self.sessions, self.limits, self.stats, self._counts):
            part.clear()
        self.faults.reseed(self.options.seed)


def sandbox() -> Sandbox:
    """The sandbox of the app that answers this request."""
    return sandbox_of(current_app)


def sandbox_of(app: Flask) -> Sandbox:
    return cast(Sandbox, app.extensions[EXTENSION])
