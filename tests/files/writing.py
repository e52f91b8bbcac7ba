"""Files for the tests of reading: texts, workbooks made of XML, archives, and what only looks like them."""

import gzip
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from connector.errors import Problem
from connector.files.reading import ReadOptions, read_table
from connector.files.table import Cell, Row

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
# Styles of cells by their number: a moment, a time, a duration, a date.
MOMENT, TIME, DURATION, DATE = 1, 2, 3, 4
_STYLES = f"""<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="170" formatCode="[h]:mm:ss"/></numFmts>
<cellXfs><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="21"/><xf numFmtId="170"/><xf numFmtId="14"/>
</cellXfs></styleSheet>"""


def text_file(folder: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    """A file of this text."""
    path = folder / "contacts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path: Path, options: ReadOptions | None = None) -> list[Row]:
    """All rows of a file."""
    with read_table(path, options or ReadOptions()) as table:
        return list(table.rows())


def cells_of(rows: Iterable[Row]) -> list[tuple[Cell, ...]]:
    """Only the cells."""
    return [row.cells for row in rows]


def problem_of(path: Path, options: ReadOptions | None = None) -> Problem:
    """The problem that reading this file to its end has."""
    try:
        read(path, options)
    except Problem as problem:
        return problem
    raise AssertionError("the file was read")


def cell(value: str | float | bool, *, style: int = 0) -> str:
    """A cell in XML."""
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c s="{style}"><v>{value!r}</v></c>'
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else "<c/>"


def sheet_xml(rows: Sequence[Sequence[str | float | bool]]) -> str:
    """A sheet of these cells; an empty row is left out, as Excel does. `<` begins a cell that is XML already."""
    lines = []
    for number, cells in enumerate(rows, 1):
        made = "".join(each if isinstance(each, str) and each.startswith("<") else cell(each) for each in cells)
        lines.append(f'<row r="{number}">{made}</row>' if cells else "")
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def xlsx(path: Path, sheets: dict[str, str], hidden: Sequence[str] = ()) -> Path:
    """A workbook of these sheets, name → XML."""
    hide = ' state="hidden"'
    listed = "".join(
        f"<sheet name={quoteattr(name)} sheetId='{number}' r:id='r{number}'{hide if name in hidden else ''}/>"
        for number, name in enumerate(sheets, 1)
    )
    targets = "".join(
        f'<Relationship Id="r{number}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{targets}</Relationships>',
        "xl/styles.xml": _STYLES,
        **{f"xl/worksheets/sheet{number}.xml": xml for number, xml in enumerate(sheets.values(), 1)},
    }
    path.write_bytes(zipped({name: part.encode() for name, part in parts.items()}))
    return path


def zipped(files: dict[str, bytes]) -> bytes:
    """A ZIP archive of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def gzipped(content: bytes) -> bytes:
    """Gzipped."""
    return gzip.compress(content)


def ole(*streams: str) -> bytes:
    """The beginning of an OLE file with these streams: a header and a sector of directory entries."""
    entries = [("Root Entry", *streams)[index] if index <= len(streams) else "" for index in range(4)]
    directory = b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in entries)
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0") + directory
