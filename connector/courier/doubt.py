"""Doubt: what is still known of a person when a call may have been applied whose answer was never seen. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from connector.contact import Contact, news
from connector.crisp.calls import Seen

# No contact says the empty text, so that it differs from everything that is to be told.
_DOUBTFUL = ""


def doubted(seen: Seen, said: Iterable[Contact], told: Contact) -> Seen:
    """What is known before `told` goes out, when any of `said` may have been applied.

    What was said and differs is doubtful: Crisp has the one value or the other. If it is told now, it must be told
    even where it is what was known before; if not, it is not known any more.
    """
    fields, data = _differing(seen, said)
    left = _without(seen, fields - told.fields.keys(), data - told.data.keys())
    marked = Contact(
        {**left.known.fields, **dict.fromkeys(fields & told.fields.keys(), _DOUBTFUL)},
        left.known.segments,
        {**left.known.data, **dict.fromkeys(data & told.data.keys(), _DOUBTFUL)},
    )
    return replace(left, known=marked)


def certain(seen: Seen, untold: Contact) -> Seen:
    """What is known for certain, when `untold` may have been applied or not."""
    fields, data = _differing(seen, [untold])
    fields |= {key for key, value in seen.known.fields.items() if value == _DOUBTFUL}
    data |= {key for key, value in seen.known.data.items() if value == _DOUBTFUL}
    return _without(seen, fields, data)


def _differing(seen: Seen, said: Iterable[Contact]) -> tuple[set[str], set[str]]:
    fields, data = set[str](), set[str]()
    for each in said:
        new = news(each, seen.known, complete=False)
        fields.update(new.fields.keys() - {"email"})
        data.update(new.data)
    return fields, data


def _without(seen: Seen, fields: set[str], data: set[str]) -> Seen:
    if not (fields or data):
        return seen
    known = Contact(
        {key: value for key, value in seen.known.fields.items() if key not in fields},
        seen.known.segments,
        {key: value for key, value in seen.known.data.items() if key not in data},
    )
    return replace(seen, known=known, complete=False)
