"""Where every change is told, and from where it goes to each channel that wants it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from .events import Notice
from .options import Options
from .store import Clock


class Channel(Protocol):
    """A way out for events. Both are called under the lock of what changed, so that order is kept: neither waits."""

    def wants(self, event: str) -> bool: ...

    def put(self, notice: Notice) -> None: ...


class News:
    """Tells the channels; when none wants an event, it is not even made."""

    def __init__(self, options: Callable[[], Options], clock: Clock, channels: Sequence[Channel]) -> None:
        self._options = options
        self._clock = clock
        self._channels = channels

    def tell(self, event: str, /, **data: object) -> None:
        wanting = [channel for channel in self._channels if channel.wants(event)]
        if not wanting:
            return
        website_id = self._options().website_id
        notice = Notice(event, {"website_id": website_id, **data}, int(self._clock() * 1000))
        for channel in wanting:
            channel.put(notice)
