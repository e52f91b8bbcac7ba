"""Encodings: which one a text is in, found out from all of its bytes, with a reason that can be shown."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper

import charset_normalizer

from connector.errors import Detail, Problem
from connector.files.content import Content
from connector.files.kinds import utf16_of
from connector.files.survey import Survey, surveyed
from connector.saying import say

_HEAD = 4_096
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WESTERN = "cp1252"
# Python has these among its encodings, but no file is in them.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7", "undefined", "mbcs", "oem"}
# What is asked for when Windows-1252 does not fit: what Windows and old Macs write, not the near twins of that.
_OTHERS = [
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "cp1257",
    "koi8_r",
    "mac_roman",
    "cp850",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
]
_SAMPLE = 65_536
# In a western text, letters with accents stand between letters without; three of them in a row, a sign inside a word,
# or a capital that only ends one, are bytes of another code page.
_LETTER = r"[^\W\d_]"
_FOREIGN = re.compile(
    r"[À-ÖØ-öø-ÿ]{3,}"
    rf"|(?<={_LETTER})[¡-©«-´¶¸-¹»-¿×÷ˆ‰‡†‚„ƒ…•™¤]+(?={_LETTER})"
    r"|(?<![^\W_])[£¥¯¦¼³¹][a-zà-ÿ]|[a-z][ŽŸŠŒ](?![A-Z])"
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_FOREIGN_SHARE = 0.1
# So few letters tell nothing: anything can be read into them.
_TOO_FEW = 12


@dataclass(frozen=True, slots=True)
class Encoding:
    """`codec`: Python's name for it. `mixed`: single cells are not in it, and are read as Windows-1252."""

    codec: str
    reason: str
    survey: Survey
    bom: bytes = b""
    mixed: bool = False

    def lines(self, content: Content) -> TextIOWrapper:
        """The physical lines of the text, each with its line end; nothing is dropped, whatever the bytes are."""
        reader = content.open()
        reader.seek(len(self.bom))
        errors = "surrogateescape" if self.mixed else "replace" if self.codec.startswith("utf-") else _AS_LATIN
        return TextIOWrapper(reader, self.codec, errors=errors, newline="")


def encoding_of(content: Content, chosen: str | None = None) -> Encoding:
    """The encoding of a text. Raises `Problem` for a chosen one that does not exist, and as `surveyed` does."""
    head = content.head(_HEAD)
    bom, codec = next(((bom, codec) for bom, codec in _BOMS if head.startswith(bom)), (b"", utf16_of(head)))
    reason = say("the file begins with a byte order mark") if bom else say("every other byte is zero")
    if chosen is not None:
        codec, reason = _known(chosen, codec), say("you chose it")
    survey = surveyed(content.chunks() if codec in (None, "utf-8") else _as_utf8(content, codec))
    if codec is None and survey.utf8:
        reason = say("every byte is ASCII") if survey.ascii else say("every byte is valid UTF-8")
        return Encoding("utf-8", reason, survey)
    if codec in (None, "utf-8") and not survey.utf8:
        return _not_all_utf8(content, survey, bom, reason if codec else None)
    return Encoding(codec or "utf-8", reason, survey, bom)


def _known(name: str, found_out: str | None) -> str:
    """Python's name for an encoding. UTF-16 alone is the one that was found out, if it is one."""
    try:
        found = codecs.lookup(name.strip())
        is_text = found.name not in _NO_CHARSETS and bool("a,;\t|\n".encode(found.name))
    except (LookupError, ValueError, UnicodeError):
        is_text = False
    if not is_text:
        told = say("no such encoding is known here. Say utf-8, utf-16 or cp1252, or leave it out.")
        raise Problem("parameter_invalid", errors=[Detail(told, "invalid", "encoding")])
    if found.name == "utf-16":
        return found_out if found_out and found_out.startswith(found.name) else "utf-16-le"
    return found.name.removesuffix("-sig")


def _as_utf8(content: Content, codec: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for chunk in content.chunks():
        yield decoder.decode(chunk).encode("utf-8", "replace")


def _not_all_utf8(content: Content, survey: Survey, bom: bytes, told: str | None) -> Encoding:
    """UTF-8 with single lines that are not, when most lines with accents are; else the code page that fits."""
    good, bad, sample = 0, 0, bytearray()
    for line in _physical_lines(content.chunks()):
        if not line.isascii():
            fits = _is_utf8(line)
            good, bad = good + fits, bad + (not fits)
            if len(sample) < _SAMPLE:
                sample += line[:_HEAD] + b"\n"
    if told or good >= bad:
        reason = told or say("most lines are valid UTF-8")
        one, many = (
            say("{reason}; a line is not", reason=reason),
            say("{reason}; {count} lines are not", reason=reason, count=bad),
        )
        return Encoding("utf-8", one if bad == 1 else many, survey, bom, mixed=True)
    codec, reason = code_page_of(bytes(sample))
    return Encoding(codec, say("not valid UTF-8; {reason}", reason=reason), survey)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _physical_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = re.split(rb"[\r\n]", rest + chunk)
        yield from lines
    yield rest


def code_page_of(sample: bytes) -> tuple[str, str]:
    """The code page of lines that are not UTF-8, and why: Windows-1252 wherever it makes words, for nearly all such
    files are in it; another one only where it does not and a second opinion has one."""
    if _makes_words(sample):
        return _WESTERN, say("its letters and signs make words in Windows-1252")
    best = charset_normalizer.from_bytes(sample, cp_isolation=_OTHERS).best()
    if best is None:
        return _WESTERN, say("no other encoding fits better than Windows-1252")
    return best.encoding, say("its letters make words in it, and none in Windows-1252")


def _makes_words(sample: bytes) -> bool:
    """Whether these bytes, read as Windows-1252, look like a text of western Europe."""
    text = sample.decode(_WESTERN, _AS_LATIN)
    foreign = sum(len(_NOT_ASCII.findall(found)) for found in _FOREIGN.findall(text))
    foreign += sum(text.count(char) for char in "\x81\x8d\x8f\x90\x9d")
    letters = len(_NOT_ASCII.findall(text))
    return letters < _TOO_FEW or foreign <= letters * _FOREIGN_SHARE


def as_western(cell: str) -> str:
    """A cell of a mixed text that is not UTF-8, from its bytes as Windows-1252."""
    return cell.encode("utf-8", "surrogateescape").decode(_WESTERN, _AS_LATIN)


def is_foreign(cell: str) -> bool:
    """Whether bytes of this cell of a mixed text are not UTF-8."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        return True
    return False


def _byte_for_byte(problem: UnicodeError) -> tuple[str, int]:
    """A byte that the code page leaves undefined is the character of the same number."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    return problem.object[problem.start : problem.end].decode("latin-1"), problem.end


_AS_LATIN = "crisp-connector-latin"
codecs.register_error(_AS_LATIN, _byte_for_byte)
