"""Files of contacts as people have them: made up, the same in every run, of any length."""

import csv
import random
import zipfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from string import ascii_uppercase
from xml.sax.saxutils import escape

COLUMNS = (
    "Email", "First Name", "Last Name", "Phone", "Country", "City", "Company", "Segments",
    "data.plan", "data.source", "data.year",
)  # fmt: skip
EMAIL, PHONE, COUNTRY = (COLUMNS.index(name) for name in ("Email", "Phone", "Country"))

_FIRST = ("Ada", "Jürgen", "Zoë", "Marie", "Tomás", "François", "Lea", "Björn", "Giulia", "Mohammed", "Chloe")
_LAST = ("Dupont", "O'Neil", "Müller", "Nguyen", "Smith-Jones", "García", "De Vries", "Rossi", "Öztürk", "Kowalski")
# Country as it is written, city, and a phone as it is written there: numbers that are kept for fiction, where any are.
_PLACES = (
    ("France", "Nantes", "06 39 98 {:02} {:02}"),
    ("United Kingdom", "Leeds", "07700 90{:02} {:02}"),
    ("Germany", "Köln", "0171 39200 {:02}{:02}"),
    ("US", "Springfield", "(212) 555-{:02}{:02}"),
    ("Spain", "Valencia", "+34 612 34 {:02} {:02}"),
    ("Pays-Bas", "Utrecht", "0031 6 1234 {:02}{:02}"),
)
_MAILERS = ("post.example", "webmail.example", "mail.example.com", "online.example", "box.example.org")
_SEGMENTS = ("customer", "customer, newsletter", "lead", "lead, fair 2024", "")
_PLANS, _SOURCES, _YEARS = ("free", "pro", "team"), ("web", "fair", "referral", "ads"), range(2020, 2025)

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
    f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
    '<sheet name="Contacts" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}


def rows(count: int, *, start: int = 0, changed_every: int | None = None) -> Iterator[list[str]]:
    """Cells of so many contacts, whose addresses are numbered from `start`.

    Half of the addresses are of few mailers, half of a company's own domain; one phone in six is missing.
    `changed_every`: of every so many one has moved to another city and plan.
    """
    chance = random.Random(start)
    for number in range(start, start + count):
        changed = changed_every is not None and number % changed_every == 0
        first, last, (country, city, phone) = chance.choice(_FIRST), chance.choice(_LAST), chance.choice(_PLACES)
        company = chance.randrange(max(1, count // 8))
        domain = chance.choice(_MAILERS) if number % 2 else f"company-{company}.example"
        digits, plan = (chance.randrange(100), chance.randrange(100)), chance.randrange(len(_PLANS))
        yield [
            f"user.{number}@{domain}",
            first,
            last,
            phone.format(*digits) if number % 6 else "",
            country,
            f"{city} 2" if changed else city,
            f"Company {company}, Ltd.",
            chance.choice(_SEGMENTS),
            _PLANS[(plan + changed) % len(_PLANS)],
            chance.choice(_SOURCES),
            str(chance.choice(_YEARS)),
        ]


def write_csv(path: Path, contacts: Iterator[list[str]]) -> Path:
    """A CSV of these contacts."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(chain([COLUMNS], contacts))
    return path


def write_xlsx(path: Path, contacts: Iterator[list[str]]) -> Path:
    """A workbook of these contacts as Excel writes one: texts once, in a table of their own."""
    texts: dict[str, int] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, part in _PARTS.items():
            book.writestr(name, part)
        with book.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for number, cells in enumerate(chain([COLUMNS], contacts), 1):
                sheet.write(_row(number, cells, texts).encode())
            sheet.write(b"</sheetData></worksheet>")
        listed = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{_MAIN}" uniqueCount="{len(texts)}">{listed}</sst>')
    return path


def _row(number: int, cells: Sequence[str], texts: dict[str, int]) -> str:
    made = "".join(
        f'<c r="{letter}{number}"><v>{cell}</v></c>'
        if cell.isdigit()
        else f'<c r="{letter}{number}" t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>'
        for letter, cell in zip(ascii_uppercase, cells, strict=False)
        if cell
    )
    return f'<row r="{number}">{made}</row>'
