"""Plans: the fewest calls that make Crisp say what a contact says. Generators without I/O.

A plan never searches first: it writes by key and reads 404 and 409 as routing. New person: profile, then data.
Known person: one PATCH per changed resource. Person whom only Crisp knows: create answered 409, a read that tells
the person's other name and what is there, profile, data.
"""

from collections.abc import Generator, Mapping
from typing import Any

from connector.contact import Contact, named, news
from connector.crisp.calls import Call, How, Mode, Outcome, Plan, Reply, Seen
from connector.crisp.card import card_of, groups_of, with_groups, writable
from connector.manifest import Field

_ROUNDS = 3
# Crisp's and our clock may differ by this much (milliseconds) when a creation is recognised as our own.
_SKEW = 60_000

_PROFILE = "people/profile/{who}"
_DATA = "people/data/{who}"
# Crisp REST reference: the reason of 404 for a person.
_NOBODY = "people_not_found"
_NO_CONVERSATION = ("conversation_not_found", "session_not_found")
_ONLY_DATA_REFUSED = frozenset({400, 404})


def created_since(reply: Reply, unsure_since: int | None) -> bool:
    """Whether the person that was read is the one whose creation was not answered."""
    made_at = reply.data.get("created_at") if reply.ok and isinstance(reply.data, dict) else None
    return isinstance(made_at, int | float) and made_at >= (unsure_since or 0) - _SKEW


def _whether_missing(reply: Reply) -> Generator[Call, Reply, None]:
    """After 404 for a person. Crisp's own word for that is documented; with any other it may be the website that is
    not there. Then a call that is of the website alone shows it by its status, and a website that is missing halts."""
    if reply.reason.split(":")[0] != _NOBODY:
        yield _of_the_website()


def _of_the_website() -> Call:
    return Call("GET", "people/profiles/1", routes=frozenset())


class _Gone(Exception):
    """Crisp no longer has the person: begin again as with a new one."""


def upsert(
    contact: Contact,
    who: str,
    seen: Seen,
    *,
    mode: Mode,
    how: How,
    fields: Mapping[str, Field],
    created: bool = False,
) -> Plan:
    """Creates or updates one contact. `who` is the email or people_id that the caller named; `created`: an earlier
    attempt of this plan already created the person.

    Returns `updated` after any write and `unchanged` without one; that a call created the person is told by
    `Call.makes`. Rejected: `contact_exists`, `contact_missing`, `email_taken`.
    """
    writer = _Writer(writable(named(contact), fields), who, mode, how, fields)
    writer.created = created
    for _ in range(_ROUNDS):
        try:
            return (yield from writer.write(seen))
        except _Gone:
            writer.who, seen = str(writer.told.email), Seen()
    return Outcome("waiting", "crisp_unsettled")


class _Writer:
    """One upsert: what is to be said to whom, and how."""

    def __init__(self, told: Contact, who: str, mode: Mode, how: How, fields: Mapping[str, Field]) -> None:
        self.told, self.who, self.mode, self.how, self.fields = told, who, mode, how, fields
        self.created = False

    def write(self, seen: Seen) -> Plan:
        if seen.unsure_since is not None and not seen.exists:
            seen = yield from self._look(seen)
        if not seen.exists or (self.mode == "create" and not self.created):
            introduced = yield from self._introduce(seen)
            if isinstance(introduced, Outcome):
                return introduced
            seen = introduced
        met = yield from self._meet(seen)
        if isinstance(met, Outcome):
            return met
        change = news(self.told, met.known, complete=met.complete)
        wrote = yield from self._profile(change, met)
        if isinstance(wrote, Outcome):
            return wrote
        stored = yield from self._data(change, met)
        if isinstance(stored, Outcome):
            return stored
        return Outcome("updated" if wrote or stored or self.created else "unchanged")

    def _look(self, seen: Seen) -> Generator[Call, Reply, Seen]:
        """Reads the person after a create whose answer was lost: was it done, and was it ours?"""
        who = self.who if self.mode == "update" else self.told.email or self.who
        call = self._call("GET", _PROFILE, who)
        reply = yield call
        if reply.status == 404:
            return Seen()
        self.created = created_since(reply, seen.unsure_since)
        return self._seen(seen, call, reply)

    def _introduce(self, seen: Seen) -> Generator[Call, Reply, Seen | Outcome]:
        """Creates the person, or finds out that Crisp has it. Who is named by people_id was in Crisp already."""
        if self.mode == "update" or self.told.email is None or (self.mode == "upsert" and "@" not in self.who):
            return Seen(exists=True)
        call = self._creation()
        reply = yield call
        if reply.ok:
            self.created = True
            return self._seen(seen, call, reply)
        if self.mode == "create":
            return Outcome("rejected", "contact_exists", reply.reason)
        return Seen(exists=True)

    def _meet(self, seen: Seen) -> Generator[Call, Reply, Seen | Outcome]:
        """Reads a person who is not wholly known, before adding to what is there, and to learn both names."""
        change = news(self.told, seen.known, complete=seen.complete)
        named = seen.people_id is not None and seen.known.email is not None
        if seen.complete or (named and not self._must_read(change)):
            return seen
        call = self._call("GET", _PROFILE, self._person(seen))
        reply = yield call
        if reply.status == 404:
            return (yield from self._missing(reply))
        return self._seen(seen, call, reply)

    def _must_read(self, change: Contact) -> bool:
        """Whether writing blindly could lose segments or the rest of a sub-object."""
        loses_segments = bool(change.segments) and self.how.segments == "replace"
        return loses_segments or (self.how.nested == "replace" and bool(groups_of(change, self.fields)))

    def _creation(self) -> Call:
        """POST profile. Crisp asks for a name; without one it is the address's local part, as in Crisp's import."""
        email = str(self.told.email)
        fields = {"nickname": email.split("@", 1)[0], **self.told.fields}
        said = Contact({key: value for key, value in fields.items() if value is not None}, self.told.segments)
        # What is to be removed cannot be there: remembered, so that saying so again is no news.
        tells = said._replace(data={key: None for key, value in self.told.data.items() if value is None})
        card, changes = card_of(said, self.fields), tuple(said.said())
        return Call("POST", "people/profile", self.who, card, None, tells, "created", changes, frozenset({409}))

    def _profile(self, change: Contact, seen: Seen) -> Generator[Call, Reply, bool | Outcome]:
        """PATCH profile, when something in it is news."""
        said = Contact({key: value for key, value in change.fields.items() if (key, value) != ("email", self.who)})
        if not said.fields and not change.segments:
            return False
        if self.how.nested == "replace":
            said = with_groups(said, seen.known, self.fields)
        united = tuple(dict.fromkeys((*seen.known.segments, *change.segments))) if change.segments else ()
        sent = change.segments if self.how.segments == "append" else united
        body = card_of(Contact(said.fields, sent), self.fields)
        renamed = ("email",) if said.email else ()
        changes = (*renamed, *Contact(change.fields, change.segments).said())
        tells = Contact(said.fields, united)
        call = self._call("PATCH", _PROFILE, self._person(seen), body, tells=tells, changes=changes)
        reply = yield call
        if reply.status == 409:
            return Outcome("rejected", "email_taken", reply.reason)
        if not reply.ok:
            return (yield from self._missing(reply))
        self.who = said.email or self.who
        return True

    def _data(self, change: Contact, seen: Seen) -> Generator[Call, Reply, bool | Outcome]:
        """PATCH data, when a key is new, changed or removed."""
        data = change.data
        if not data:
            return False
        removed = "" if self.how.removal == "empty" else None
        sent = {key: removed if value is None else value for key, value in data.items()}
        removes = None in data.values()
        if removes and self.how.removal == "put":
            return (yield from self._replace_data(data, seen))
        routes = _ONLY_DATA_REFUSED if removes else frozenset({404})
        tells = Contact(data=data)
        told = {"tells": tells, "changes": tuple(tells.said())}
        reply = yield self._call("PATCH", _DATA, self._person(seen), {"data": sent}, routes=routes, **told)
        if reply.status == 400:
            return (yield from self._replace_data(data, seen))
        return True if reply.ok else (yield from self._missing(reply))

    def _replace_data(self, data: Mapping[str, Any], seen: Seen) -> Generator[Call, Reply, bool | Outcome]:
        """Where PATCH cannot remove a key: read all keys and PUT those that stay."""
        reply = yield self._call("GET", _DATA, self._person(seen))
        if not reply.ok:
            return (yield from self._missing(reply))
        there = reply.data.get("data") if isinstance(reply.data, dict) else None
        rest = {key: value for key, value in {**(there or {}), **data}.items() if value is not None}
        tells = Contact(data=dict(data))
        told = {"tells": tells, "changes": tuple(tells.said())}
        reply = yield self._call("PUT", _DATA, self._person(seen), {"data": rest}, **told)
        return True if reply.ok else (yield from self._missing(reply))

    def _person(self, seen: Seen) -> str:
        return seen.people_id or self.who

    def _missing(self, reply: Reply) -> Generator[Call, Reply, Outcome]:
        """404 on a person: an update has nobody to update, anything else begins again with a create, whose own 404
        shows a website that is missing."""
        if self.mode != "update" and self.told.email is not None:
            raise _Gone
        yield from _whether_missing(reply)
        return Outcome("rejected", "contact_missing", reply.reason)

    def _seen(self, seen: Seen, call: Call, reply: Reply) -> Seen:
        return seen.after(call, reply, self.fields)

    def _call(self, method: str, path: str, who: str, body: Mapping[str, Any] | None = None, **more: Any) -> Call:
        return Call(method, path, who, body, makes=None if method == "GET" else "updated", **more)


def read(who: str) -> Generator[Call, Reply, tuple[dict[str, Any], dict[str, Any]] | None]:
    """Profile card and custom data of a person, or None when Crisp has nobody of that name."""
    profile = yield Call("GET", _PROFILE, who)
    if not profile.ok:
        yield from _whether_missing(profile)
        return None
    data = yield Call("GET", _DATA, str(profile.data.get("people_id") or who))
    held = data.data.get("data") if data.ok and isinstance(data.data, dict) else None
    return profile.data, held if isinstance(held, dict) else {}


def profile(who: str) -> Generator[Call, Reply, dict[str, Any] | None]:
    """Profile card of a person, or None when Crisp has nobody of that name."""
    found = yield Call("GET", _PROFILE, who)
    if found.ok and isinstance(found.data, dict):
        return found.data
    yield from _whether_missing(found)
    return None


def conversation(session_id: str) -> Generator[Call, Reply, dict[str, Any] | None]:
    """What a conversation says of its visitor (`email`, `data`, `segments`, …), or None when there is none."""
    found = yield Call("GET", "conversation/{who}/meta", session_id)
    if found.ok and isinstance(found.data, dict):
        return found.data
    if found.reason.split(":")[0] not in _NO_CONVERSATION:
        yield _of_the_website()
    return None


def rtm(tier: str) -> Generator[Call, Reply, str | None]:
    """The address of Crisp's RTM, or None where this token may not listen (Crisp RTM reference)."""
    found = yield Call("GET", f"/{tier}/connect/endpoints", routes=frozenset({401, 403, 404}))
    socket = found.data.get("socket") if found.ok and isinstance(found.data, dict) else None
    address = socket.get("app") if isinstance(socket, dict) else None
    return address if isinstance(address, str) else None


def profiles(page: int) -> Generator[Call, Reply, list[dict[str, Any]]]:
    """One page of profile cards (from 1), those that changed last first; an empty one after the last."""
    order = {"sort_field": "updated_at", "sort_order": "descending"}
    found = yield Call("GET", f"people/profiles/{page}", query=order, routes=frozenset())
    listed = found.data if found.ok and isinstance(found.data, list) else []
    return [card for card in listed if isinstance(card, dict)]


def erase(who: str) -> Generator[Call, Reply, bool]:
    """Removes a person; False when Crisp had none."""
    reply = yield Call("DELETE", _PROFILE, who)
    if reply.status == 404:
        yield from _whether_missing(reply)
    return reply.ok


def check() -> Generator[Call, Reply, str | None]:
    """One call that shows whether a credential works: of the first contacts, whose scope everything here needs.

    Returns the moment of the answer, as the header `Date` has it.
    """
    return (yield _of_the_website()).date


# A form that cannot be filled is no reason to stop delivering.
_MAY_NOT_ASK = frozenset({402, 403, 404})


def suggestions(most_pages: int = 5) -> Generator[Call, Reply, tuple[list[str], list[str]]]:
    """Segments and custom data keys in use, the most used first; none where the token may not ask."""
    found: list[list[str]] = []
    for kind, key in (("segments", "segment"), ("data", "key")):
        listed: list[str] = []
        for page in range(1, most_pages + 1):
            reply = yield Call("GET", f"people/suggest/{kind}/{page}", routes=_MAY_NOT_ASK)
            given = reply.data if isinstance(reply.data, list) else ()
            rows = [row[key] for row in given if isinstance(row, dict) and isinstance(row.get(key), str)]
            if not set(rows) - set(listed):
                break
            listed.extend(row for row in rows if row not in listed)
        found.append(listed)
    return found[0], found[1]
