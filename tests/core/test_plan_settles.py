"""Plans against a small Crisp of any behaviour: in the end it says what was told, at the price that is promised."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.contact import Contact, merge, named
from connector.crisp.calls import Call, How, Reply, Seen
from connector.crisp.card import contact_of
from connector.crisp.plan import upsert

from .planning import EMAIL, FIELDS

WHOLE = {"employment", "geolocation", "company"}
KEYS = ["nickname", "city", "region", "job_title", "role", "company_name", "company_city", "notepad", "locale"]
VALUES = st.sampled_from(["a", "b", "c"])
CONTACTS = st.builds(
    lambda fields, segments, data: Contact({"email": EMAIL, **fields}, tuple(segments), data),
    st.dictionaries(st.sampled_from(KEYS), VALUES | st.none(), max_size=5),
    st.lists(st.sampled_from("xyz"), max_size=2, unique=True),
    st.dictionaries(st.sampled_from(["plan", "seats"]), VALUES | st.none(), max_size=2),
)
BEHAVIOURS = st.builds(
    How,
    st.sampled_from(["replace", "append"]),
    st.sampled_from(["replace", "merge"]),
    st.sampled_from(["null", "empty", "put"]),
)


class Crisp:
    """One place for one person, with the behaviours that its reference leaves open."""

    def __init__(self, behaves: How) -> None:
        self.behaves = behaves
        self.card: dict[str, Any] | None = None
        self.data: dict[str, Any] = {}

    def answer(self, call: Call) -> Reply:
        body = dict(call.body or {})
        if call.method == "POST":
            return self._add(body)
        if self.card is None:
            return Reply(404, "people_not_found")
        if call.path.startswith("people/data/"):
            return self._data(call.method, body.get("data", {}))
        if call.method == "GET":
            return Reply(200, "resolved", {"people_id": "p-1", **self.card})
        before = self.card.get("segments", [])
        self._patch(self.card, body)
        if "segments" in body and self.behaves.segments == "append":
            self.card["segments"] = list(dict.fromkeys([*before, *body["segments"]]))
        return Reply(200, "updated", {})

    def _add(self, body: dict[str, Any]) -> Reply:
        if self.card is not None:
            return Reply(409, "people_exists")
        assert body["person"]["nickname"], "Crisp asks for a name"
        self.card = body
        return Reply(201, "added", {"people_id": "p-1"})

    def _patch(self, node: dict[str, Any], body: Mapping[str, Any]) -> None:
        for key, value in body.items():
            if isinstance(value, dict) and not (key in WHOLE and self.behaves.nested == "replace"):
                self._patch(node.setdefault(key, {}), value)
            else:
                node[key] = value

    def _data(self, method: str, data: dict[str, Any]) -> Reply:
        if method == "GET":
            return Reply(200, "resolved", {"data": dict(self.data)})
        removes = {"null": None, "empty": ""}.get(self.behaves.removal, self)
        if any(value in (None, "") and value is not removes for value in data.values()):
            return Reply(400, "invalid_data")
        whole = data if method == "PUT" else {**self.data, **data}
        self.data = {key: value for key, value in whole.items() if value is not removes}
        return Reply(200, "updated", {})

    def says(self) -> Contact:
        """What it holds, in our words."""
        return contact_of(self.card or {}, self.data, FIELDS)


def tell(crisp: Crisp, contact: Contact, seen: Seen, how: How) -> tuple[Seen, int]:
    """Carries a plan out; what is known afterwards, and the calls it took."""
    plan, calls = upsert(contact, EMAIL, seen, mode="upsert", how=how, fields=FIELDS), 0
    try:
        call = next(plan)
        while True:
            reply = crisp.answer(call)
            calls += 1
            seen = seen.after(call, reply, FIELDS)
            call = plan.send(reply)
    except StopIteration:
        return seen, calls


def held(contact: Contact) -> dict[str, Any]:
    """A contact without what it clears, segments without order."""
    flat = contact.flat()
    data = {key: value for key, value in flat.pop("data").items() if value is not None}
    kept = {key: value for key, value in flat.items() if value is not None}
    return {**kept, "segments": set(flat["segments"]), "data": data}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CONTACTS, st.booleans()), min_size=1, max_size=4), BEHAVIOURS, st.booleans())
def test_promise_9_crisp_says_what_was_told_and_nothing_more_was_paid(
    steps: list[tuple[Contact, bool]], behaves: How, probed: bool
) -> None:
    """`probed`: the plan knows how this Crisp behaves. Without it, it must lose nothing all the same."""
    crisp, seen, how = Crisp(behaves), Seen(), behaves if probed else How()
    expected = Contact({"nickname": EMAIL.split("@")[0]})
    for contact, remembered in steps:
        before = seen if remembered else Seen()
        new = crisp.card is None
        seen, calls = tell(crisp, contact, before, how)
        expected = merge(expected, named(contact))
        assert held(crisp.says()) == held(expected)
        # Where a key cannot be removed by itself, all keys are read and written instead.
        removal = 2 if None in contact.data.values() else 0
        assert calls <= (2 if new or before.complete else 3 if before.exists else 4) + removal


@given(CONTACTS, BEHAVIOURS)
def test_promise_9_the_same_again_costs_nothing(contact: Contact, behaves: How) -> None:
    crisp = Crisp(behaves)
    seen, _ = tell(crisp, contact, Seen(), behaves)
    assert tell(crisp, contact, seen, behaves)[1] == 0
