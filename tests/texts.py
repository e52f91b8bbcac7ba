"""The texts of the pages in other languages: `make texts` takes up what is new in templates and code, for somebody to
translate it in `connector/web/locale/*/LC_MESSAGES/messages.po`, and compiles it. A test says what is missing.
"""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from connector.web.declared import declared
from connector.web.words import LANGUAGES, LOCALE

CODE = LOCALE.parent.parent
_METHODS = [("web/templates/**.html", "jinja2"), ("**.py", "python")]
_FUNCTIONS = {"_": None, "plural": (1, 2), "ngettext": (1, 2), "say": None}
_OPTIONS = {"web/templates/**.html": {"encoding": "utf-8", "silent": "false", "newstyle_gettext": "true"}}


# What is taken up again and has not changed is the same file.
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def used() -> Catalog:
    """Every text that the pages have, in English."""
    catalog = Catalog()
    found = extract_from_dir(CODE, _METHODS, _OPTIONS, _FUNCTIONS)
    for file, _line, message, _comments, _context in sorted(found, key=lambda each: each[:2]):
        catalog.add(message, locations=[(file, 0)])
    for message in declared():
        catalog.add(message)
    return catalog


def place(language: str) -> Path:
    """The texts in this language."""
    return LOCALE / language / "LC_MESSAGES" / "messages.po"


def known(language: str) -> Catalog:
    """The texts in this language as they are kept."""
    with place(language).open("rb") as file:
        return read_po(file, locale=language)


def written(catalog: Catalog) -> bytes:
    """The texts as the program reads them."""
    target = io.BytesIO()
    write_mo(target, catalog)
    return target.getvalue()


def missing(language: str) -> list[str]:
    """Texts that are used and not translated, or translated and not used any more."""
    kept = known(language)
    now = {message.id if isinstance(message.id, str) else message.id[0] for message in used() if message.id}
    done = {message.id if isinstance(message.id, str) else message.id[0] for message in kept if _whole(message)}
    return sorted(now ^ done)


def _whole(message: object) -> bool:
    told = getattr(message, "string", "")
    sure = bool(getattr(message, "id", "")) and not getattr(message, "fuzzy", False)
    return sure and (all(told) if isinstance(told, tuple | list) else bool(told))


def main() -> None:
    """Takes up, writes, compiles."""
    for language in LANGUAGES[1:]:
        catalog = known(language) if place(language).exists() else Catalog(locale=language)
        catalog.update(used(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.creation_date = _ANY_DAY
        place(language).parent.mkdir(parents=True, exist_ok=True)
        with place(language).open("wb") as file:
            write_po(file, catalog, width=100, no_location=True, omit_header=False, sort_output=True)
        place(language).with_suffix(".mo").write_bytes(written(known(language)))
        for text in missing(language):
            sys.stdout.write(f"{language}: {text}\n")


if __name__ == "__main__":
    main()
