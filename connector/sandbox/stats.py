"""The counts that tests and benchmarks read: calls by route and by email, calls over a limit."""

import re
import threading
from collections import Counter
from functools import lru_cache

API = "/v1/"
PREFIX = f"{API}website/<website_id>/"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
UNKNOWN = "{unknown}"


@lru_cache(maxsize=256)
def label(rule: str | None) -> str:
    """`people/profile/{people_id}` for a route of the app; unknown routes share one label."""
    return PARAMETER.sub(r"{\1}", rule.removeprefix(PREFIX).removeprefix(API)) if rule else UNKNOWN


class Stats:
    """Every call under /v1/, refused ones too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._total = 0
            self._over_limit = 0
            self._by_route: Counter[str] = Counter()
            self._by_email: Counter[str] = Counter()

    def count(self, method: str, rule: str | None) -> None:
        with self._lock:
            self._total += 1
            self._by_route[f"{method} {label(rule)}"] += 1

    def count_email(self, email: str) -> None:
        """The call that was just counted is about one person."""
        with self._lock:
            self._by_email[email] += 1

    def count_over_limit(self) -> None:
        with self._lock:
            self._over_limit += 1

    def calls(self) -> dict[str, object]:
        """`{"total", "by_route": {"POST people/profile": n}, "by_email": {email: n}, "over_limit"}`."""
        with self._lock:
            return {
                "total": self._total,
                "by_route": dict(self._by_route),
                "by_email": dict(self._by_email),
                "over_limit": self._over_limit,
            }
