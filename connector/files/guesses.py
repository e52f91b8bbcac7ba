"""What a column may be when its name does not say so: proposed with its reason, never applied by itself."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain

from connector.declared import Manifest
from connector.files.looks import Seen
from connector.files.meanings import File, Verdict, field_of, forms, suggested
from connector.files.words import ABOUT_SOMETHING_ELSE, EVERYWHERE
from connector.names import normalise
from connector.saying import say

# Names that mean no field for certain, and this one perhaps.
_PERHAPS = {"county": "region", "comte": "region", "username": "nickname"}
_BY_KIND = {
    "email": ("email", say("The values look like email addresses")),
    "phone": ("phone", say("The values look like phone numbers")),
    "url": ("website", say("The values look like web addresses")),
}
_KINDS_OF_TYPE = {
    "email": ("email",),
    "phone": ("phone", "number"),
    "url": ("url",),
    "datetime": ("date", "number"),
    "country": ("text",),
}
_OTHER_KINDS = ("text", "list", "number", "boolean")
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|webp)(?:\?|$)", re.IGNORECASE)
_PROFILE = re.compile(r"(?:linkedin|facebook|twitter|instagram|x|github)\.com/", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
# Another column of these is worth having; of everything else one is enough.
_SEVERAL = frozenset({"email", "phone", "segments"})
_SHORTEST, _MOST_WORDS = 5, 8


def guess(column: Seen, file: File) -> Verdict | None:
    """A proposal by the values, else by the name; None where nothing is likely."""
    if any(form in file.manifest.names.never for form, _ in forms(column.base)):
        perhaps = _PERHAPS.get(normalise(column.base))
        return suggested(perhaps, say("It may be this, but most often it is something else")) if perhaps else None
    found = _by_values(column, file) or _by_name(column, file)
    fed = set(file.plain.values()) - _SEVERAL
    return None if found and found.suggestion in fed else found


def _by_values(column: Seen, file: File) -> Verdict | None:
    field, reason = _BY_KIND.get(column.kind, ("", ""))
    if column.kind == "url" and any(_PROFILE.search(value) for value in column.texts):
        return None
    if column.kind == "url" and all(_PICTURE.search(value) for value in column.texts):
        field, reason = "avatar", say("The values look like addresses of pictures")
    return suggested(field, reason) if field in file.manifest.fields else None


def _by_name(column: Seen, file: File) -> Verdict | None:
    words = [normalise(word) for word in _WORD.findall(_HUMP.sub(" ", column.base))][:_MOST_WORDS]
    if not ABOUT_SOMETHING_ELSE.isdisjoint(words):
        return None
    for field, nearly in _near(words, file.manifest):
        label, kind = file.manifest.fields[field].label, file.manifest.fields[field].type
        if column.kind in ("empty", *_KINDS_OF_TYPE.get(kind, _OTHER_KINDS)):
            return suggested(field, _like(say(label), nearly=nearly))
    return None


def _like(label: str, *, nearly: bool) -> str:
    if nearly:
        return say("Its name is nearly a name of {label}", label=label)
    return say("Its name has in it a name of {label}", label=label)


def _near(words: list[str], manifest: Manifest) -> Iterator[tuple[str, bool]]:
    """(field, nearly): names that begin or end with an alias, then names that are one slip of the pen away from one."""
    for length in range(len(words) - 1, 0, -1):
        for form in ("".join(words[:length]), "".join(words[-length:])):
            if (
                form not in EVERYWHERE
                and form not in manifest.names.never
                and (field := field_of(form, False, manifest))
            ):
                yield field, False
    name = "".join(words)
    slips = _slips(manifest)
    if _SHORTEST <= len(name) <= _longest(manifest) + 1:
        yield from ((slips[form], True) for form in chain((name,), _shortened(name)) if form in slips)


@lru_cache(maxsize=8)
def _slips(manifest: Manifest) -> Mapping[str, str]:
    """Every alias and what is left of it without one letter → field. Two names that meet here are one letter apart:
    one more, one less, another one, or two that changed places."""
    slips: dict[str, str] = {}
    for alias, field in manifest.names.exact.items():
        if len(alias) >= _SHORTEST:
            for form in (alias, *_shortened(alias)):
                slips.setdefault(form, field)
    return slips


@lru_cache(maxsize=8)
def _longest(manifest: Manifest) -> int:
    """Letters of the longest alias: a header may have very many more."""
    return max(map(len, manifest.names.exact))


def _shortened(name: str) -> Iterator[str]:
    return (name[:place] + name[place + 1 :] for place in range(len(name)))
