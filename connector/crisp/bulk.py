"""The cheapest calls for many contacts: what many are to be told alike goes out in one batch. Pure.

What a contact is to be told is taken apart into pieces: a custom data key with its value, or a segment. A piece that
many share may cost one call for all of them; whoever has a piece that is too rare is told everything by one call alone.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar

from connector.contact import Contact
from connector.crisp.calls import Call, How
from connector.crisp.cut import worth

# ("data", key, type, value) or ("segments", name).
Piece = tuple[Any, ...]
Pieces = frozenset[Piece]
T = TypeVar("T")

_DATA, _SEGMENTS = "data", "segments"
_PROFILE_PATH, _DATA_PATH = "people/profile/{who}", "people/data/{who}"
# Contacts that are planned together at most: enough for whole batches, little memory.
MOST_TOGETHER = 2_000
# What refuses a batch refuses it alone: the same is then told one by one.
REFUSED = frozenset({400, 402, 403, 404, 405, 409, 413, 414, 415, 422})


@dataclass(frozen=True, slots=True)
class Group:
    """The pieces that the members, by their places in the list that was given, are told by one call."""

    pieces: tuple[Piece, ...]
    members: tuple[int, ...]


def pieces_of(call: Call, how: How) -> tuple[Piece, ...]:
    """What a call says that a batch may say in its place, piece by piece; none when it must go out by itself.

    Only what adds: custom data without removals, and segments where both ways of telling append.
    """
    told = call.tells or Contact()
    if call.method != "PATCH" or told.fields or not call.body:
        return ()
    if call.path == _DATA_PATH and how.batch_data == "merge" and None not in told.data.values():
        # 1, 1.0 and true are one to Python and three values to Crisp.
        return tuple((_DATA, key, type(value).__name__, value) for key, value in told.data.items())
    appends = how.segments == "append" and how.batch_segments == "append"
    if call.path == _PROFILE_PATH and appends and set(call.body) == {_SEGMENTS}:
        return tuple((_SEGMENTS, name) for name in call.body[_SEGMENTS])
    return ()


def batch(pieces: Iterable[Piece], people_ids: Sequence[str]) -> Call:
    """The call that tells all these people the same pieces, which are of one kind."""
    said = _said(pieces)
    body = {_DATA: dict(said.data)} if said.data else {_SEGMENTS: list(said.segments)}
    kind, changes = next(iter(body)), tuple(said.said())
    told = {"people": {"profiles": list(people_ids)}, **body}
    return Call("PATCH", f"batch/{kind}", body=told, tells=said, makes="updated", changes=changes, routes=REFUSED)


def _said(pieces: Iterable[Piece]) -> Contact:
    pieces = list(pieces)
    data = {piece[1]: piece[3] for piece in pieces if piece[0] == _DATA}
    return Contact(segments=tuple(piece[1] for piece in pieces if piece[0] == _SEGMENTS), data=data)


def saved(calls: Iterable[Call], how: How) -> int:
    """How many of these calls batches save, when nothing else makes contacts go out sooner or alone."""
    told = [pieces for call in calls if (pieces := pieces_of(call, how))]
    return sum(len(part) - len(grouped(part, how.batch_size)) for part in _chunks(told, MOST_TOGETHER))


def grouped(told: Sequence[Collection[Piece]], largest: int) -> list[Group]:
    """The calls that tell everybody everything, each piece once: as few as are found, never more than contacts.

    Compared are: one call for each contact, one for all contacts that are to be told wholly the same, and one for each
    piece; in chunks of at most `largest` contacts.
    """
    order = dict(zip((piece for each in told for piece in each), count(), strict=False))
    alike: dict[Pieces, list[int]] = {}
    for member, pieces in enumerate(told):
        alike.setdefault(frozenset(pieces), []).append(member)
    alike.pop(frozenset(), None)
    taken_apart = _taken_apart(alike, largest)
    whole = [(pieces, members) for pieces, members in alike.items() if pieces not in taken_apart]
    shared = _by_piece({pieces: alike[pieces] for pieces in taken_apart})
    return [
        Group(tuple(sorted(pieces, key=order.__getitem__)), tuple(chunk))
        for pieces, members in (*whole, *shared)
        for chunk in _chunks(members, largest)
    ]


def _taken_apart(alike: dict[Pieces, list[int]], largest: int) -> set[Pieces]:
    """The sets of pieces that cost less when each piece is told by a call of its own, with all others who need it."""
    kept = _sharing(alike)
    sizes = [len(alike[pieces]) for pieces in kept]
    needs: list[list[int]] = [[] for _ in kept]
    prices = []
    for tool, (_, users) in enumerate(_together(kept)):
        prices.append(_calls(sum(sizes[user] for user in users), largest))
        for user in users:
            needs[user].append(tool)
    return {kept[index] for index in worth([_calls(size, largest) for size in sizes], needs, prices)}


def _sharing(alike: Iterable[Pieces]) -> list[Pieces]:
    """Without the sets that have a piece which no other has: a call for that piece alone saves nothing."""
    kept = list(alike)
    while True:
        used = Counter(piece for pieces in kept for piece in pieces)
        fewer = [pieces for pieces in kept if all(used[piece] > 1 for piece in pieces)]
        if len(fewer) == len(kept):
            return kept
        kept = fewer


def _together(sets: Sequence[Pieces]) -> list[tuple[Pieces, tuple[int, ...]]]:
    """Pieces that occur in the same sets belong together, for one call tells them all: those, and the sets' places."""
    where: dict[Piece, list[int]] = {}
    for place, pieces in enumerate(sets):
        for piece in pieces:
            where.setdefault(piece, []).append(place)
    together: dict[tuple[int, ...], list[Piece]] = {}
    for piece, places in where.items():
        together.setdefault(tuple(places), []).append(piece)
    return [(frozenset(pieces), places) for places, pieces in together.items()]


def _by_piece(alike: Mapping[Pieces, Sequence[int]]) -> Iterator[tuple[Pieces, list[int]]]:
    """Each piece, or pieces that belong together, with everybody who needs it."""
    members = list(alike.values())
    for pieces, places in _together(list(alike)):
        yield pieces, sorted(member for place in places for member in members[place])


def _calls(people: int, largest: int) -> int:
    return -(-people // largest)


def _chunks(items: Sequence[T], largest: int) -> Iterator[Sequence[T]]:
    return (items[start : start + largest] for start in range(0, len(items), largest))
