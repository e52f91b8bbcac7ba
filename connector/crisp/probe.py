"""The probe: finds out with one throw-away contact how this Crisp behaves where its reference is silent. Without I/O.

A read tells something only when it shows the last write. Crisp's edge keeps answers, one for each address with its
query (so does Bloom, Crisp's own cache), so every read has a query of its own; one that is older all the same tells
nothing. What is not found out is left out: then the plan goes on assuming what loses nothing.
"""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from connector.crisp.bulk import REFUSED
from connector.crisp.calls import Call, Reply
from connector.saying import say

_PROFILE, _DATA = "people/profile/{who}", "people/data/{who}"
_BATCH_DATA, _BATCH_SEGMENTS = "batch/data", "batch/segments"
_FIRST, _SECOND, _THIRD = (f"connector-probe-{number}" for number in (1, 2, 3))
_KEY = "connector_probe_"
# People in one batch that are tried, the most first. More saves next to nothing: with 500 it is two calls a thousand.
SIZES = (500, 50)
# A moment in 2020 (UNIX milliseconds).
_MOMENT = 1_600_000_000_000
# What a wrong body is answered; what concerns the credential is not among it.
_WRONG = frozenset({400, 404, 405, 409, 413, 415, 422})

Asking = Generator[Call, Reply, None]
Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be found out, the routes that are called, and how many calls that takes at most."""

    question: str
    routes: tuple[str, ...]
    calls: int


_PROFILE_ROUTE, _DATA_ROUTE = "people/profile/{people_id}", "people/data/{people_id}"
STEPS = (
    Step(say("Adds the contact, and once more: how is one refused that exists?"), ("POST people/profile",), 2),
    Step(
        say("Are segments, employment, company and location kept beside what is written?"),
        (f"PATCH {_PROFILE_ROUTE}", f"GET {_PROFILE_ROUTE}"),
        2,
    ),
    Step(
        say("What removes a custom data key: null, an empty text, or writing the rest?"),
        (f"PATCH {_DATA_ROUTE}", f"GET {_DATA_ROUTE}", f"PUT {_DATA_ROUTE}"),
        6,
    ),
    Step(
        say("Can many be told in one call, and how many? (Beside the contact, ids that nobody has.)"),
        (f"PATCH {_BATCH_DATA}", f"GET {_DATA_ROUTE}", f"PATCH {_BATCH_SEGMENTS}"),
        6,
    ),
    Step(say("Are created_at and active taken?"), (f"PATCH {_PROFILE_ROUTE}", f"GET {_PROFILE_ROUTE}"), 3),
    Step(say("How is a wrong value refused?"), (f"PATCH {_PROFILE_ROUTE}", f"PATCH {_DATA_ROUTE}"), 2),
    Step(
        say("Reads again what is older than the last write, once"), (f"GET {_PROFILE_ROUTE}", f"GET {_DATA_ROUTE}"), 1
    ),
    Step(say("Removes the contact, and one that an earlier probe left behind"), (f"DELETE {_PROFILE_ROUTE}",), 2),
)
MOST_CALLS = sum(step.calls for step in STEPS)


class Probe:
    """Asks by its plan. `findings` grows as it goes; `made`: the people_ids of what it made, to be removed.

    `address`: of the contact; `strangers`: people_ids that nobody has, as many as the largest batch that is tried.
    """

    def __init__(self, address: str, strangers: Sequence[str]) -> None:
        self.findings: dict[str, Any] = {}
        self.made: list[str] = []
        self.address, self._strangers = address, strangers
        self._who = address
        self._reads, self._again = count(1), 1

    def plan(self) -> Asking:
        """All questions, one after the other; the contact is left for the caller to remove."""
        yield from self._contact()
        yield from self._kept_in_profile()
        yield from self._removal()
        yield from self._batch_data()
        yield from self._batch_segments_and_times()
        yield from self._refusals()

    def _contact(self) -> Asking:
        card = {
            "email": self.address,
            "person": {
                "nickname": "Connector Probe 1",
                "employment": {"name": "First", "title": "First"},
                "geolocation": {"country": "FR", "city": "Nantes"},
            },
            "company": {"name": "First", "description": "First"},
            "segments": [_FIRST],
        }
        added = yield self._call("POST", "people/profile", card, routes=frozenset({409}))
        # The answer to an earlier try was lost: it is ours, nobody else has this address.
        told = added if added.ok else (yield self._call("GET", _PROFILE))
        self._who = _people_id(told) or self.address
        again = {"email": self.address, "person": {"nickname": "Connector Probe 1"}}
        reply = added if not added.ok else (yield self._call("POST", "people/profile", again))
        self.findings["exists_answer"] = _words(reply)
        self.findings["exists_tells_people_id"] = bool(_people_id(reply)) and not reply.ok
        named = (_people_id(each) for each in (told, reply) if each.ok)
        self.made = list(dict.fromkeys(name for name in named if name))

    def _kept_in_profile(self) -> Asking:
        change = {
            "person": {
                "nickname": "Connector Probe 2",
                "employment": {"title": "Second"},
                "geolocation": {"city": "Paris"},
            },
            "company": {"name": "Second"},
            "segments": [_SECOND],
        }
        if not (yield self._call("PATCH", _PROFILE, change)).ok:
            return
        card = yield from self._read(_PROFILE, lambda card: _nickname(card) == "Connector Probe 2")
        if card is None:
            return
        self._find("segments", _added(card.get("segments"), [_FIRST], _SECOND))
        person = _object(card.get("person"))
        merged = {
            "employment": _merged(person.get("employment"), ("name", "First"), ("title", "Second")),
            "location": _merged(person.get("geolocation"), ("country", "FR"), ("city", "Paris")),
            "company": _merged(card.get("company"), ("description", "First"), ("name", "Second")),
        }
        for name, found in merged.items():
            self._find(f"nested_{name}", found)
        # One answer for all: where one of them is replaced, all are sent whole.
        if "replace" in merged.values() or set(merged.values()) == {"merge"}:
            self.findings["nested"] = "replace" if "replace" in merged.values() else "merge"

    def _removal(self) -> Asking:
        started = {f"{_KEY}{name}": "1" for name in ("null", "empty", "put", "stays")}
        if not (yield self._call("PATCH", _DATA, {"data": started})).ok:
            return
        shown = [f"{_KEY}stays"]
        for name, value in (("null", None), ("empty", "")):
            change = {f"{_KEY}{name}": value, f"{_KEY}{name}_told": "1"}
            if (yield self._call("PATCH", _DATA, {"data": change})).ok:
                shown.append(f"{_KEY}{name}_told")
        data = yield from self._data_with(shown)
        if data is None:
            return
        gone = [name for name in ("null", "empty") if f"{_KEY}{name}" not in data]
        if gone:
            self.findings["removal"] = gone[0]
        else:
            yield from self._removal_by_put()

    def _removal_by_put(self) -> Asking:
        rest = {f"{_KEY}stays": "1", f"{_KEY}put_told": "1"}
        if (yield self._call("PUT", _DATA, {"data": rest})).ok:
            data = yield from self._data_with(rest)
            if data is not None and f"{_KEY}put" not in data:
                self.findings["removal"] = "put"

    def _batch_data(self) -> Asking:
        reply = yield self._batch(_BATCH_DATA, [self._who], {"data": {f"{_KEY}batch": "1"}})
        self.findings["batch_answer"] = _words(reply)
        if not reply.ok:
            return
        data = yield from self._data_with([f"{_KEY}batch"])
        if data is None:
            return
        self.findings["batch_data"] = "merge" if f"{_KEY}stays" in data else "replace"
        yield from self._batch_size()

    def _batch_size(self) -> Asking:
        """The contact stands last, so that a list which is cut off does not pass for one that is taken."""
        for size in SIZES:
            crowd = [*self._strangers[: size - 1], self._who]
            if (yield self._batch(_BATCH_DATA, crowd, {"data": {f"{_KEY}size": size}})).ok:
                data = yield from self._data_with([f"{_KEY}size"])
                if data is not None:
                    self.findings["batch_size"] = size
                return

    def _batch_segments_and_times(self) -> Asking:
        told = yield from self._batch_segments()
        created = yield self._call("PATCH", _PROFILE, {"created_at": _MOMENT})
        change = {"active": _MOMENT, "person": {"nickname": "Connector Probe 3"}}
        active = yield self._call("PATCH", _PROFILE, change)

        def fresh(card: Found) -> bool:
            return _nickname(card) == "Connector Probe 3" if active.ok else _THIRD in _list(card.get("segments"))

        card = (yield from self._read(_PROFILE, fresh)) if told or created.ok or active.ok else None
        if card is None:
            self.findings.update({"created_at": _taken(created), "active": _taken(active)})
            return
        there = [_FIRST, _SECOND] if self.findings.get("segments") == "append" else [_SECOND]
        if told:
            self._find("batch_segments", _added(card.get("segments"), there, _THIRD))
        last = _object(card.get("active")).get("last")
        self.findings["created_at"] = _taken(created, shown=card.get("created_at") == _MOMENT)
        self.findings["active"] = _taken(active, shown=last == _MOMENT)

    def _batch_segments(self) -> Generator[Call, Reply, bool]:
        if "batch_data" not in self.findings:
            return False
        return (yield self._batch(_BATCH_SEGMENTS, [self._who], {"segments": [_THIRD]})).ok

    def _refusals(self) -> Asking:
        reply = yield self._call("PATCH", _PROFILE, {"person": {"geolocation": {"country": "Nowhere"}}})
        self.findings["wrong_country_answer"] = _words(reply)
        reply = yield self._call("PATCH", _DATA, {"data": {"not a key!": "1"}})
        self.findings["wrong_key_answer"] = _words(reply)

    def _data_with(self, keys: Collection[str]) -> Generator[Call, Reply, Found | None]:
        """Custom data, when it shows all these keys."""
        held = yield from self._read(_DATA, lambda found: set(keys) <= _object(found.get("data")).keys())
        return None if held is None else _object(held.get("data"))

    def _read(self, path: str, fresh: Callable[[Found], bool]) -> Generator[Call, Reply, Found | None]:
        """What Crisp has by now; None when it does not show the last write. One read of all is made again for that."""
        while True:
            reply = yield self._call("GET", path, query={"probe": next(self._reads)})
            found = _object(reply.data) if reply.ok else {}
            if fresh(found):
                return found
            if not self._again:
                return None
            self._again = 0

    def _batch(self, path: str, people: Sequence[str], told: Found) -> Call:
        return Call("PATCH", path, body={"people": {"profiles": list(people)}, **told}, routes=REFUSED)

    def _call(self, method: str, path: str, body: Found | None = None, **more: Any) -> Call:
        return Call(method, path, self._who, body, **{"routes": _WRONG, **more})

    def _find(self, name: str, found: str | None) -> None:
        if found is not None:
            self.findings[name] = found


def _added(listed: Any, before: Sequence[str], added: str) -> str | None:
    """Whether a list was appended to or replaced; None when it shows neither."""
    there = set(_list(listed))
    if added not in there:
        return None
    return "append" if set(before) <= there else "replace"


def _merged(found: Any, kept: tuple[str, str], written: tuple[str, str]) -> str | None:
    """Whether an object keeps what is not written; None when it does not even show what is."""
    shown = _object(found)
    if shown.get(written[0]) != written[1]:
        return None
    return "merge" if shown.get(kept[0]) == kept[1] else "replace"


def _taken(reply: Reply, *, shown: bool | None = None) -> str:
    if not reply.ok:
        return "refused"
    return "not known" if shown is None else "taken" if shown else "ignored"


def _words(reply: Reply) -> str:
    """Status and words of an answer; these are about the throw-away contact."""
    return f"{reply.status} {reply.reason}".rstrip()


def _people_id(reply: Reply) -> str | None:
    found = _object(reply.data).get("people_id")
    return found if isinstance(found, str) else None


def _nickname(card: Found) -> Any:
    return _object(card.get("person")).get("nickname")


def _object(value: Any) -> Found:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
