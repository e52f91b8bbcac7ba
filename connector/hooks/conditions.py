"""Conditions: which of the events of its kind a subscription is told. A small table, no language; without any I/O."""

import csv
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from connector.saying import say

# A condition: what it holds for. All that are given must hold; of a list, one is enough.
HELP: Mapping[str, str] = {
    "segment": "The contact is in this segment, or in one of these.",
    "data_key": "The contact has this custom data key, or one of these. Where the event itself brings data (those of a "
    "conversation), these data have it.",
    "changed": "This field changed, or one of these, such as city, segments or data.plan. data stands for every data "
    "key.",
}
# Where there is one box for all words of a condition.
SEVERAL = 'Several stand with commas between; one that has a comma itself, in quotation marks: vip, "Gold, EU".'
# Of `include_own`.
OWN = (
    "Also what came into Crisp by this connection. Leave it off where what is told is written back, or it goes round "
    "in circles."
)
_MOST, _LONGEST = 50, 200

Filter = Mapping[str, Sequence[str]]


class Unfit(ValueError):
    """A filter makes no sense. `wrong`: condition → sentence; an empty name stands for the whole filter."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(next(iter(wrong.values())))
        self.wrong = dict(wrong)


def read(given: Any, fields: Collection[str]) -> dict[str, list[str]]:
    """A filter in its one form, whichever way it was written: `{condition: [word, …]}`, the words in order.

    A text is one word, or several as in a row of CSV, for platforms have one box for them; in a list each stands for
    itself. `fields`: keys of contact fields that Crisp has. What is empty says nothing: platforms send an empty box so.
    Raises `Unfit`.
    """
    if given in (None, "", [], {}):
        return {}
    if not isinstance(given, Mapping):
        raise Unfit({"": say("The filter must be an object with any of {names}.", names=", ".join(HELP))})
    wrong, found = dict[str, str](), dict[str, list[str]]()
    for name in given:
        words, reason = _words(str(name), given[name], fields)
        if reason:
            wrong[str(name)[:_LONGEST]] = reason
        elif words:
            found[str(name)] = words
    if wrong:
        raise Unfit(wrong)
    return dict(sorted(found.items()))


def fits(wanted: Filter, payload: Mapping[str, Any]) -> bool:
    """Whether an event with this payload is one of those that are wanted."""
    return all(not _has(payload, name).isdisjoint(words) for name, words in wanted.items())


def _words(name: str, given: Any, fields: Collection[str]) -> tuple[list[str], str | None]:
    """The words of one condition, and what is wrong with them."""
    if name not in HELP:
        return [], say("There is no such condition. Use {names}.", names=", ".join(HELP))
    words = _of_text(given) if isinstance(given, str) and len(given) <= _LONGEST * _MOST else given or []
    if not (isinstance(words, list) and all(isinstance(word, str) and len(word) <= _LONGEST for word in words)):
        return [], say("Must be a text of at most {count} characters, or a list of such.", count=_LONGEST)
    kept = sorted({word.strip() for word in words} - {""})
    if len(kept) > _MOST:
        return [], say(
            "At most {count} are looked for at once. Subscribe without this condition, or twice.", count=_MOST
        )
    strange = [word for word in kept if name == "changed" and not _is_field(word, fields)]
    return kept, say(
        "Crisp has no such contact field: it never changes. GET /v1/fields?choices=changed lists what does."
    ) if strange else None


def _of_text(given: str) -> list[str]:
    return [word for row in csv.reader(given.splitlines(), skipinitialspace=True) for word in row]


def _is_field(word: str, fields: Collection[str]) -> bool:
    return word in fields or word == "data" or (word.startswith("data.") and word != "data.")


def _has(payload: Mapping[str, Any], name: str) -> set[str]:
    """What an event has of that which a condition asks for."""
    contact = payload.get("contact") or {}
    if name == "segment":
        return set(contact.get("segments") or ())
    if name == "data_key":
        return set(payload.get("data") or contact.get("data") or ())
    changed = {str(key) for key in payload.get("changed") or ()}
    return changed | ({"data"} if any(key.startswith("data.") for key in changed) else set())
