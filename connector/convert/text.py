"""Text and small closed sets: names, one-line addresses, gender, language."""

import re
import unicodedata

from connector.convert.given import Given

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff\u00ad"))
# Joiners have a meaning between letters (Persian, Hindi, 👩‍💻), none at the ends.
_ENDS = "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + "\u200c\u200d"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BREAKS = re.compile(r"\s*[\r\n]+\s*")
_PLACEHOLDER = re.compile(r"=?\{\{.*\}\}", re.DOTALL)
# What automation tools write where there was nothing.
_NOTHING = frozenset({"", "null", "undefined", "N/A", "n/a", "-", "[object Object]", "NaN"})

_GENDERS = {
    "male": "m male man homme masculin mann mannlich hombre masculino uomo maschio homem man mannelijk",
    "female": "f w female woman femme feminin frau weiblich mujer femenino donna femmina mulher vrouw vrouwelijk",
    "other": "other autre divers otro altro outro anders x nonbinary",
}
_GENDER_OF = {word: gender for gender, words in _GENDERS.items() for word in words.split()}
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_].*)?")


def clean(value: str) -> str:
    """Trimmed of white space, no-break and zero-width characters, without control characters."""
    if value.isprintable():  # so it has none of them but blanks
        return value.strip()
    return _CONTROL.sub("", value).translate(_INVISIBLE).strip(_ENDS)


def is_placeholder(value: str) -> bool:
    """Whether this is a template that the sender's tool forgot to fill, such as `{{1.email}}` or `={{ $json.x }}`."""
    return value[-2:] == "}}" and _PLACEHOLDER.fullmatch(value) is not None


def said(value: str) -> str:
    """What a text says, clean; "" where it stands for no value: blanks, `null`, `undefined`, `N/A`, `-`."""
    written = value.strip() if value.isprintable() else clean(value)  # nearly always without a call
    return "" if written in _NOTHING else written


def text(value: str | float | bool, given: Given) -> str:
    """Any scalar as text; a whole number loses its `.0`, a boolean becomes `true` or `false`."""
    del given
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).removesuffix(".0")


def address(value: str | float | bool, given: Given) -> str:
    """A ready-made address in one line: line breaks become `, `."""
    written = text(value, given)
    return written if written.isprintable() else _LINE_BREAKS.sub(", ", written)


def gender(value: str | float | bool, given: Given) -> str | None:
    """Crisp's male, female or other, from words in seven languages or schema.org's `https://schema.org/Male`."""
    del given
    if not isinstance(value, str):
        return None
    word = value.rsplit("/", 1)[-1]
    if (found := _GENDER_OF.get(word)) is not None:  # nearly always
        return found
    plain = unicodedata.normalize("NFKD", word).casefold()
    return _GENDER_OF.get("".join(char for char in plain if char.isalnum()))


def locale(value: str | float | bool, given: Given) -> str | None:
    """The primary language subtag in lower case: `fr-FR` → `fr` (RFC 5646)."""
    del given
    match = _LOCALE.fullmatch(clean(value)) if isinstance(value, str) else None
    return match[1].lower() if match else None
